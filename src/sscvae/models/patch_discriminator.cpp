#include "sscvae/models/patch_discriminator.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/leaky_relu.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/relu.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <algorithm>
#include <numeric>

#include "sscvae/array/shape.h"
#include "sscvae/core/error.h"
#include "sscvae/core/random.h"
#include "sscvae/core/text.h"
#include "sscvae/nn/arrays.h"

namespace sscvae::models {

namespace {

constexpr int64_t kKernel = 4, kLargestWidening = 8, kGroups = 16;
constexpr int64_t kSmallestGrid = 3;  // after the halvings; each of the two last convolutions takes one off
constexpr double kSlope = 0.2, kDeviation = 0.02;

}  // namespace

PatchDiscriminator::PatchDiscriminator(int64_t in_channels, const PatchDiscriminatorOptions& options, uint64_t seed)
    : layers_(options.layers), in_channels_(in_channels) {
  const auto width = [&](int64_t level) { return options.channels * std::min(kLargestWidening, int64_t{1} << level); };
  add_layer(in_channels, width(0), 2, Normalization::kNone);
  for (int64_t level = 1; level < layers_; ++level) add_layer(width(level - 1), width(level), 2, options.normalization);
  add_layer(width(layers_ - 1), width(layers_), 1, options.normalization);
  add_layer(width(layers_), 1, 1, Normalization::kNone);
  draw_weights(seed);
}

void PatchDiscriminator::add_layer(int64_t in_channels, int64_t out_channels, int64_t stride,
                                   Normalization normalization) {
  const std::string number = std::to_string(convolutions_.size());
  // A bias in front of a normalisation over batches would be taken out again.
  const bool bias = normalization != Normalization::kBatch;
  convolutions_.push_back(register_module(
      "conv" + number,
      torch::nn::Conv2d(
          torch::nn::Conv2dOptions(in_channels, out_channels, kKernel).stride(stride).padding(1).bias(bias))));
  Norm norm;
  if (normalization == Normalization::kBatch)
    norm.batch = register_module("norm" + number, torch::nn::BatchNorm2d(out_channels));
  if (normalization == Normalization::kGroup)
    norm.group = register_module("norm" + number, torch::nn::GroupNorm(std::gcd(out_channels, kGroups), out_channels));
  norms_.push_back(std::move(norm));
}

void PatchDiscriminator::draw_weights(uint64_t seed) {
  const at::NoGradGuard no_grad;
  at::Generator generator = at::detail::createCPUGenerator(derive_seed(seed, "discriminator"));
  for (auto& item : named_parameters()) {
    const bool is_weight = item.value().dim() == 4;
    if (is_weight) item.value().copy_(kDeviation * at::randn(item.value().sizes(), generator, at::TensorOptions()));
    else item.value().fill_(item.key().ends_with("weight") ? 1.0 : 0.0);  // norms pass through at first
  }
}

void PatchDiscriminator::check_size(const at::Tensor& images) const {
  check_shape(images, "images", "N,C,H,W", {-1, in_channels_, -1, -1});
  const int64_t smallest = kSmallestGrid << layers_;
  if (images.size(2) < smallest || images.size(3) < smallest)
    throw ShapeError(
        format("images: a discriminator of %lld layers needs at least %lld pixels on each side, got %lldx%lld",
               static_cast<long long>(layers_), static_cast<long long>(smallest),
               static_cast<long long>(images.size(2)), static_cast<long long>(images.size(3))));
}

at::Tensor PatchDiscriminator::forward(const at::Tensor& images) {
  check_size(images);
  at::Tensor x = images;
  for (size_t i = 0; i + 1 < convolutions_.size(); ++i) {
    x = convolutions_[i]->forward(x);
    if (norms_[i].batch) x = norms_[i].batch->forward(x);
    if (norms_[i].group) x = norms_[i].group->forward(x);
    x = at::leaky_relu(x, kSlope);
  }
  return convolutions_.back()->forward(x);
}

at::Tensor hinge_discriminator_loss(const at::Tensor& real_logits, const at::Tensor& fake_logits) {
  return 0.5 * (at::relu(1 - real_logits).mean() + at::relu(1 + fake_logits).mean());
}

at::Tensor hinge_generator_loss(const at::Tensor& fake_logits) { return -fake_logits.mean(); }

}  // namespace sscvae::models
