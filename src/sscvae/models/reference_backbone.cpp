#include "sscvae/models/reference_backbone.h"

#include <torch/nn/modules/container/modulelist.h>

#include <functional>

#include "sscvae/core/error.h"
#include "sscvae/core/text.h"
#include "sscvae/nn/blocks.h"
#include "sscvae/nn/convolution.h"
#include "sscvae/nn/norm_activation.h"

namespace sscvae::models {

namespace {

torch::nn::GroupNorm group_norm(int64_t groups, int64_t channels) {
  if (channels % groups != 0)
    throw UsageError(format("model.reference.num_groups = %lld does not divide %lld channels",
                            static_cast<long long>(groups), static_cast<long long>(channels)));
  return torch::nn::GroupNorm(groups, channels);
}

nn::NonLocalBlock non_local(const ReferenceBackboneOptions& options) {
  if (options.attention == Attention::kNone) return nullptr;
  const auto axis = options.attention == Attention::kOverQueries ? nn::SoftmaxAxis::kQueries : nn::SoftmaxAxis::kKeys;
  return nn::NonLocalBlock(options.hidden_channels_2, axis, options.scale_attention);
}

/// residual -> non-local -> residual at the lowest resolution.
class Middle {
 public:
  Middle(torch::nn::Module& parent, const ReferenceBackboneOptions& options)
      : residual_1_(parent.register_module("_res_1", nn::ResidualBlock(options.hidden_channels_2))),
        non_local_(non_local(options)),
        residual_2_(nullptr) {
    if (non_local_) parent.register_module("_non_local", non_local_);
    residual_2_ = parent.register_module("_res_2", nn::ResidualBlock(options.hidden_channels_2));
  }
  at::Tensor operator()(const at::Tensor& x) {
    const at::Tensor first = residual_1_->forward(x);
    return residual_2_->forward(non_local_ ? non_local_->forward(first) : first);
  }

 private:
  nn::ResidualBlock residual_1_;
  nn::NonLocalBlock non_local_;
  nn::ResidualBlock residual_2_;
};

class ReferenceEncoder : public Backbone2d {
 public:
  ReferenceEncoder(const ModelOptions& model, int64_t feature_dim) {
    const ReferenceBackboneOptions& options = model.reference;
    const int64_t wide = options.hidden_channels_2;
    convolution_1_ = register_module("_conv_1", nn::same_convolution(model.in_channels, options.hidden_channels_1, 3));
    levels_ = register_module("_down_samples", torch::nn::ModuleList());
    int64_t channels = options.hidden_channels_1;
    for (int64_t level = 0; level < model.down_samples; ++level) {
      levels_->push_back(nn::ResidualBlock(channels));
      levels_->push_back(nn::DownSample(channels, wide, norm_of(options.normalization), options.num_groups));
      channels = wide;
    }
    if (channels != wide) throw UsageError("model.down_samples: the reference backbone needs at least 1");
    middle_ = std::make_unique<Middle>(*this, options);
    norm_ = register_module("_group_norm", group_norm(options.num_groups, wide));
    convolution_2_ = register_module("_conv_2", nn::same_convolution(wide, feature_dim, 3));
  }

  at::Tensor forward(const at::Tensor& image) override {
    at::Tensor x = nn::convolve(convolution_1_, image);
    for (size_t i = 0; i < levels_->size(); i += 2) {
      const auto part = [this, i](const at::Tensor& input) {
        return levels_->at<nn::DownSampleImpl>(i + 1).forward(levels_->at<nn::ResidualBlockImpl>(i).forward(input));
      };
      x = level(part, x);
    }
    return nn::convolve(convolution_2_, nn::norm_activation(norm_, (*middle_)(x), {kernels::Act::kSilu}));
  }
  at::Tensor last_weight() const override { return convolution_2_->weight; }

 private:
  torch::nn::Conv2d convolution_1_{nullptr}, convolution_2_{nullptr};
  torch::nn::ModuleList levels_{nullptr};
  std::unique_ptr<Middle> middle_;
  torch::nn::GroupNorm norm_{nullptr};
};

class ReferenceDecoder : public Backbone2d {
 public:
  ReferenceDecoder(const ModelOptions& model, int64_t feature_dim) {
    const ReferenceBackboneOptions& options = model.reference;
    const int64_t narrow = options.hidden_channels_1;
    convolution_1_ = register_module("_conv_1", nn::same_convolution(feature_dim, options.hidden_channels_2, 3));
    middle_ = std::make_unique<Middle>(*this, options);
    levels_ = register_module("_up_samples", torch::nn::ModuleList());
    int64_t channels = options.hidden_channels_2;
    for (int64_t level = 0; level < model.down_samples; ++level) {
      levels_->push_back(nn::ResidualBlock(channels));
      levels_->push_back(nn::UpSample(channels, narrow, norm_of(options.normalization), options.num_groups));
      channels = narrow;
    }
    norm_ = register_module("_group_norm", group_norm(options.num_groups, narrow));
    convolution_2_ = register_module("_conv_2", nn::same_convolution(narrow, model.in_channels, 3));
  }

  at::Tensor forward(const at::Tensor& features) override {
    at::Tensor x = (*middle_)(nn::convolve(convolution_1_, features));
    for (size_t i = 0; i < levels_->size(); i += 2) {
      const auto part = [this, i](const at::Tensor& input) {
        return levels_->at<nn::UpSampleImpl>(i + 1).forward(levels_->at<nn::ResidualBlockImpl>(i).forward(input));
      };
      x = level(part, x);
    }
    return nn::convolve(convolution_2_, nn::norm_activation(norm_, x, {kernels::Act::kSilu}));
  }
  at::Tensor last_weight() const override { return convolution_2_->weight; }

 private:
  torch::nn::Conv2d convolution_1_{nullptr}, convolution_2_{nullptr};
  torch::nn::ModuleList levels_{nullptr};
  std::unique_ptr<Middle> middle_;
  torch::nn::GroupNorm norm_{nullptr};
};

}  // namespace

std::shared_ptr<Backbone2d> make_reference_encoder(const ModelOptions& options, int64_t feature_dim) {
  return std::make_shared<ReferenceEncoder>(options, feature_dim);
}

std::shared_ptr<Backbone2d> make_reference_decoder(const ModelOptions& options, int64_t feature_dim) {
  return std::make_shared<ReferenceDecoder>(options, feature_dim);
}

}  // namespace sscvae::models
