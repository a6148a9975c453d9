#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "sscvae/array/array.h"
#include "sscvae/core/random.h"
#include "sscvae/metrics/moments.h"

/// Feature vectors of sets of images, [N,d] with a row for each image, and how they are kept.
namespace sscvae::metrics {

/// Below so many images the FID is more a measure of their number than of their likeness.
inline constexpr int64_t kEnoughImages = 2048;

/// Errors: ShapeError unless both are [N,d] and [M,d] with N, M >= 2.
void check_features(const Array& a, const Array& b);

/// What features belong to: the images and the network, by SHA-256.
struct FeatureKey {
  std::string data_sha256, weights_sha256;
};

/// What distances of sets need of their features, in memory that does not grow with the set: moments of all of them,
/// and up to kMostKept of them.
class FeatureCloud {
 public:
  /// Of a larger set so many features are kept, each with the same chance (reservoir sampling, Vitter 1985). All of a
  /// smaller one, in order.
  static constexpr int64_t kMostKept = 10000;

  /// Features [n,d], a row for each image. Errors: ShapeError for another d than before.
  void add(const Array& rows);
  int64_t count() const { return moments_.count(); }
  const Moments& moments() const { return moments_; }
  Array kept() const;  ///< float32 [min(N, kMostKept),d]

 private:
  friend std::optional<FeatureCloud> read_features(const std::filesystem::path& folder, const FeatureKey& key);
  Moments moments_;
  std::vector<float> kept_;
  Random random_{derive_seed(1, "kept features")};
};

/// The file of such features in the folder: "<16 digits of data>-<16 digits of weights>.safetensors".
std::filesystem::path feature_file(const std::filesystem::path& folder, const FeatureKey& key);
/// Nothing if there is no such file or it holds something else (damaged, another key, another version's). Nothing
/// should be added to what was read.
std::optional<FeatureCloud> read_features(const std::filesystem::path& folder, const FeatureKey& key);
/// Atomically; the folder is made. Errors: IoError.
void write_features(const std::filesystem::path& folder, const FeatureKey& key, const FeatureCloud& features);

}  // namespace sscvae::metrics
