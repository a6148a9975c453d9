#include "sscvae/metrics/features.h"

#include <algorithm>

#include "sscvae/array/shape.h"
#include "sscvae/core/atomic_file.h"
#include "sscvae/core/error.h"
#include "sscvae/metrics/planes.h"
#include "sscvae/serialization/safetensors.h"

namespace sscvae::metrics {

void check_features(const Array& a, const Array& b) {
  for (const Array& rows : {a, b})
    if (!rows.defined() || rows.dim() != 2 || rows.size(0) < 2 || rows.size(1) < 1)
      throw ShapeError("features: expected [N, d] with at least 2 rows, got " + shape_text(rows));
  if (a.size(1) != b.size(1))
    throw ShapeError("features: expected equal columns, got " + shape_text(a) + " and " + shape_text(b));
}

void FeatureCloud::add(const Array& rows) {
  const int64_t before = count();
  moments_.add(rows);
  const Array values = plain(rows, kFloat32);
  const int64_t length = values.size(1);
  for (int64_t i = 0; i < values.size(0); ++i) {
    const float* row = values.data<float>() + i * length;
    if (before + i < kMostKept) {
      kept_.insert(kept_.end(), row, row + length);
    } else if (const int64_t place = random_.below(before + i + 1); place < kMostKept) {
      std::copy(row, row + length, kept_.begin() + place * length);
    }
  }
}

Array FeatureCloud::kept() const {
  const int64_t length = moments_.mean().defined() ? moments_.mean().size(0) : 0;
  const int64_t rows = length > 0 ? static_cast<int64_t>(kept_.size()) / length : 0;
  const Array array = Array::empty({rows, length}, kFloat32);
  std::copy(kept_.begin(), kept_.end(), array.data<float>());
  return array;
}

std::filesystem::path feature_file(const std::filesystem::path& folder, const FeatureKey& key) {
  return folder / (key.data_sha256.substr(0, 16) + "-" + key.weights_sha256.substr(0, 16) + ".safetensors");
}

std::optional<FeatureCloud> read_features(const std::filesystem::path& folder, const FeatureKey& key) {
  const std::filesystem::path path = feature_file(folder, key);
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return std::nullopt;
  try {
    const serialization::TensorFile file = serialization::read_safetensors(path);
    const auto holds = [&file](const char* name, const std::string& value) {
      const auto found = file.metadata.find(name);
      return found != file.metadata.end() && found->second == value;
    };
    if (!holds("data_sha256", key.data_sha256) || !holds("weights_sha256", key.weights_sha256)) return std::nullopt;
    const Array &count = file.tensors.at("count"), &kept = file.tensors.at("kept");
    const Array mean = plain(file.tensors.at("mean")), factor = plain(file.tensors.at("factor"));
    check_shape(count, "count", "1", {1});
    check_shape(kept, "kept", "n,d", {-1, mean.size(0)});
    FeatureCloud cloud;
    cloud.moments_ = Moments(count.item<int64_t>(), mean, factor);
    if (kept.size(0) != std::min(cloud.count(), FeatureCloud::kMostKept)) return std::nullopt;
    const Array values = plain(kept, kFloat32);
    cloud.kept_.assign(values.data<float>(), values.data<float>() + values.numel());
    return cloud;
  } catch (const Error&) {
    return std::nullopt;
  }
}

void write_features(const std::filesystem::path& folder, const FeatureKey& key, const FeatureCloud& features) {
  create_folder(folder);
  serialization::StateDict state;
  state.add("count", Array::of(std::vector<int64_t>{features.count()}));
  state.add("mean", features.moments().mean());
  state.add("factor", features.moments().factor());
  state.add("kept", features.kept());
  serialization::write_safetensors(feature_file(folder, key), state,
                                   {{"data_sha256", key.data_sha256}, {"weights_sha256", key.weights_sha256}});
}

}  // namespace sscvae::metrics
