#pragma once

#include <filesystem>

#include "sscvae/serialization/state_dict.h"

/// Files of tensors of either format, told apart by their content, whatever their name.
namespace sscvae::serialization {

/// Whether torch_checkpoint.h reads the file, or says why it does not. Only where the content says nothing the name
/// (.pt, .pth) does. Errors: IoError.
bool is_torch_checkpoint(const std::filesystem::path& path);

/// Errors: as read_torch_checkpoint and read_safetensors.
TensorFile read_tensor_file(const std::filesystem::path& path);

}  // namespace sscvae::serialization
