#include "sscvae/models/convolutional_coder.h"

#include <ATen/ops/conv2d.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/pixel_shuffle.h>
#include <ATen/ops/pixel_unshuffle.h>
#include <ATen/ops/softplus.h>
#include <torch/csrc/autograd/grad_mode.h>
#include <torch/types.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <numeric>

#include "sscvae/core/error.h"
#include "sscvae/core/random.h"
#include "sscvae/core/shape.h"
#include "sscvae/core/text.h"
#include "sscvae/image/noise_level.h"
#include "sscvae/nn/autocast.h"
#include "sscvae/nn/convolution.h"
#include "sscvae/nn/lite_blocks.h"
#include "sscvae/nn/map_rows.h"
#include "sscvae/nn/noise_shrinkage.h"
#include "sscvae/nn/patch_coding.h"

namespace sscvae::models {

namespace {

// Thresholds are learned in units of 1/20: Adam moves them 20 times as fast as the filters, which they need.
constexpr double kThresholdUnit = 20;
constexpr double kInitialFloor = -6, kInitialSlope = -1, kInitialSlopeOfMean = -8;  // before softplus
constexpr double kFloorScale = 0.1;                                                 // of softplus(floor)
constexpr double kThresholdReach = 4;                 // slope 1 stands for 4 standard deviations of an atom's noise
constexpr double kOwnShare = 0.8, kGroupShare = 0.2;  // of the energy that decides, where all atoms have the same
constexpr double kLittle = 1e-5;                      // of an atom in a group that is not its own

void check(const ConvolutionalCoderOptions& options, int64_t channels) {
  const std::string section = "model.csc.";
  if (options.threshold == networks::ThresholdKind::kPerPosition)
    throw UsageError(section + "threshold: per-position thresholds need an image of fixed size; take inferred");
  if (options.threshold_refinement == networks::ThresholdRefinement::kCbam &&
      options.threshold != networks::ThresholdKind::kInferred)
    throw UsageError(section + "threshold_refinement = \"cbam\" needs threshold = \"inferred\"");
  if (options.shrinkage == Shrinkage::kGrouped && options.threshold == networks::ThresholdKind::kInferred)
    throw UsageError(section + "shrinkage = \"grouped\" needs threshold = \"per-atom\" or \"scalar\"");
  if (options.group_window % 2 == 0) throw UsageError(section + "group_window: expected an odd number");
  const int64_t side = options.kernel * options.stride;
  if (options.num_atoms > 2 * channels * side * side)
    throw UsageError(format("%snum_atoms: at most 2 x channels x (kernel x stride)^2 = %lld, got %lld", section.c_str(),
                            static_cast<long long>(2 * channels * side * side),
                            static_cast<long long>(options.num_atoms)));
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

/// Rows are cosines or sines by rising frequency, unit length: cos or sin ((2 i + 1) f pi / (2 n)), f = 0, 1, ... or
/// 1, 2, ...
at::Tensor waves(int64_t side, bool sines) {
  at::Tensor wave = at::zeros({side, side});
  for (int64_t f = 0; f < side; ++f)
    for (int64_t i = 0; i < side; ++i) {
      const double phase = (2.0 * static_cast<double>(i) + 1) * std::numbers::pi / (2.0 * static_cast<double>(side));
      wave[f][i] = sines ? std::sin(phase * static_cast<double>(f + 1)) : std::cos(phase * static_cast<double>(f));
    }
  return wave / wave.norm(2, 1, true);
}

/// A separable atom: the direction of its colour and its waves by number.
struct AtomIndex {
  int64_t colour, row, column;
  bool sine;
};

/// Of cosines, then, where those are used up, of sines; of each all atoms of the first colour direction by rising
/// frequency, then those of the others in turn.
std::vector<AtomIndex> atom_order(const ConvolutionalCoderOptions& options, int64_t channels) {
  const int64_t side = options.kernel * options.stride;
  std::vector<AtomIndex> order;
  for (const bool sine : {false, true})
    for (int64_t colour = 0; colour < channels; ++colour)
      for (int64_t row = 0; row < side; ++row)
        for (int64_t column = 0; column < side; ++column) order.push_back({colour, row, column, sine});
  std::stable_sort(order.begin(), order.end(), [](const AtomIndex& a, const AtomIndex& b) {
    if (a.sine != b.sine) return b.sine;
    if ((a.colour == 0) != (b.colour == 0)) return a.colour == 0;
    if (a.row + a.column != b.row + b.column) return a.row + a.column < b.row + b.column;
    return a.colour < b.colour;
  });
  order.resize(static_cast<size_t>(options.num_atoms));
  return order;
}

/// Groups of atoms of one size that are neighbours in frequency: the group of each atom, 0 ... count - 1.
std::vector<int64_t> frequency_groups(const std::vector<AtomIndex>& atoms, int64_t count) {
  std::vector<size_t> rising(atoms.size());
  std::iota(rising.begin(), rising.end(), size_t{0});
  const auto key = [&](size_t k) {
    const AtomIndex& atom = atoms[k];
    return std::pair(atom.colour != 0, atom.row + atom.column + (atom.sine ? 2 : 0));
  };
  std::stable_sort(rising.begin(), rising.end(), [&](size_t a, size_t b) { return key(a) < key(b); });
  std::vector<int64_t> groups(atoms.size());
  for (size_t rank = 0; rank < rising.size(); ++rank)
    groups[rising[rank]] = static_cast<int64_t>(rank) * count / static_cast<int64_t>(rising.size());
  return groups;
}

/// Atoms, unit length, as filters over folded blocks [K,C s^2,k,k]. All C (k s)^2 of one kind together are a tight
/// frame.
at::Tensor frame_filters(const ConvolutionalCoderOptions& options, int64_t channels) {
  const int64_t side = options.kernel * options.stride;
  const at::Tensor colours = colour_directions(channels), cosines = waves(side, false), sines = waves(side, true);
  std::vector<at::Tensor> atoms;
  for (const AtomIndex& atom : atom_order(options, channels)) {
    const at::Tensor& wave = atom.sine ? sines : cosines;
    const at::Tensor patch = wave[atom.row].unsqueeze(1) * wave[atom.column].unsqueeze(0);
    atoms.push_back(colours[atom.colour].reshape({channels, 1, 1}) * patch);
  }
  const int64_t s = options.stride, k = options.kernel;
  return at::stack(atoms)
      .reshape({options.num_atoms, channels, k, s, k, s})
      .permute({0, 1, 3, 5, 2, 4})
      .reshape({options.num_atoms, channels * s * s, k, k});
}

/// The filters that add the atoms up, as an ordinary convolution.
at::Tensor synthesis_of(const at::Tensor& filters) { return filters.transpose(0, 1).flip({2, 3}).contiguous(); }

/// The norm of analysis followed by synthesis, by power iteration on an image of random numbers.
double squared_norm(const at::Tensor& filters, uint64_t seed) {
  Random random(derive_seed(seed, "frame"));
  const int64_t side = 32;
  const at::Tensor synthesis = synthesis_of(filters);
  at::Tensor x = at::empty({1, filters.size(1), side, side});
  for (int64_t i = 0; i < x.numel(); ++i) x.mutable_data_ptr<float>()[i] = static_cast<float>(random.normal());
  double norm = 1;
  for (int iteration = 0; iteration < 40; ++iteration) {
    x = nn::synthesise(nn::analyse(x, filters), synthesis);
    norm = x.norm().item<double>();
    x = x / norm;
  }
  return norm;
}

/// The inverse of softplus at value > 0.
double before_softplus(double value) { return std::log(std::expm1(value)); }

at::Tensor made_positive(const at::Tensor& raw) { return at::softplus(raw * kThresholdUnit); }

}  // namespace

ConvolutionalCoder::ConvolutionalCoder(const ModelOptions& options, uint64_t seed) : Autoencoder(options) {
  const ConvolutionalCoderOptions& o = options.csc;
  check(o, options.in_channels);
  const at::NoGradGuard no_grad;
  at::Tensor filters = frame_filters(o, options.in_channels);
  const double scale = 1 / std::sqrt(squared_norm(filters, seed));
  filters = filters * scale;
  for (int64_t t = 0; t < o.num_iterations; ++t) analysis_.push_back(add_parameter("_A" + std::to_string(t), filters));
  for (int64_t t = 1; t < o.num_iterations; ++t)
    synthesis_.push_back(add_parameter("_B" + std::to_string(t), synthesis_of(filters)));
  output_ = add_parameter("_W", synthesis_of(filters));

  const int64_t columns = o.threshold == networks::ThresholdKind::kScalar ? 1 : o.num_atoms;
  at::Tensor slope = at::full({o.num_iterations, columns}, kInitialSlope / kThresholdUnit);
  if (columns > 1) slope.select(1, 0).fill_(kInitialSlopeOfMean / kThresholdUnit);  // the patch's mean passes
  floor_ = add_parameter("_floor", at::full_like(slope, kInitialFloor / kThresholdUnit));
  slope_ = add_parameter("_slope", slope);
  frame_scale_ = register_buffer("_frame_scale", at::full({}, scale));
  if (o.shrinkage == Shrinkage::kGrouped) add_groups();
  if (o.threshold == networks::ThresholdKind::kInferred) add_controller();
}

at::Tensor ConvolutionalCoder::add_parameter(const std::string& name, const at::Tensor& value) {
  return register_parameter(name, value.clone().contiguous().set_requires_grad(true));
}

void ConvolutionalCoder::add_groups() {
  const ConvolutionalCoderOptions& o = options().csc;
  // At the start groups are atoms of neighbouring frequencies, which have energies of one order.
  const int64_t t = o.num_iterations, k = o.num_atoms, r = std::min(o.group_rank, k), w = o.group_window;
  const std::vector<int64_t> groups = frequency_groups(atom_order(o, options().in_channels), r);
  at::Tensor down = at::full({t, r, k}, before_softplus(kLittle)), up = at::full({t, k, r}, before_softplus(kLittle));
  for (int64_t atom = 0; atom < k; ++atom) {
    const int64_t group = groups[static_cast<size_t>(atom)];
    const auto size = static_cast<double>(std::count(groups.begin(), groups.end(), group));
    down.select(2, atom).select(1, group).fill_(before_softplus(1 / size));
    up.select(1, atom).select(1, group).fill_(before_softplus(kGroupShare));
  }
  own_ = add_parameter("_group_own", at::full({t, k}, before_softplus(kOwnShare) / kThresholdUnit));
  down_ = add_parameter("_group_down", down / kThresholdUnit);
  up_ = add_parameter("_group_up", up / kThresholdUnit);
  pool_ = add_parameter("_group_pool",
                        at::full({t, r, 1, w, w}, before_softplus(1.0 / static_cast<double>(w * w)) / kThresholdUnit));
}

void ConvolutionalCoder::add_controller() {
  const ConvolutionalCoderOptions& o = options().csc;
  const int64_t width = o.attention_width;
  stem_ = register_module("_stem", nn::same_convolution(options().in_channels * o.stride * o.stride, width, 3));
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
  if (o.threshold_refinement == networks::ThresholdRefinement::kCbam) {
    const networks::SparseCoderOptions& cbam = options().sparse_coder;
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
  const auto scaled = [&](const at::Tensor& raw) {
    const at::Tensor value = made_positive(raw[iteration]).expand({options().csc.num_atoms});
    return value * scale.to(value.scalar_type());
  };
  return {scaled(floor_) * kFloorScale, scaled(slope_)};
}

ConvolutionalCoder::Group ConvolutionalCoder::group(int64_t iteration) const {
  return {made_positive(own_[iteration]), made_positive(down_[iteration]), made_positive(pool_[iteration]),
          made_positive(up_[iteration])};
}

at::Tensor ConvolutionalCoder::shrink(const at::Tensor& step, const Coded& coded, const at::Tensor& sigma,
                                      int64_t iteration) const {
  const auto [floor, slope] = threshold_lines(iteration);
  if (!own_.defined()) return nn::shrink_by_noise(step, {floor, slope, sigma}, coded.refined);
  const nn::AutocastDisabled full_precision(step.device().type());  // energies span many orders of magnitude
  const at::Tensor exact = nn::to_full_precision(step);
  const Group g = group(iteration);
  const at::Tensor mixed = nn::map_of_rows(at::mm(nn::rows_of(exact.square()), g.down.t()), exact.sizes());
  const std::array<int64_t, 2> one{1, 1}, padding{g.pool.size(2) / 2, g.pool.size(3) / 2};
  const at::Tensor spread = at::conv2d(mixed, g.pool, {}, one, padding, one, g.pool.size(0));
  const at::Tensor pooled = nn::map_of_rows(at::mm(nn::rows_of(spread), g.up.t()), exact.sizes());
  return nn::shrink_by_group(exact, {floor, slope, sigma}, g.own, pooled);
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
    const at::Tensor residual = t == 0 ? coded.blocks : coded.blocks - nn::synthesise(coded.code, synthesis_[i - 1]);
    coded.code = shrink(nn::analyse(residual, analysis_[i], coded.code), coded, sigma, t);
  }
  const auto [floor, slope] = threshold_lines(options().csc.num_iterations - 1);
  coded.threshold = floor.view({1, -1, 1, 1}) + sigma * slope.view({1, -1, 1, 1});
  if (coded.refined.defined()) coded.threshold = coded.threshold * coded.refined;
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
  return nn::to_full_precision(nn::synthesise(code, output_));
}

int64_t ConvolutionalCoder::atom_axis(const std::string& parameter) const {
  if (parameter.starts_with("_A")) return 0;
  return parameter.starts_with("_B") || parameter == "_W" ? 1 : -1;
}

void ConvolutionalCoder::after_optimizer_step() {
  if (!options().csc.unit_ball) return;
  const auto project = [](at::Tensor& filters, at::IntArrayRef within_atom) {
    filters.mul_(filters.norm(2, within_atom, true).clamp_min(1).reciprocal());
  };
  for (at::Tensor& filters : analysis_) project(filters, {1, 2, 3});
  for (at::Tensor& filters : synthesis_) project(filters, {0, 2, 3});
  project(output_, {0, 2, 3});
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
