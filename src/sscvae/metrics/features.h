#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

/// Feature vectors of sets of images, [N,d] with a row for each image, and how they are kept.
namespace sscvae::metrics {

/// Below so many images the FID is more a measure of their number than of their likeness.
inline constexpr int64_t kEnoughImages = 2048;

/// Errors: ShapeError unless both are [N,d] and [M,d] with N, M >= 2.
void check_features(const at::Tensor& a, const at::Tensor& b);

/// What features belong to: the images and the network, by SHA-256.
struct FeatureKey {
  std::string data_sha256, weights_sha256;
};

/// The file of such features in the folder: "<16 digits of data>-<16 digits of weights>.safetensors".
std::filesystem::path feature_file(const std::filesystem::path& folder, const FeatureKey& key);
/// Nothing if there is no such file or it holds something else (damaged, another key).
std::optional<at::Tensor> read_features(const std::filesystem::path& folder, const FeatureKey& key);
/// float32, atomically; the folder is made. Errors: IoError.
void write_features(const std::filesystem::path& folder, const FeatureKey& key, const at::Tensor& features);

}  // namespace sscvae::metrics
