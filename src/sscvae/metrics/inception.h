#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

/// The network whose features the FID and the KID are made of.
namespace sscvae::metrics {

/// Inception-v3 as trained for TensorFlow's 2015 release, which differs from torchvision's: average pools do not count
/// the padding, the last block pools by maximum, normalisation has epsilon 1e-3, there are 1008 classes and no
/// auxiliary head. Keys are those of `pt_inception-2015-12-05-6726825d.pth`. Weights are frozen; always in eval mode.
/// Source: Szegedy et al. 2016; the variations as in the pytorch-fid package, with which outputs agree.
class InceptionImpl : public torch::nn::Module {
 public:
  static constexpr int64_t kSide = 299;
  static constexpr int64_t kFeatures = 2048;
  static constexpr int64_t kClasses = 1008;

  /// Weights are zero until load_inception fills them.
  InceptionImpl();

  /// [N,3,H,W] in [0,1], any size -> [N,3,299,299]: bilinear with half-pixel centres and without antialiasing, then
  /// 2x - 1. Errors: ShapeError.
  static at::Tensor prepared(const at::Tensor& images);
  /// [N,3,299,299] -> [N,2048], the spatial means in front of the classifier. Errors: ShapeError.
  at::Tensor features(const at::Tensor& prepared);
  /// features(prepared(images)).
  at::Tensor forward(const at::Tensor& images);
  /// [N,2048] -> [N,1008].
  at::Tensor logits(const at::Tensor& features);

 private:
  at::Tensor classifier_weight_, classifier_bias_;
  std::vector<std::shared_ptr<torch::nn::Module>> blocks_;
};
TORCH_MODULE(Inception);

/// From the original .pth or a safetensors file of the same keys (`num_batches_tracked` may be there or not); float32
/// on the CPU. Errors: IoError; FormatError naming the first missing, misshapen or foreign tensor.
Inception load_inception(const std::filesystem::path& path);

}  // namespace sscvae::metrics
