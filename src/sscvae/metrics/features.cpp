#include "sscvae/metrics/features.h"

#include <algorithm>

#include "sscvae/core/atomic_file.h"
#include "sscvae/core/error.h"
#include "sscvae/core/shape.h"
#include "sscvae/metrics/planes.h"
#include "sscvae/serialization/safetensors.h"

namespace sscvae::metrics {

void check_features(const at::Tensor& a, const at::Tensor& b) {
  for (const at::Tensor& rows : {a, b})
    if (!rows.defined() || rows.dim() != 2 || rows.size(0) < 2 || rows.size(1) < 1)
      throw ShapeError("features: expected [N, d] with at least 2 rows, got " + shape_text(rows));
  if (a.size(1) != b.size(1))
    throw ShapeError("features: expected equal columns, got " + shape_text(a) + " and " + shape_text(b));
}

std::filesystem::path feature_file(const std::filesystem::path& folder, const FeatureKey& key) {
  return folder / (key.data_sha256.substr(0, 16) + "-" + key.weights_sha256.substr(0, 16) + ".safetensors");
}

std::optional<at::Tensor> read_features(const std::filesystem::path& folder, const FeatureKey& key) {
  const std::filesystem::path path = feature_file(folder, key);
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return std::nullopt;
  try {
    const serialization::TensorFile file = serialization::read_safetensors(path);
    const auto holds = [&file](const char* name, const std::string& value) {
      const auto found = file.metadata.find(name);
      return found != file.metadata.end() && found->second == value;
    };
    const at::Tensor* features = file.tensors.find("features");
    const bool fits = features && features->dim() == 2 && holds("data_sha256", key.data_sha256) &&
                      holds("weights_sha256", key.weights_sha256);
    return fits ? std::optional(*features) : std::nullopt;
  } catch (const FormatError&) {
    return std::nullopt;
  }
}

void write_features(const std::filesystem::path& folder, const FeatureKey& key, const at::Tensor& features) {
  create_folder(folder);
  serialization::StateDict state;
  state.add("features", plain(features, at::kFloat));
  serialization::write_safetensors(feature_file(folder, key), state,
                                   {{"data_sha256", key.data_sha256}, {"weights_sha256", key.weights_sha256}});
}

}  // namespace sscvae::metrics
