#pragma once

#include <filesystem>

#include "sscvae/serialization/state_dict.h"

/// State dicts as Python's torch.save writes them (zip archive with a pickle inside), read by a restricted unpickler
/// that knows only tensors in containers and executes nothing.
namespace sscvae::serialization {

/// Reads a state dict: a plain dict or OrderedDict of tensors, also inside a wrapper dict under "state_dict" or "model"
/// (a training checkpoint: other entries are ignored). Tensors saved on a GPU come to the CPU; strides are honoured.
/// Errors: IoError if unreadable; FormatError for anything damaged, foreign, or asking for a name outside the
/// allow-list. Files of PyTorch before 1.6 (not a zip archive) are refused with the command that converts them.
StateDict read_torch_checkpoint(const std::filesystem::path& path);

/// The same from memory; `source` names it in errors.
StateDict parse_torch_checkpoint(std::string_view bytes, const std::string& source);

/// Writes a plain OrderedDict state dict that Python's torch.load(weights_only=True) reads. Strides of dense tensors
/// are kept. Atomic.
void write_torch_checkpoint(const std::filesystem::path& path, const StateDict& tensors);

}  // namespace sscvae::serialization
