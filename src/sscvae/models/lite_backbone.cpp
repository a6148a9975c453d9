#include "sscvae/models/lite_backbone.h"

#include <ATen/ops/pixel_shuffle.h>
#include <ATen/ops/pixel_unshuffle.h>
#include <torch/csrc/autograd/grad_mode.h>
#include <torch/nn/modules/container/modulelist.h>

#include <bit>

#include "sscvae/core/error.h"
#include "sscvae/core/text.h"
#include "sscvae/nn/autocast.h"
#include "sscvae/nn/convolution.h"
#include "sscvae/nn/lite_blocks.h"

namespace sscvae::models {

namespace {

/// log2 of the pixel block that is folded into channels; the remaining halvings are convolutions.
int64_t unshuffle_levels(const ModelOptions& options) {
  const auto side = static_cast<uint64_t>(options.lite.unshuffle);
  if (!std::has_single_bit(side)) throw UsageError("model.lite.unshuffle: expected a power of two");
  return std::min<int64_t>(std::countr_zero(side), options.down_samples);
}

/// Side of the blocks of pixels that are added to the features, 0 without block_skip.
int64_t skipped_block(const ModelOptions& options, int64_t feature_dim) {
  if (!options.lite.block_skip) return 0;
  const int64_t side = int64_t{1} << options.down_samples, expected = options.in_channels * side * side;
  if (feature_dim != expected)
    throw UsageError(
        format("model.lite.block_skip: needs %lld feature channels (atom_dim, code_dim or latent_dim), got %lld",
               static_cast<long long>(expected), static_cast<long long>(feature_dim)));
  return side;
}

/// With a skip around it, a network starts near 0.
void start_small(torch::nn::Conv2d& head) {
  const at::NoGradGuard no_grad;
  head->weight.mul_(0.1);
  head->bias.zero_();
}

/// The residual blocks at one resolution.
class Stage : public torch::nn::Module {
 public:
  explicit Stage(const LiteBackboneOptions& options) {
    for (int64_t i = 0; i < options.num_blocks; ++i)
      blocks_.push_back(
          register_module(std::to_string(i), nn::LiteResidualBlock(options.width, norm_of(options.normalization))));
  }
  at::Tensor forward(at::Tensor x) {
    for (auto& block : blocks_) x = block->forward(x);
    return x;
  }

 private:
  std::vector<nn::LiteResidualBlock> blocks_;
};

class LiteEncoder : public Backbone2d {
 public:
  LiteEncoder(const ModelOptions& options, int64_t feature_dim)
      : block_(int64_t{1} << unshuffle_levels(options)), skipped_block_(skipped_block(options, feature_dim)) {
    const int64_t width = options.lite.width;
    stem_ = register_module("stem", nn::same_convolution(options.in_channels * block_ * block_, width, 3));
    stages_.push_back(register_module("stage0", std::make_shared<Stage>(options.lite)));
    for (int64_t level = unshuffle_levels(options); level < options.down_samples; ++level) {
      const std::string number = std::to_string(stages_.size());
      halvings_.push_back(
          register_module("down" + number, torch::nn::Conv2d(torch::nn::Conv2dOptions(width, width, 2).stride(2))));
      stages_.push_back(register_module("stage" + number, std::make_shared<Stage>(options.lite)));
    }
    head_ = register_module("head", nn::same_convolution(width, feature_dim, 3));
    if (skipped_block_ > 0) start_small(head_);
  }

  at::Tensor forward(const at::Tensor& image) override {
    const at::Tensor centred = image - 0.5;
    at::Tensor x = stage(0, nn::convolve(stem_, at::pixel_unshuffle(centred, block_)));
    for (size_t i = 0; i < halvings_.size(); ++i) x = stage(i + 1, halvings_[i]->forward(x));
    x = nn::convolve(head_, x);
    return skipped_block_ > 0 ? nn::to_full_precision(x) + at::pixel_unshuffle(centred, skipped_block_) : x;
  }
  at::Tensor last_weight() const override { return head_->weight; }

 private:
  at::Tensor stage(size_t i, const at::Tensor& x) {
    return level([this, i](const at::Tensor& input) { return stages_[i]->forward(input); }, x);
  }
  int64_t block_, skipped_block_;
  torch::nn::Conv2d stem_{nullptr}, head_{nullptr};
  std::vector<std::shared_ptr<Stage>> stages_;
  std::vector<torch::nn::Conv2d> halvings_;
};

class LiteDecoder : public Backbone2d {
 public:
  LiteDecoder(const ModelOptions& options, int64_t feature_dim)
      : block_(int64_t{1} << unshuffle_levels(options)), skipped_block_(skipped_block(options, feature_dim)) {
    const int64_t width = options.lite.width;
    stem_ = register_module("stem", nn::same_convolution(feature_dim, width, 3));
    stages_.push_back(register_module("stage0", std::make_shared<Stage>(options.lite)));
    for (int64_t level = unshuffle_levels(options); level < options.down_samples; ++level) {
      const std::string number = std::to_string(stages_.size());
      doublings_.push_back(register_module("up" + number, nn::same_convolution(width, 4 * width, 1)));
      stages_.push_back(register_module("stage" + number, std::make_shared<Stage>(options.lite)));
    }
    head_ = register_module("head", nn::same_convolution(width, options.in_channels * block_ * block_, 3));
    if (skipped_block_ > 0) start_small(head_);
  }

  at::Tensor forward(const at::Tensor& features) override {
    at::Tensor x = stage(0, nn::convolve(stem_, features));
    for (size_t i = 0; i < doublings_.size(); ++i)
      x = stage(i + 1, at::pixel_shuffle(nn::convolve(doublings_[i], x), 2));
    x = at::pixel_shuffle(nn::convolve(head_, x), block_);
    return skipped_block_ > 0 ? nn::to_full_precision(x) + at::pixel_shuffle(features, skipped_block_) : x;
  }
  at::Tensor last_weight() const override { return head_->weight; }

 private:
  at::Tensor stage(size_t i, const at::Tensor& x) {
    return level([this, i](const at::Tensor& input) { return stages_[i]->forward(input); }, x);
  }
  int64_t block_, skipped_block_;
  torch::nn::Conv2d stem_{nullptr}, head_{nullptr};
  std::vector<std::shared_ptr<Stage>> stages_;
  std::vector<torch::nn::Conv2d> doublings_;
};

}  // namespace

std::shared_ptr<Backbone2d> make_lite_encoder(const ModelOptions& options, int64_t feature_dim) {
  return std::make_shared<LiteEncoder>(options, feature_dim);
}

std::shared_ptr<Backbone2d> make_lite_decoder(const ModelOptions& options, int64_t feature_dim) {
  return std::make_shared<LiteDecoder>(options, feature_dim);
}

}  // namespace sscvae::models
