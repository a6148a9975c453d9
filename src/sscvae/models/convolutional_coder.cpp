#include "sscvae/models/convolutional_coder.h"

#include <ATen/ops/conv2d.h>
#include <ATen/ops/conv_transpose2d.h>
#include <ATen/ops/pixel_shuffle.h>
#include <ATen/ops/pixel_unshuffle.h>
#include <ATen/ops/softplus.h>
#include <torch/csrc/autograd/grad_mode.h>
#include <torch/types.h>

#include <cmath>
#include <numbers>

#include "sscvae/core/error.h"
#include "sscvae/core/random.h"
#include "sscvae/core/shape.h"
#include "sscvae/core/text.h"
#include "sscvae/image/noise_level.h"
#include "sscvae/nn/autocast.h"
#include "sscvae/nn/convolution.h"
#include "sscvae/nn/lite_blocks.h"
#include "sscvae/nn/soft_threshold.h"

namespace sscvae::models {

namespace {

// Thresholds are learned in units of 1/20: Adam moves them 20 times as fast as the filters, which they need.
constexpr double kThresholdUnit = 20;
constexpr double kInitialFloor = -6, kInitialSlope = -1, kInitialSlopeOfMean = -8;  // before softplus
constexpr double kFloorScale = 0.1;                                                 // of softplus(floor)
constexpr double kThresholdReach = 4;  // slope 1 stands for 4 standard deviations of an atom's noise

void check(const ConvolutionalCoderOptions& options, int64_t channels) {
  const std::string section = "model.csc.";
  if (options.kernel % 2 == 0) throw UsageError(section + "kernel: expected an odd number");
  if (options.threshold == nn::ThresholdKind::kPerPosition)
    throw UsageError(section + "threshold: per-position thresholds need an image of fixed size; take inferred");
  if (options.threshold_refinement == nn::ThresholdRefinement::kCbam &&
      options.threshold != nn::ThresholdKind::kInferred)
    throw UsageError(section + "threshold_refinement = \"cbam\" needs threshold = \"inferred\"");
  const int64_t side = options.kernel * options.stride;
  if (options.num_atoms > channels * side * side)
    throw UsageError(format("%snum_atoms: at most channels x (kernel x stride)^2 = %lld, got %lld", section.c_str(),
                            static_cast<long long>(channels * side * side), static_cast<long long>(options.num_atoms)));
}

/// Orthonormal directions of colour [C,C]: first the mean of the channels, which carries most of an image.
at::Tensor colour_directions(int64_t channels) {
  at::Tensor basis = at::zeros({channels, channels});
  for (int64_t i = 0; i < channels; ++i)
    for (int64_t c = 0; c < channels; ++c)
      basis[i][c] = std::cos((2.0 * static_cast<double>(c) + 1) * static_cast<double>(i) * std::numbers::pi /
                             (2.0 * static_cast<double>(channels)));
  return basis / basis.norm(2, 1, true);
}

/// Separable cosine atoms, unit length, as filters over folded blocks [K,C s^2,k,k]: all atoms of the first colour
/// direction by rising frequency, then those of the others in turn. All C (k s)^2 together are a tight frame.
at::Tensor cosine_filters(const ConvolutionalCoderOptions& options, int64_t channels) {
  const int64_t side = options.kernel * options.stride;
  at::Tensor wave = at::zeros({side, side});
  for (int64_t f = 0; f < side; ++f)
    for (int64_t i = 0; i < side; ++i)
      wave[f][i] = std::cos((2.0 * static_cast<double>(i) + 1) * static_cast<double>(f) * std::numbers::pi /
                            (2.0 * static_cast<double>(side)));
  wave = wave / wave.norm(2, 1, true);
  struct Index {
    int64_t colour, row, column;
  };
  std::vector<Index> order;
  for (int64_t colour = 0; colour < channels; ++colour)
    for (int64_t row = 0; row < side; ++row)
      for (int64_t column = 0; column < side; ++column) order.push_back({colour, row, column});
  std::stable_sort(order.begin(), order.end(), [](const Index& a, const Index& b) {
    if ((a.colour == 0) != (b.colour == 0)) return a.colour == 0;
    if (a.row + a.column != b.row + b.column) return a.row + a.column < b.row + b.column;
    return a.colour < b.colour;
  });
  const at::Tensor colours = colour_directions(channels);
  std::vector<at::Tensor> atoms;
  for (int64_t k = 0; k < options.num_atoms; ++k) {
    const Index& index = order[static_cast<size_t>(k)];
    const at::Tensor patch = wave[index.row].unsqueeze(1) * wave[index.column].unsqueeze(0);
    atoms.push_back(colours[index.colour].reshape({channels, 1, 1}) * patch);
  }
  const int64_t s = options.stride, k = options.kernel;
  return at::stack(atoms)
      .reshape({options.num_atoms, channels, k, s, k, s})
      .permute({0, 1, 3, 5, 2, 4})
      .reshape({options.num_atoms, channels * s * s, k, k});
}

/// The norm of analysis followed by synthesis, by power iteration on an image of random numbers.
double squared_norm(const at::Tensor& filters, uint64_t seed) {
  Random random(derive_seed(seed, "frame"));
  const int64_t side = 32, padding = filters.size(2) / 2;
  at::Tensor x = at::empty({1, filters.size(1), side, side});
  for (int64_t i = 0; i < x.numel(); ++i) x.mutable_data_ptr<float>()[i] = static_cast<float>(random.normal());
  double norm = 1;
  for (int iteration = 0; iteration < 40; ++iteration) {
    x = at::conv_transpose2d(at::conv2d(x, filters, {}, 1, padding), filters, {}, 1, padding);
    norm = x.norm().item<double>();
    x = x / norm;
  }
  return norm;
}

/// The filters that add the atoms up, as an ordinary convolution.
at::Tensor synthesis_of(const at::Tensor& filters) { return filters.transpose(0, 1).flip({2, 3}).contiguous(); }

at::Tensor same_convolution(const at::Tensor& x, const at::Tensor& weight) {
  return at::conv2d(x, weight, {}, 1, weight.size(2) / 2);
}

}  // namespace

void ConvolutionalCoderOptions::describe(FieldList& fields) {
  fields.add("num_atoms", num_atoms, "atoms K of the dictionary", at_least(1));
  fields.add("stride", stride, "pixels between neighbouring positions of an atom", between(1, 16));
  fields.add("kernel", kernel, "side of the filters in strides; an atom covers kernel x stride pixels; odd",
             between(1, 31));
  fields.add("num_iterations", num_iterations, "unfolded iterations T, each with its own filters", between(1, 100));
  fields.add("threshold", threshold,
             "times the noise level: scalar, per-atom (learned), or inferred from the image on top of per-atom");
  fields.add("threshold_refinement", threshold_refinement, "of inferred thresholds: none, or cbam");
  fields.add("attention_width", attention_width, "channels of the network that infers thresholds", at_least(1));
  fields.add(
      "attention_blocks", attention_blocks,
      "residual blocks of that network; with several scales of each scale, on the way down and again on the way up",
      between(0, 100));
  fields.add("attention_scales", attention_scales,
             "scales of that network: each halves the grid and doubles the channels", between(1, 6));
}

ConvolutionalCoder::ConvolutionalCoder(const ModelOptions& options, uint64_t seed) : Autoencoder(options) {
  const ConvolutionalCoderOptions& o = options.csc;
  check(o, options.in_channels);
  const at::NoGradGuard no_grad;
  at::Tensor filters = cosine_filters(o, options.in_channels);
  const double scale = 1 / std::sqrt(squared_norm(filters, seed));
  filters = filters * scale;
  const auto parameter = [&](const std::string& name, const at::Tensor& value) {
    return register_parameter(name, value.clone().contiguous().set_requires_grad(true));
  };
  for (int64_t t = 0; t < o.num_iterations; ++t) analysis_.push_back(parameter("_A" + std::to_string(t), filters));
  for (int64_t t = 1; t < o.num_iterations; ++t)
    synthesis_.push_back(parameter("_B" + std::to_string(t), synthesis_of(filters)));
  output_ = parameter("_W", synthesis_of(filters));

  const int64_t columns = o.threshold == nn::ThresholdKind::kScalar ? 1 : o.num_atoms;
  at::Tensor slope = at::full({o.num_iterations, columns}, kInitialSlope / kThresholdUnit);
  if (columns > 1) slope.select(1, 0).fill_(kInitialSlopeOfMean / kThresholdUnit);  // the patch's mean passes
  floor_ = parameter("_floor", at::full_like(slope, kInitialFloor / kThresholdUnit));
  slope_ = parameter("_slope", slope);
  frame_scale_ = register_buffer("_frame_scale", at::full({}, scale));

  if (o.threshold != nn::ThresholdKind::kInferred) return;
  const int64_t width = o.attention_width;
  stem_ = register_module("_stem", nn::same_convolution(options.in_channels * o.stride * o.stride, width, 3));
  noise_ = register_module("_noise", nn::same_convolution(1, width, 1, false));
  const auto stage = [&](const std::string& name, int64_t channels) {
    torch::nn::Sequential blocks;
    for (int64_t i = 0; i < o.attention_blocks; ++i)
      blocks->push_back(nn::LiteResidualBlock(channels, nn::Norm::kNone));
    return register_module(name, blocks);
  };
  falling_.push_back(stage("_blocks", width));
  for (int64_t level = 1; level < o.attention_scales; ++level) {
    const std::string number = std::to_string(level);
    const int64_t fine = width << (level - 1), coarse = width << level;
    halvings_.push_back(
        register_module("_down" + number, torch::nn::Conv2d(torch::nn::Conv2dOptions(fine, coarse, 2).stride(2))));
    falling_.push_back(stage("_blocks" + number, coarse));
    doublings_.push_back(register_module("_up" + number, nn::same_convolution(coarse, 4 * fine, 1, false)));
    rising_.push_back(stage("_rise" + number, fine));
  }
  head_ = register_module("_head", nn::same_convolution(width, o.num_atoms, 1));
  head_->weight.mul_(0.1);
  head_->bias.zero_();
  if (o.threshold_refinement == nn::ThresholdRefinement::kCbam) {
    const nn::SparseCoderOptions& cbam = options.sparse_coder;
    refinement_ = register_module("_cbam", nn::Cbam(o.num_atoms, std::min(cbam.cbam_reduction, o.num_atoms),
                                                    cbam.cbam_kernel, cbam.cbam_spatial_input));
  }
}

int64_t ConvolutionalCoder::size_multiple() const {
  const ConvolutionalCoderOptions& o = options().csc;
  return o.stride << (stem_ ? o.attention_scales - 1 : 0);
}

at::Tensor ConvolutionalCoder::noise_levels(const at::Tensor& images) const {
  const int64_t count = images.size(0);
  if (levels_.defined()) {
    check_shape(levels_, "noise levels", "N,1,1,1", {count, 1, 1, 1});
    return levels_;
  }
  SSCVAE_ASSERT(sigma_8bit_.size() <= 1 || sigma_8bit_.size() == static_cast<size_t>(count));
  at::Tensor sigma = at::empty({count, 1, 1, 1}, at::kFloat);
  const at::Tensor on_cpu = sigma_8bit_.empty() ? images.detach().to(at::kCPU, at::kFloat) : at::Tensor();
  for (int64_t i = 0; i < count; ++i) {
    const size_t told = sigma_8bit_.size() == 1 ? 0 : static_cast<size_t>(i);
    const double level = sigma_8bit_.empty() ? image::estimate_sigma_8bit(on_cpu[i]) : sigma_8bit_[told];
    sigma.mutable_data_ptr<float>()[i] = static_cast<float>(level / 255);
  }
  return sigma.to(images.device(), /*non_blocking=*/true);  // leaves pageable memory before this returns
}

at::Tensor ConvolutionalCoder::controller(at::Tensor x) {
  const auto through = [](torch::nn::Sequential& blocks, at::Tensor value) {
    return blocks->is_empty() ? value : blocks->forward(std::move(value));
  };
  std::vector<at::Tensor> passed;
  x = through(falling_[0], x);
  for (size_t i = 0; i < halvings_.size(); ++i) {
    passed.push_back(x);
    x = through(falling_[i + 1], halvings_[i]->forward(x));
  }
  for (size_t i = halvings_.size(); i-- > 0;)
    x = through(rising_[i], passed[i] + at::pixel_shuffle(nn::convolve(doublings_[i], x), 2));
  return x;
}

void ConvolutionalCoder::infer_factors(Coded& coded, const at::Tensor& sigma) {
  at::Tensor x = nn::convolve(stem_, coded.blocks) + noise_->forward(sigma);
  x = head_->forward(at::relu(controller(x)));
  const nn::AutocastDisabled full_precision(x.device().type());
  coded.inferred = at::softplus(nn::to_full_precision(x) + kSoftplusOne);
  coded.refined = refinement_ ? refinement_->forward(coded.inferred) * kRefinementGain : coded.inferred;
}

std::pair<at::Tensor, at::Tensor> ConvolutionalCoder::threshold_lines(int64_t iteration) const {
  // A scalar on the device: reading it would wait for all that goes before.
  const at::Tensor scale = frame_scale_.to(at::kDouble) * (kThresholdReach * threshold_scale_);
  const auto positive = [&](const at::Tensor& raw) {
    const at::Tensor value = at::softplus(raw[iteration] * kThresholdUnit).expand({options().csc.num_atoms});
    return value * scale.to(value.scalar_type());
  };
  return {positive(floor_) * kFloorScale, positive(slope_)};
}

ConvolutionalCoder::Coded ConvolutionalCoder::code_of(const at::Tensor& images) {
  check_shape(images, "images", "N,C,H,W", {-1, options().in_channels, -1, -1});
  const int64_t stride = options().csc.stride, multiple = size_multiple();
  if (images.size(2) < multiple || images.size(3) < multiple || images.size(2) % multiple || images.size(3) % multiple)
    throw ShapeError(format("images: height and width must be multiples of %lld, got %lldx%lld",
                            static_cast<long long>(multiple), static_cast<long long>(images.size(2)),
                            static_cast<long long>(images.size(3))));
  Coded coded;
  coded.blocks = at::pixel_unshuffle(images - 0.5, stride).contiguous(images.suggest_memory_format());
  const at::Tensor sigma = noise_levels(images);
  if (stem_) infer_factors(coded, sigma);
  for (int64_t t = 0; t < options().csc.num_iterations; ++t) {
    const auto i = static_cast<size_t>(t);
    const auto [floor, slope] = threshold_lines(t);
    coded.threshold = floor.view({1, -1, 1, 1}) + sigma * slope.view({1, -1, 1, 1});
    if (coded.refined.defined()) coded.threshold = coded.threshold * coded.refined;
    const at::Tensor residual = t == 0 ? coded.blocks : coded.blocks - same_convolution(coded.code, synthesis_[i - 1]);
    at::Tensor step = same_convolution(residual, analysis_[i]);
    if (t > 0) step = coded.code + step;
    coded.code = nn::soft_threshold(step, coded.threshold.to(step.scalar_type()));
  }
  return coded;
}

at::Tensor ConvolutionalCoder::reconstruct(const at::Tensor& coded_blocks) const {
  return at::pixel_shuffle(coded_blocks, options().csc.stride) + 0.5;
}

ForwardResult ConvolutionalCoder::forward(const at::Tensor& images) {
  const Coded coded = code_of(images);
  ForwardResult result;
  result.features = coded.blocks;
  result.threshold_inference = coded.inferred;
  result.threshold = coded.threshold.expand_as(coded.code);
  result.threshold_refinement = coded.refined.defined() ? coded.refined : result.threshold;
  result.code = coded.code;
  result.coded_features = coded_features(coded.code);
  result.reconstruction = reconstruct(result.coded_features);
  result.logits = result.reconstruction - 0.5;
  return result;
}

at::Tensor ConvolutionalCoder::encode(const at::Tensor& images) { return code_of(images).code; }

at::Tensor ConvolutionalCoder::decode(const at::Tensor& code) { return reconstruct(coded_features(code)); }

at::Tensor ConvolutionalCoder::coded_features(const at::Tensor& code) {
  check_shape(code, "code", "N,K,h,w", {-1, options().csc.num_atoms, -1, -1});
  return nn::to_full_precision(same_convolution(code, output_));
}

at::Tensor ConvolutionalCoder::dictionary() {
  const ConvolutionalCoderOptions& o = options().csc;
  const int64_t channels = options().in_channels, s = o.stride, k = o.kernel;
  return synthesis_of(output_)
      .reshape({o.num_atoms, channels, s, s, k, k})
      .permute({0, 1, 4, 2, 5, 3})
      .reshape({o.num_atoms, channels * k * s * k * s})
      .t();
}

void ConvolutionalCoder::set_threshold_scale(double scale) {
  if (!(scale >= 0) || !std::isfinite(scale)) throw UsageError("threshold scale: expected a number >= 0");
  threshold_scale_ = scale;
}

}  // namespace sscvae::models
