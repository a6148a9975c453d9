#pragma once

#include <filesystem>

#include "sscvae/serialization/state_dict.h"

/// The safetensors format: 8 bytes of header length, a JSON header, raw little-endian tensors. Nothing in a file is
/// executed, every size and offset is checked against the file before memory is reserved.
/// Source: https://github.com/huggingface/safetensors (format description).
namespace sscvae::serialization {

/// Errors: IoError if unreadable; FormatError naming the file and the first thing that is wrong (truncated, overlapping
/// or out-of-range data, unknown dtype, sizes that do not match, header above 100 MB, duplicate names).
TensorFile read_safetensors(const std::filesystem::path& path);

/// The same from memory; `source` names it in errors.
TensorFile parse_safetensors(std::string_view bytes, const std::string& source);

/// Header only: names, dtypes and shapes (tensors are empty "meta" tensors) and metadata, without reading the data.
TensorFile read_safetensors_header(const std::filesystem::path& path);

/// Written atomically, tensors contiguous and on the CPU, in the order given. Deterministic: equal input, equal bytes.
void write_safetensors(const std::filesystem::path& path, const StateDict& tensors,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace sscvae::serialization
