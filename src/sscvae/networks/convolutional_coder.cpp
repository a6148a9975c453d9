#include "sscvae/networks/convolutional_coder.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "sscvae/array/array.h"
#include "sscvae/array/elementwise.h"
#include "sscvae/core/error.h"
#include "sscvae/core/text.h"
#include "sscvae/networks/backbones.h"

namespace sscvae::networks {

namespace {

constexpr double kFloorScale = 0.1;          // of softplus(floor)
constexpr double kRefinementGain = 4;        // both gates of the attention start near 1/2; this makes their product 1
constexpr double kSoftplusOne = 0.54132485;  // softplus of it is 1
constexpr auto kPatches = graph::ConvolutionUse::kPatches, kCode = graph::ConvolutionUse::kCode;

void check_csc(const ConvolutionalCoderOptions& options, int64_t channels) {
  const std::string section = "model.csc.";
  if (options.threshold == ThresholdKind::kPerPosition)
    throw UsageError(section + "threshold: per-position thresholds need an image of fixed size; take inferred");
  if (options.threshold_refinement == ThresholdRefinement::kCbam && options.threshold != ThresholdKind::kInferred)
    throw UsageError(section + "threshold_refinement = \"cbam\" needs threshold = \"inferred\"");
  if (options.shrinkage == Shrinkage::kGrouped && options.threshold == ThresholdKind::kInferred)
    throw UsageError(section + "shrinkage = \"grouped\" needs threshold = \"per-atom\" or \"scalar\"");
  if (options.shrinkage == Shrinkage::kGrouped && options.group_window % 2 == 0)
    throw UsageError(section + "group_window: expected an odd number");
  const int64_t side = options.kernel * options.stride;
  if (options.num_atoms > 2 * channels * side * side)
    throw UsageError(format("%snum_atoms: at most 2 x channels x (kernel x stride)^2 = %lld, got %lld", section.c_str(),
                            static_cast<long long>(2 * channels * side * side),
                            static_cast<long long>(options.num_atoms)));
}

/// The weights of all iterations, declared in the order of the files.
struct Coder {
  std::vector<Array> analysis, synthesis;  ///< A_t; B_t from the second iteration on
  Array output, floor, slope, scale;
  Array own, down, up, pool;  ///< with grouped shrinkage
};

Coder declare_coder(const Scope& s, const ConvolutionalCoderOptions& o, int64_t channels) {
  const Start rule{Start::Rule::kOwn};
  const int64_t t = o.num_iterations, k = o.num_atoms, side = o.kernel, blocks = channels * o.stride * o.stride;
  Coder coder;
  for (int64_t i = 0; i < t; ++i)
    coder.analysis.push_back(s.declare("_A" + std::to_string(i), {k, blocks, side, side}, rule));
  for (int64_t i = 1; i < t; ++i)
    coder.synthesis.push_back(s.declare("_B" + std::to_string(i), {blocks, k, side, side}, rule));
  coder.output = s.declare("_W", {blocks, k, side, side}, rule);
  const int64_t columns = o.threshold == ThresholdKind::kScalar ? 1 : k;
  coder.floor = s.declare("_floor", {t, columns}, rule);
  coder.slope = s.declare("_slope", {t, columns}, rule);
  coder.scale = s.declare("_frame_scale", {}, rule, Role::kBuffer);
  if (o.shrinkage == Shrinkage::kSeparate) return coder;
  const int64_t r = std::min(o.group_rank, k), w = o.group_window;
  coder.own = s.declare("_group_own", {t, k}, rule);
  coder.down = s.declare("_group_down", {t, r, k}, rule);
  coder.up = s.declare("_group_up", {t, k, r}, rule);
  coder.pool = s.declare("_group_pool", {t, r, 1, w, w}, rule);
  return coder;
}

/// The network that infers factors of thresholds from blocks of pixels and the noise level: residual blocks at one or
/// several scales, with skips from the way down to the way up.
Value factors(const Scope& s, Value blocks, Value sigma, const ModelOptions& options) {
  const ConvolutionalCoderOptions& o = options.csc;
  const auto through = [&](const std::string& name, Value x) {
    for (int64_t i = 0; i < o.attention_blocks; ++i)
      x = lite_residual(s.in(name).in(std::to_string(i)), x, Normalization::kNone);
    return x;
  };
  Value x = s.convolution("_stem", blocks, {.out = o.attention_width});
  x = s.in("_stem").sum(x, s.convolution("_noise", sigma, {.out = o.attention_width, .kernel = 1, .bias = false}));
  x = through("_blocks", x);
  std::vector<Value> passed;
  for (int64_t scale = 1; scale < o.attention_scales; ++scale) {
    const std::string number = std::to_string(scale);
    passed.push_back(x);
    x = s.convolution("_down" + number, x, {.out = 2 * s.channels(x), .kernel = 2, .stride = 2});
    x = through("_blocks" + number, x);
  }
  for (int64_t scale = o.attention_scales - 1; scale > 0; --scale) {
    const std::string up = "_up" + std::to_string(scale);
    x = s.in(up).shuffle(s.convolution(up, x, {.out = 2 * s.channels(x), .kernel = 1, .bias = false}), 2);
    x = through("_rise" + std::to_string(scale), s.in(up).sum(passed[static_cast<size_t>(scale - 1)], x));
  }
  const Scope head = s.in("_head");
  x = s.convolution("_head", head.relu(x), {.out = o.num_atoms, .kernel = 1, .start = 0.1});
  x = head.activation(head.affine(x, 1, kSoftplusOne), graph::Function::kSoftplus);
  s.graph().threshold_inference = x;
  if (o.threshold_refinement != ThresholdRefinement::kCbam) return x;
  const SparseCoderOptions& cbam = options.sparse_coder;
  x = s.cbam("_cbam", x, std::min(cbam.cbam_reduction, o.num_atoms), cbam.cbam_kernel, cbam.cbam_spatial_input);
  return s.in("_cbam").affine(x, kRefinementGain, 0);
}

/// The unfolded iterations: analysis of the residual, then shrinkage.
class Iterations {
 public:
  Iterations(const Scope& s, const ConvolutionalCoderOptions& options, Coder coder, Value sigma, Value factors)
      : s_(s), o_(options), coder_(std::move(coder)), sigma_(sigma), factors_(factors) {}

  Value code(Value blocks) const {
    // Windows of even side reach one position further at their end; those that add atoms up begin one earlier.
    const int64_t more = o_.kernel % 2 == 0 ? 1 : 0;
    Value code = -1;
    for (int64_t t = 0; t < o_.num_iterations; ++t) {
      const std::string number = std::to_string(t);
      Value residual = blocks;
      if (t > 0) {
        const Array& weight = coder_.synthesis[static_cast<size_t>(t - 1)];
        const Value drawn =
            synthesis(s_.derive({Derived::Kind::kNegated, {}, {weight}}, weight.sizes()), code, "_B" + number);
        residual = s_.in("_B" + number).sum(blocks, drawn);
      }
      const graph::Convolution analysis{
          coder_.analysis[static_cast<size_t>(t)], {}, 1, (o_.kernel - 1) / 2, more, 1, kPatches};
      const Value step = s_.add(analysis, {residual}, o_.num_atoms, "_A" + number);
      code = coder_.own.defined() ? grouped(step, code, t) : separate(step, code, t);
    }
    return code;
  }

  Value synthesis(const Array& weight, Value code, const std::string& name) const {
    const int64_t before = (o_.kernel - 1) / 2, more = o_.kernel % 2 == 0 ? 1 : 0;
    return s_.add(graph::Convolution{weight, {}, 1, before + more, -more, 1, kPatches}, {code}, weight.size(0), name);
  }

  /// theta of the last iteration.
  Value threshold() const {
    const int64_t last = o_.num_iterations - 1;
    std::vector<Value> inputs{sigma_};
    if (factors_ >= 0) inputs.push_back(factors_);
    return s_.add(graph::NoiseThreshold{line(coder_.floor, last, kFloorScale), line(coder_.slope, last, 1)}, inputs,
                  o_.num_atoms, "_sigma");
  }

 private:
  Array line(const Array& raw, int64_t t, double factor) const {
    Derived line{Derived::Kind::kThresholdLine, {}, {raw, coder_.scale}, t, o_.num_atoms, factor};
    return s_.derive(line, {o_.num_atoms});
  }
  Array row(const Array& raw, int64_t t, const Sizes& shape) const {
    return s_.derive({Derived::Kind::kPositiveRow, {}, {raw}, t}, shape);
  }

  Value separate(Value step, Value code, int64_t t) const {
    std::vector<Value> inputs{step, sigma_};
    if (t > 0) inputs.push_back(code);
    if (factors_ >= 0) inputs.push_back(factors_);
    const graph::NoiseShrinkage shrinkage{line(coder_.floor, t, kFloorScale), line(coder_.slope, t, 1), t > 0,
                                          factors_ >= 0};
    return s_.add(shrinkage, inputs, o_.num_atoms, "_A" + std::to_string(t));
  }

  /// Shrinks entries by the energy of their group; `step` is the analysis of the residual.
  Value grouped(Value step, Value code, int64_t t) const {
    const Scope s = s_.in("_group" + std::to_string(t));
    const int64_t k = o_.num_atoms, r = coder_.down.size(1), w = o_.group_window;
    const Value v = t > 0 ? s.sum(code, step) : step;
    const auto mix = [&](Value x, const Array& raw, int64_t out, int64_t in) {
      return s.add(graph::Convolution{row(raw, t, {out, in, 1, 1}), {}, 1, 0, 0, 1, kCode}, {x}, out);
    };
    const Value mixed = mix(s.add(graph::Square{}, {v}, k), coder_.down, r, k);
    const Value spread =
        s.add(graph::Convolution{row(coder_.pool, t, {r, 1, w, w}), {}, 1, w / 2, 0, r, kCode}, {mixed}, r);
    const graph::GroupShrinkage shrinkage{line(coder_.floor, t, kFloorScale), line(coder_.slope, t, 1),
                                          row(coder_.own, t, {k})};
    return s.add(shrinkage, {v, sigma_, mix(spread, coder_.up, k, r)}, k);
  }

  Scope s_;
  const ConvolutionalCoderOptions& o_;
  Coder coder_;
  Value sigma_, factors_;
};

/// Files and initial draws have the weights of each scale together: down, blocks, up, rise.
void sort_by_scale(std::vector<Declared>& weights) {
  const auto rank = [](const Declared& weight) {
    constexpr std::array<std::string_view, 4> kParts{"_down", "_blocks", "_up", "_rise"};
    for (size_t part = 0; part < kParts.size(); ++part) {
      if (!weight.name.starts_with(kParts[part])) continue;
      const char scale = weight.name[kParts[part].size()];
      if (scale >= '1' && scale <= '9') return std::pair<int, size_t>(scale - '0', part);
    }
    return std::pair<int, size_t>(weight.name.starts_with("_head") ? 10 : weight.name.starts_with("_cbam") ? 11 : 0, 0);
  };
  std::stable_sort(weights.begin(), weights.end(),
                   [&](const Declared& a, const Declared& b) { return rank(a) < rank(b); });
}

}  // namespace

void convolutional_coder(const Scope& s, const ModelOptions& options) {
  const ConvolutionalCoderOptions& o = options.csc;
  check_csc(o, options.in_channels);
  const Value image = s.image(options.in_channels);
  const Scope of_blocks = s.in("_blocks");
  const Value blocks = of_blocks.unshuffle(of_blocks.affine(image, 1, -0.5), o.stride);
  const Value sigma = s.add(graph::NoiseLevel{o.stride, {}}, {image}, 1, "_sigma");
  Coder coder = declare_coder(s, o, options.in_channels);
  const bool infers = o.threshold == ThresholdKind::kInferred;
  graph::Graph& graph = s.graph();
  if (infers) {
    graph.threshold_refinement = factors(s, blocks, sigma, options);
    sort_by_scale(s.network().weights);
  }
  const Array output = coder.output;
  const Iterations iterations(s, o, std::move(coder), sigma, graph.threshold_refinement);
  graph.size_multiple = o.stride << (infers ? o.attention_scales - 1 : 0);
  graph.features = blocks;
  graph.code = iterations.code(blocks);
  graph.threshold = iterations.threshold();
  const Scope w = s.in("_W");
  graph.coded_features = iterations.synthesis(output, graph.code, "_W");
  graph.logits = w.shuffle(graph.coded_features, o.stride);
  graph.reconstruction = w.affine(graph.logits, 1, 0.5);
}

}  // namespace sscvae::networks
