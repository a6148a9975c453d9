#include "sscvae/serialization/tensor_file.h"

#include "sscvae/core/printable.h"
#include "sscvae/serialization/foreign_files.h"
#include "sscvae/serialization/safetensors.h"
#include "sscvae/serialization/torch_checkpoint.h"

namespace sscvae::serialization {

bool is_torch_checkpoint(const std::filesystem::path& path) {
  const FileKind kind = kind_of_file(FileSource(path));
  if (kind != FileKind::kUnknown) return kind != FileKind::kSafetensors;
  return has_extension(path, ".pt") || has_extension(path, ".pth");
}

TensorFile read_tensor_file(const std::filesystem::path& path) {
  if (is_torch_checkpoint(path)) return {read_torch_checkpoint(path), {}};
  return read_safetensors(path);
}

}  // namespace sscvae::serialization
