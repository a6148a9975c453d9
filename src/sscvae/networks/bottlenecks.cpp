#include "sscvae/networks/bottlenecks.h"

#include <cmath>

#include "sscvae/array/array.h"
#include "sscvae/core/error.h"
#include "sscvae/networks/backbones.h"

namespace sscvae::networks {

namespace {

constexpr double kInitialAlpha = 0.1;  // before a first batch has been seen

void check_coder(const SparseCoderOptions& options) {
  if (options.threshold_refinement == ThresholdRefinement::kCbam && options.threshold != ThresholdKind::kInferred)
    throw UsageError("model.sparse_coder.threshold_refinement = \"cbam\" needs threshold = \"inferred\"");
  if (options.iteration != Iteration::kTied && options.initial_code == InitialCode::kProjected)
    throw UsageError("model.sparse_coder.initial_code = \"projected\" is defined for iteration = \"tied\" only");
}

/// The buffer that moves thresholds to where the first batch wants them; undefined for signed ones.
Array declare_offset(const Scope& s, const SparseCoderOptions& options) {
  if (options.threshold_activation == ThresholdActivation::kSigned) return {};
  const bool softplus = options.threshold_activation == ThresholdActivation::kSoftplus;
  const double start = softplus ? std::log(std::expm1(kInitialAlpha)) : kInitialAlpha;
  return s.declare("_threshold_offset", {}, {Start::Rule::kConstant, start}, Role::kBuffer);
}

/// alpha inferred from the features by a small network and refined by attention.
Value inferred_alpha(const Scope& s, Value features, const SparseCoderOptions& options) {
  Value x = s.convolution("_conv", features, {.out = options.num_atoms});
  x = residual(s.in("_res2"), residual(s.in("_res1"), x));
  if (const Array offset = declare_offset(s, options); offset.defined()) {
    x = s.add(graph::Offset{offset}, {x}, options.num_atoms);
    const bool softplus = options.threshold_activation == ThresholdActivation::kSoftplus;
    x = s.activation(x, softplus ? graph::Function::kSoftplus : graph::Function::kRelu);
  }
  s.graph().threshold_inference = x;
  if (options.threshold_refinement != ThresholdRefinement::kCbam) return x;
  x = s.cbam("_cbam", x, options.cbam_reduction, options.cbam_kernel, options.cbam_spatial_input);
  return options.threshold_gain == 1.0 ? x : s.in("_cbam").affine(x, options.threshold_gain, 0);
}

/// alpha as learned numbers.
Value learned_alpha(const Scope& s, Value features, const SparseCoderOptions& options) {
  std::vector<int64_t> shape, map{1, 1, 1, 1};
  if (options.threshold == ThresholdKind::kPerAtom) {
    shape = {options.num_atoms};
    map[1] = options.num_atoms;
  }
  if (options.threshold == ThresholdKind::kPerPosition) {
    shape = {1, options.grid_height, options.grid_width, 1};
    map[2] = options.grid_height;
    map[3] = options.grid_width;
  }
  const bool is_signed = options.threshold_activation == ThresholdActivation::kSigned;
  Derived alpha{Derived::Kind::kLearnedThreshold, {}, {}};
  alpha.from = {s.declare("_alpha", shape, {Start::Rule::kConstant, is_signed ? kInitialAlpha : 0.0})};
  if (const Array offset = declare_offset(s, options); offset.defined()) alpha.from.push_back(offset);
  alpha.activation = options.threshold_activation;
  return s.add(graph::Constant{s.derive(alpha, map)}, {features}, map[1], "_alpha");
}

/// A convolution of side 1.
graph::Convolution of_code(const Array& weight, const Array& bias = {}) {
  graph::Convolution convolution{weight, bias};
  convolution.use = graph::ConvolutionUse::kCode;
  return convolution;
}

}  // namespace

Value sparse_coder(const Scope& s, Value features, const SparseCoderOptions& options) {
  check_coder(options);
  const int64_t d = options.atom_dim, k = options.num_atoms;
  const Start own{Start::Rule::kOwn};
  const Array declared = s.declare("_Dict", {d, k}, own);
  const Derived unit{Derived::Kind::kUnitColumns, {}, {declared}};
  const Array atoms = options.unit_norm_atoms ? s.derive(unit, {d, k}) : declared;
  Derived bound{Derived::Kind::kLipschitz, {}, {atoms}};
  bound.factor = options.lipschitz_margin;
  const Array lipschitz = options.lipschitz == Lipschitz::kTrainable ? s.declare("_L", {}, own) : s.derive(bound, {});

  graph::Graph& graph = s.graph();
  const Value alpha = options.threshold == ThresholdKind::kInferred ? inferred_alpha(s, features, options)
                                                                    : learned_alpha(s, features, options);
  graph.threshold_refinement = s.add(graph::Strength{}, {alpha}, s.channels(alpha));
  graph.threshold =
      s.add(graph::DivideBy{lipschitz, 2 * options.quadratic_factor}, {graph.threshold_refinement}, s.channels(alpha));
  graph::SparseCode code{atoms, lipschitz, options.num_iterations, options.initial_code, {}, {}};
  const int64_t pairs = options.iteration == Iteration::kTied     ? 0
                        : options.iteration == Iteration::kUntied ? 1
                                                                  : options.num_iterations;
  for (int64_t i = 0; i < pairs; ++i) {
    const std::string number = pairs == 1 ? "" : std::to_string(i);
    code.filters.push_back(s.declare("_We" + number, {k, d}, own));
    code.inhibitions.push_back(s.declare("_S" + number, {k, k}, own));
  }
  graph.code = s.add(code, {features, graph.threshold}, k);
  const Array decoder = s.derive({Derived::Kind::kFilter, {}, {atoms}}, {d, k, 1, 1});  // D z as a convolution
  graph.coded_features = s.add(of_code(decoder), {graph.code}, d, "_Dict");
  return graph.coded_features;
}

Value nearest_code(const Scope& s, Value features, const VectorQuantizerOptions& options) {
  const int64_t k = options.num_codes, d = options.code_dim;
  const bool follows = options.update == CodebookUpdate::kEma;
  const Start own{Start::Rule::kOwn};
  const Array codebook = s.declare("embedding.weight", {k, d}, own, follows ? Role::kBuffer : Role::kTrained);
  if (follows || options.revival > 0) s.declare("usage", {k}, own, Role::kBuffer);
  if (follows) s.declare("sums", {k, d}, own, Role::kBuffer);
  graph::Graph& graph = s.graph();
  graph.code = graph.coded_features = s.add(graph::NearestCode{codebook}, {features}, d);
  return graph.code;
}

Value gaussian_code(const Scope& s, Value features) {
  const int64_t d = s.channels(features);
  const Array weight = s.declare("weight", {2 * d, d, 1, 1}, {Start::Rule::kKaiming});
  const Array bias = s.declare("bias", {2 * d}, {Start::Rule::kFanIn, 1, d});
  const auto moment = [&](int64_t first) {
    Derived filter{Derived::Kind::kRows, {}, {weight}, first, d}, shift{Derived::Kind::kRows, {}, {bias}, first, d};
    return s.add(of_code(s.derive(filter, {d, d, 1, 1}), s.derive(shift, {d})), {features}, d);
  };
  graph::Graph& graph = s.graph();
  graph.log_variance = moment(d);
  graph.mean = moment(0);
  graph.code = s.add(graph::GaussianCode{}, {graph.mean, graph.log_variance}, d);
  return graph.code;
}

}  // namespace sscvae::networks
