#pragma once

#include <filesystem>

#include "sscvae/serialization/state_dict.h"

/// State dicts as Python's torch.save writes them (zip archive with a pickle inside), read by a restricted unpickler
/// that knows only tensors in containers and executes nothing.
namespace sscvae::serialization {

/// Reads a state dict: a plain dict or OrderedDict of tensors, also inside a training checkpoint under the key
/// params_ema, ema, state_dict, model_state_dict, model, params, net or generator, or under two of them one inside the
/// other. Where there are several, the first in this order, with a note. What is no tensor beside them (numbers, texts,
/// paths, devices, namespaces, lists and dicts of such) is skipped. Tensors saved on a GPU come to the CPU; strides are
/// honoured.
/// Errors: IoError if unreadable; FormatError for anything damaged, foreign (foreign_files.h), or asking for a name
/// outside the allow-list.
StateDict read_torch_checkpoint(const std::filesystem::path& path);

/// The same from memory; `source` names it in errors.
StateDict parse_torch_checkpoint(std::string_view bytes, const std::string& source);

/// Writes a plain OrderedDict state dict that Python's torch.load(weights_only=True) reads. Strides of dense tensors
/// are kept. Atomic.
void write_torch_checkpoint(const std::filesystem::path& path, const StateDict& tensors);

}  // namespace sscvae::serialization
