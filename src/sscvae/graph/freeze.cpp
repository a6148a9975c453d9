#include "sscvae/graph/freeze.h"

#include <ATen/ops/rsqrt.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <bit>
#include <cmath>
#include <map>
#include <numeric>

#include "sscvae/core/error.h"
#include "sscvae/models/convolutional_coder.h"
#include "sscvae/models/sparse_coding_autoencoder.h"

namespace sscvae::graph {

namespace {

using models::ModelOptions;

constexpr double kNormEpsilon = 1e-5;

/// Appends nodes; weights are looked up by the names they have in the state dict.
class Builder {
 public:
  explicit Builder(const models::Autoencoder& model) : options_(model.options()) {
    for (const auto& item : model.named_parameters()) tensors_.emplace(item.key(), item.value());
    for (const auto& item : model.named_buffers()) tensors_.emplace(item.key(), item.value());
    graph.in_channels = options_.in_channels;
    graph.size_multiple = model.size_multiple();
  }

  Graph graph;

  Value add(Operation operation, std::vector<Value> inputs, std::string name) {
    graph.nodes.push_back({std::move(operation), std::move(inputs), std::move(name)});
    return static_cast<Value>(graph.nodes.size()) - 1;
  }
  bool has(const std::string& key) const { return tensors_.count(key) > 0; }
  at::Tensor tensor(const std::string& key) const {
    const auto found = tensors_.find(key);
    if (found == tensors_.end()) throw InternalError("freeze: the model has no tensor '" + key + "'");
    return found->second.detach().to(at::kCPU, at::kFloat).clone();
  }
  Value convolution(Value x, const std::string& name, int64_t stride = 1) {
    const at::Tensor weight = tensor(name + ".weight");
    const int64_t padding = stride == 1 ? weight.size(2) / 2 : 0;
    return add(Convolution{weight, has(name + ".bias") ? tensor(name + ".bias") : at::Tensor(), stride, padding}, {x},
               name);
  }
  Value activation(Value x, Function function, const std::string& name) { return add(Activation{function}, {x}, name); }
  Value group_norm(Value x, const std::string& name, int64_t groups) {
    return add(GroupNorm{groups, kNormEpsilon, tensor(name + ".weight"), tensor(name + ".bias")}, {x}, name);
  }
  /// Batch or group normalisation, or neither, by what the model has under that name.
  Value norm(Value x, const std::string& name, int64_t groups) {
    if (!has(name + ".weight")) return x;
    if (!has(name + ".running_mean")) return group_norm(x, name, groups);
    const at::Tensor scale = tensor(name + ".weight") * at::rsqrt(tensor(name + ".running_var") + kNormEpsilon);
    return add(ChannelAffine{scale, tensor(name + ".bias") - tensor(name + ".running_mean") * scale}, {x}, name);
  }
  Value residual(Value x, const std::string& name) {
    Value y = activation(x, Function::kRelu, name);
    y = activation(convolution(y, name + "._block.1"), Function::kRelu, name);
    return add(Add{}, {x, convolution(y, name + "._block.3")}, name);
  }
  const ModelOptions& options() const { return options_; }

 private:
  const ModelOptions& options_;
  std::map<std::string, at::Tensor> tensors_;
};

Value non_local(Builder& b, Value x, const std::string& name) {
  if (!b.has(name + "._conv_g.weight")) return x;
  const auto& options = b.options().reference;
  const Value queries = b.convolution(x, name + "._conv_theta"), keys = b.convolution(x, name + "._conv_phi");
  const Value values = b.convolution(x, name + "._conv_g");
  const double width = static_cast<double>(b.tensor(name + "._conv_g.weight").size(0));
  const auto axis =
      options.attention == models::Attention::kOverQueries ? nn::SoftmaxAxis::kQueries : nn::SoftmaxAxis::kKeys;
  const Value attended =
      b.add(Attention{axis, options.scale_attention ? 1 / std::sqrt(width) : 1.0}, {queries, keys, values}, name);
  return b.add(Add{}, {x, b.convolution(attended, name + "._conv_mask")}, name);
}

Value middle(Builder& b, Value x, const std::string& half) {
  x = non_local(b, b.residual(x, half + "._res_1"), half + "._non_local");
  return b.residual(x, half + "._res_2");
}

Value head(Builder& b, Value x, const std::string& half) {
  x = b.group_norm(x, half + "._group_norm", b.options().reference.num_groups);
  return b.convolution(b.activation(x, Function::kSilu, half + "._group_norm"), half + "._conv_2");
}

Value reference_encoder(Builder& b, Value image) {
  Value x = b.convolution(image, "_encoder._conv_1");
  for (int64_t level = 0; level < b.options().down_samples; ++level) {
    x = b.residual(x, "_encoder._down_samples." + std::to_string(2 * level));
    const std::string block = "_encoder._down_samples." + std::to_string(2 * level + 1) + "._block.";
    x = b.norm(b.convolution(x, block + "0"), block + "1", b.options().reference.num_groups);
    x = b.add(MaxPool{}, {b.activation(x, Function::kRelu, block + "2")}, block + "3");
  }
  return head(b, middle(b, x, "_encoder"), "_encoder");
}

Value reference_decoder(Builder& b, Value features) {
  Value x = middle(b, b.convolution(features, "_decoder._conv_1"), "_decoder");
  for (int64_t level = 0; level < b.options().down_samples; ++level) {
    x = b.residual(x, "_decoder._up_samples." + std::to_string(2 * level));
    const std::string block = "_decoder._up_samples." + std::to_string(2 * level + 1) + "._block.";
    x = b.add(TransposedConvolution{b.tensor(block + "0.weight"), b.tensor(block + "0.bias")}, {x}, block + "0");
    x = b.norm(b.convolution(x, block + "1"), block + "2", b.options().reference.num_groups);
    x = b.activation(x, Function::kRelu, block + "3");
  }
  return head(b, x, "_decoder");
}

Value lite_stage(Builder& b, Value x, const std::string& name) {
  for (int64_t i = 0; i < b.options().lite.num_blocks; ++i) {
    const std::string block = name + "." + std::to_string(i);
    Value y = b.norm(x, block + ".norm", std::gcd<int64_t>(8, b.options().lite.width));
    y = b.activation(b.convolution(y, block + ".conv1"), Function::kSilu, block);
    x = b.add(Add{}, {x, b.convolution(y, block + ".conv2")}, block);
  }
  return x;
}

int64_t unshuffle_levels(const ModelOptions& options) {
  return std::min<int64_t>(std::countr_zero(static_cast<uint64_t>(options.lite.unshuffle)), options.down_samples);
}

Value lite_encoder(Builder& b, Value image) {
  const int64_t levels = unshuffle_levels(b.options());
  Value x = b.add(Affine{1, -0.5}, {image}, "_encoder");
  if (levels > 0) x = b.add(PixelUnshuffle{int64_t{1} << levels}, {x}, "_encoder");
  x = lite_stage(b, b.convolution(x, "_encoder.stem"), "_encoder.stage0");
  for (int64_t stage = 1; stage <= b.options().down_samples - levels; ++stage) {
    x = b.convolution(x, "_encoder.down" + std::to_string(stage), 2);
    x = lite_stage(b, x, "_encoder.stage" + std::to_string(stage));
  }
  x = b.convolution(x, "_encoder.head");
  if (!b.options().lite.block_skip) return x;
  const Value centred = b.add(Affine{1, -0.5}, {image}, "_encoder.skip");
  return b.add(Add{}, {x, b.add(PixelUnshuffle{int64_t{1} << b.options().down_samples}, {centred}, "_encoder.skip")},
               "_encoder.skip");
}

Value lite_decoder(Builder& b, Value features) {
  const int64_t levels = unshuffle_levels(b.options());
  Value x = lite_stage(b, b.convolution(features, "_decoder.stem"), "_decoder.stage0");
  for (int64_t stage = 1; stage <= b.options().down_samples - levels; ++stage) {
    const std::string up = "_decoder.up" + std::to_string(stage);
    x = b.add(PixelShuffle{2}, {b.convolution(x, up)}, up);
    x = lite_stage(b, x, "_decoder.stage" + std::to_string(stage));
  }
  x = b.convolution(x, "_decoder.head");
  if (levels > 0) x = b.add(PixelShuffle{int64_t{1} << levels}, {x}, "_decoder");
  if (!b.options().lite.block_skip) return x;
  return b.add(Add{}, {x, b.add(PixelShuffle{int64_t{1} << b.options().down_samples}, {features}, "_decoder.skip")},
               "_decoder.skip");
}

Value cbam(Builder& b, Value x, const std::string& name) {
  return b.add(Cbam{b.tensor(name + ".ChannelAtt._fc.0.weight"), b.tensor(name + ".ChannelAtt._fc.2.weight"),
                    b.tensor(name + ".SpatialAtt._conv.weight"), b.options().sparse_coder.cbam_spatial_input},
               {x}, name);
}

/// alpha of inferred thresholds, before and after refinement; here only what the coder uses.
Value inferred_alpha(Builder& b, Value features, const std::string& name) {
  const nn::SparseCoderOptions& options = b.options().sparse_coder;
  Value x = b.residual(b.residual(b.convolution(features, name + "._conv"), name + "._res1"), name + "._res2");
  if (options.threshold_activation != nn::ThresholdActivation::kSigned) {
    const bool softplus = options.threshold_activation == nn::ThresholdActivation::kSoftplus;
    x = b.add(Affine{1, b.tensor(name + "._threshold_offset").item<double>()}, {x}, name);
    x = b.activation(x, softplus ? Function::kSoftplus : Function::kRelu, name);
  }
  if (options.threshold_refinement != nn::ThresholdRefinement::kCbam) return x;
  x = cbam(b, x, name + "._cbam");
  return options.threshold_gain == 1.0 ? x : b.add(Affine{options.threshold_gain, 0}, {x}, name + "._cbam");
}

/// alpha of learned thresholds as a map [1,K or 1,gh,gw].
at::Tensor learned_alpha(const Builder& b, const std::string& name) {
  const nn::SparseCoderOptions& options = b.options().sparse_coder;
  at::Tensor alpha = b.tensor(name + "._alpha");
  if (options.threshold_activation != nn::ThresholdActivation::kSigned) {
    alpha = alpha + b.tensor(name + "._threshold_offset");
    alpha = options.threshold_activation == nn::ThresholdActivation::kSoftplus
                ? (1 + alpha.exp()).log().where(alpha < 20, alpha)
                : alpha.relu();
  }
  return options.threshold == nn::ThresholdKind::kPerPosition ? alpha.permute({0, 3, 1, 2}).contiguous()
                                                              : alpha.reshape({1, -1, 1, 1});
}

SparseCode sparse_code(const Builder& b, const nn::SparseCoderImpl& coder, const std::string& name) {
  const nn::SparseCoderOptions& options = coder.options();
  SparseCode node{coder.dictionary().detach().to(at::kCPU, at::kFloat).clone(),
                  coder.lipschitz().detach().to(at::kCPU, at::kFloat).clone(),
                  options.num_iterations,
                  options.initial_code,
                  {},
                  {}};
  if (options.iteration == nn::Iteration::kTied) return node;
  const bool single = options.iteration == nn::Iteration::kUntied;
  const int64_t count = single ? 1 : options.num_iterations;
  for (int64_t i = 0; i < count; ++i) {
    const std::string number = count == 1 ? "" : std::to_string(i);
    node.filters.push_back(b.tensor(name + "._We" + number));
    node.inhibitions.push_back(b.tensor(name + "._S" + number));
  }
  return node;
}

Value sparse_coder(Builder& b, const nn::SparseCoderImpl& coder, Value features) {
  const std::string name = "_LISTA";
  const nn::SparseCoderOptions& options = coder.options();
  const SparseCode node = sparse_code(b, coder, name);
  const double lipschitz = node.lipschitz.item<double>();
  const Value alpha = options.threshold == nn::ThresholdKind::kInferred
                          ? inferred_alpha(b, features, name)
                          : b.add(Constant{learned_alpha(b, name)}, {features}, name + "._alpha");
  b.graph.threshold =
      b.add(Affine{coder.threshold_scale() / (2 * options.quadratic_factor * lipschitz), 0}, {alpha}, name);
  b.graph.code = b.add(node, {features, b.graph.threshold}, name);
  const at::Tensor atoms = node.dictionary.unsqueeze(2).unsqueeze(3);  // D z as a convolution 1x1, K -> d
  b.graph.coded_features = b.add(Convolution{atoms, {}, 1, 0}, {b.graph.code}, name + "._Dict");
  return b.graph.coded_features;
}

/// Mean and logarithm of the variance are the halves of one convolution's channels. In eval mode the mean is the code.
Value gaussian(Builder& b, Value features) {
  const at::Tensor weight = b.tensor("_posterior.weight"), bias = b.tensor("_posterior.bias");
  const int64_t half = weight.size(0) / 2;
  const auto moment = [&](int64_t first) {
    return b.add(
        Convolution{weight.narrow(0, first, half).contiguous(), bias.narrow(0, first, half).contiguous(), 1, 0},
        {features}, "_posterior");
  };
  b.graph.log_variance = moment(half);
  b.graph.code = moment(0);
  return b.graph.code;
}

Value bottleneck(Builder& b, const models::Autoencoder& model, Value features) {
  if (const auto* coding = dynamic_cast<const models::SparseCodingAutoencoder*>(&model))
    return sparse_coder(b, coding->sparse_coder(), features);
  if (b.has("_posterior.weight")) return gaussian(b, features);
  if (!b.has("_vq_layer.embedding.weight"))
    throw UsageError("model " + model.options().name + " cannot be frozen: its bottleneck is not known");
  b.graph.code = b.graph.coded_features =
      b.add(NearestCode{b.tensor("_vq_layer.embedding.weight")}, {features}, "_vq_layer");
  return b.graph.code;
}

/// From stem to head: residual blocks at one or several scales.
Value threshold_network(Builder& b, Value x) {
  const models::ConvolutionalCoderOptions& options = b.options().csc;
  const auto blocks = [&](const std::string& stage) {
    for (int64_t i = 0; i < options.attention_blocks; ++i) {
      const std::string block = stage + "." + std::to_string(i);
      const Value y = b.activation(b.convolution(x, block + ".conv1"), Function::kSilu, block);
      x = b.add(Add{}, {x, b.convolution(y, block + ".conv2")}, block);
    }
  };
  std::vector<Value> passed;
  blocks("_blocks");
  for (int64_t scale = 1; scale < options.attention_scales; ++scale) {
    const std::string number = std::to_string(scale);
    passed.push_back(x);
    x = b.convolution(x, "_down" + number, 2);
    blocks("_blocks" + number);
  }
  for (int64_t scale = options.attention_scales - 1; scale > 0; --scale) {
    const std::string up = "_up" + std::to_string(scale);
    x = b.add(PixelShuffle{2}, {b.convolution(x, up)}, up);
    x = b.add(Add{}, {passed[static_cast<size_t>(scale - 1)], x}, up);
    blocks("_rise" + std::to_string(scale));
  }
  return x;
}

/// An entry by the energy of its group: step is what the filters find beyond the code before.
Value grouped_shrinkage(Builder& b, Value step, Value sigma, const models::ConvolutionalCoder& coder, int64_t t) {
  const std::string name = "_group" + std::to_string(t);
  const models::ConvolutionalCoder::Group group = coder.group(t);
  const auto mix = [&](Value x, const at::Tensor& matrix) {
    return b.add(Convolution{matrix.unsqueeze(2).unsqueeze(3).contiguous(), {}, 1, 0}, {x}, name);
  };
  const Value v = t > 0 ? b.add(Add{}, {b.graph.code, step}, name) : step;
  const Value mixed = mix(b.add(Square{}, {v}, name), group.down);
  const int64_t rank = group.pool.size(0);
  const Value spread = b.add(Convolution{group.pool, {}, 1, group.pool.size(2) / 2, 0, rank}, {mixed}, name);
  const auto [floor, slope] = coder.threshold_lines(t);
  return b.add(GroupShrinkage{floor, slope, group.own}, {v, sigma, mix(spread, group.up)}, name);
}

/// The factors of all thresholds that a network infers; -1 where there is none.
Value threshold_factors(Builder& b, Value blocks, Value sigma) {
  if (!b.has("_stem.weight")) return -1;
  Value x = b.add(Add{}, {b.convolution(blocks, "_stem"), b.convolution(sigma, "_noise")}, "_stem");
  x = threshold_network(b, x);
  x = b.convolution(b.activation(x, Function::kRelu, "_head"), "_head");
  const Value factors =
      b.activation(b.add(Affine{1, models::kSoftplusOne}, {x}, "_head"), Function::kSoftplus, "_head");
  if (!b.has("_cbam.SpatialAtt._conv.weight")) return factors;
  return b.add(Affine{models::kRefinementGain, 0}, {cbam(b, factors, "_cbam")}, "_cbam");
}

/// A convolutional sparse coder: unfolded iterations from the image's blocks to a code, whose atoms add up to the
/// image.
void convolutional_coder(Builder& b, const models::ConvolutionalCoder& coder, Value image) {
  const models::ConvolutionalCoderOptions& options = b.options().csc;
  // Windows of even side reach one position further at their end; those that add atoms up begin one earlier.
  const int64_t before = (options.kernel - 1) / 2, more = options.kernel % 2 == 0 ? 1 : 0;
  const auto analysis = [&](const at::Tensor& weight) { return Convolution{weight, {}, 1, before, more}; };
  const auto synthesis = [&](const at::Tensor& weight) { return Convolution{weight, {}, 1, before + more, -more}; };
  const Value centred = b.add(Affine{1, -0.5}, {image}, "_blocks");
  const Value blocks = b.add(PixelUnshuffle{options.stride}, {centred}, "_blocks");
  const Value sigma = b.add(NoiseLevel{options.stride, coder.noise_level()}, {image}, "_sigma");
  const Value factors = threshold_factors(b, blocks, sigma);
  for (int64_t t = 0; t < options.num_iterations; ++t) {
    const std::string number = std::to_string(t);
    Value residual = blocks;
    if (t > 0) {
      const Value drawn = b.add(synthesis(-b.tensor("_B" + number)), {b.graph.code}, "_B" + number);
      residual = b.add(Add{}, {blocks, drawn}, "_B" + number);
    }
    const Value step = b.add(analysis(b.tensor("_A" + number)), {residual}, "_A" + number);
    const auto [floor, slope] = coder.threshold_lines(t);
    if (b.has("_group_own")) {
      b.graph.code = grouped_shrinkage(b, step, sigma, coder, t);
    } else {
      std::vector<Value> inputs{step, sigma};
      if (t > 0) inputs.push_back(b.graph.code);
      if (factors >= 0) inputs.push_back(factors);
      b.graph.code = b.add(NoiseShrinkage{floor, slope, t > 0, factors >= 0}, inputs, "_A" + number);
    }
    if (t + 1 == options.num_iterations)
      b.graph.threshold =
          b.add(NoiseThreshold{floor, slope},
                factors >= 0 ? std::vector<Value>{sigma, factors} : std::vector<Value>{sigma}, "_sigma");
  }
  b.graph.features = blocks;
  b.graph.coded_features = b.add(synthesis(b.tensor("_W")), {b.graph.code}, "_W");
  b.graph.logits = b.add(PixelShuffle{options.stride}, {b.graph.coded_features}, "_W");
  b.graph.reconstruction = b.add(Affine{1, 0.5}, {b.graph.logits}, "_W");
}

}  // namespace

Graph freeze(const models::Autoencoder& model) {
  const at::NoGradGuard no_grad;
  Builder b(model);
  const bool lite = model.options().backbone == models::Backbone::kLite;
  const Value image = b.add(Input{}, {}, "image");
  if (const auto* coder = dynamic_cast<const models::ConvolutionalCoder*>(&model)) {
    convolutional_coder(b, *coder, image);
    return std::move(b.graph);
  }
  Value features = lite ? lite_encoder(b, image) : reference_encoder(b, image);
  if (model.options().feature_norm == models::FeatureNorm::kRms)
    features = b.add(RmsNorm{1e-6}, {features}, "_encoder");
  b.graph.features = features;
  const Value coded = bottleneck(b, model, features);
  b.graph.logits = lite ? lite_decoder(b, coded) : reference_decoder(b, coded);
  b.graph.reconstruction = model.options().output == models::OutputActivation::kSigmoid
                               ? b.activation(b.graph.logits, Function::kSigmoid, "_decoder")
                               : b.add(Affine{1, 0.5}, {b.graph.logits}, "_decoder");
  return std::move(b.graph);
}

}  // namespace sscvae::graph
