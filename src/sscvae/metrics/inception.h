#pragma once

#include <cstdint>
#include <filesystem>

#include "sscvae/engine/engine.h"
#include "sscvae/metrics/feature_weights.h"

/// The network whose features the FID and the KID are made of.
namespace sscvae::metrics {

/// Inception-v3 (networks/feature_networks.h) and its classifier. Keys are those of
/// `pt_inception-2015-12-05-6726825d.pth`.
class Inception {
 public:
  static constexpr int64_t kSide = 299;
  static constexpr int64_t kFeatures = 2048;
  static constexpr int64_t kClasses = 1008;
  /// What a file of weights holds; `num_batches_tracked` may be there or not.
  static Expected expected();

  /// Errors: FormatError as checked_weights.
  Inception(const serialization::StateDict& state, const std::string& source);

  /// [N,3,H,W] in [0,1], any size -> [N,3,299,299]: bilinear with half-pixel centres and without antialiasing, then
  /// 2x - 1. Errors: ShapeError.
  static Array prepared(const Array& images);
  /// [N,3,299,299] -> [N,2048], the spatial means in front of the classifier. Errors: ShapeError.
  Array features(const Array& prepared);
  /// [N,2048] -> [N,1008].
  Array logits(const Array& features) const;

 private:
  engine::Engine engine_;
  Array classifier_weight_, classifier_bias_;
};

/// From the original .pth or a safetensors file of the same keys. Errors: IoError; FormatError naming the first
/// missing, misshapen or foreign tensor.
Inception load_inception(const std::filesystem::path& path);

}  // namespace sscvae::metrics
