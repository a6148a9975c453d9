#include "sscvae/nn/network_pass.h"

#include <ATen/ops/addmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/pixel_unshuffle.h>

#include <algorithm>
#include <optional>

#include "sscvae/array/shape.h"
#include "sscvae/core/error.h"
#include "sscvae/graph/arithmetic.h"
#include "sscvae/image/noise_level.h"
#include "sscvae/nn/attention.h"
#include "sscvae/nn/autocast.h"
#include "sscvae/nn/codebook.h"
#include "sscvae/nn/convolution.h"
#include "sscvae/nn/gaussian_code.h"
#include "sscvae/nn/map_rows.h"
#include "sscvae/nn/noise_shrinkage.h"
#include "sscvae/nn/norm_activation.h"
#include "sscvae/nn/patch_coding.h"
#include "sscvae/nn/recompute.h"
#include "sscvae/nn/sparse_coding.h"

namespace sscvae::nn {

namespace {

using graph::Function;
using graph::Graph;
using graph::Value;

template <class Operation, class SomeGraph>
const Operation* as(const SomeGraph& graph, Value value) {
  const auto i = static_cast<size_t>(value);
  return i < graph.nodes.size() ? std::get_if<Operation>(&graph.nodes[i].operation) : nullptr;
}

template <class SomeGraph>
bool is(const SomeGraph& graph, Value value, Function function) {
  const auto* activation = as<graph::Activation>(graph, value);
  return activation && activation->function == function;
}

bool takes_only(const Graph& graph, Value node, Value input) {
  return graph.nodes[static_cast<size_t>(node)].inputs == std::vector<Value>{input};
}

template <class... Operations>
bool is_one_of(const live::Operation& operation) {
  return (std::holds_alternative<Operations>(operation) || ...);
}

/// Computed in float32 inside a pass of half precision.
bool is_exact(const live::Operation& operation) {
  if (const auto* convolution = std::get_if<live::Convolution>(&operation))
    return convolution->use == graph::ConvolutionUse::kCode;
  if (const auto* activation = std::get_if<graph::Activation>(&operation))
    return activation->function == Function::kSigmoid || activation->function == Function::kSoftplus;
  return is_one_of<graph::RmsNorm, live::Cbam, live::Constant, live::Offset, live::DivideBy, graph::Strength,
                   live::SparseCode, live::NearestCode, graph::GaussianCode, graph::Square, live::GroupShrinkage>(
      operation);
}

/// Is it a convolution of side 1 on memory that already holds rows of channels?
bool is_product_of_rows(const live::Convolution& op, const at::Tensor& x) {
  return op.weight.size(2) == 1 && op.groups == 1 && x.is_contiguous(at::MemoryFormat::ChannelsLast);
}

/// A convolution of side 1 as a product of rows with a matrix.
at::Tensor multiply_rows(const live::Convolution& op, const at::Tensor& x) {
  const at::Tensor matrix = op.weight.flatten(1).t(), rows = rows_of(x);
  return map_of_rows(op.bias.defined() ? at::addmm(op.bias, rows, matrix) : at::mm(rows, matrix), x.sizes());
}

template <class Convolution>
bool lays_patches_down(const Convolution& op) {
  const int64_t side = op.weight.size(2);
  return side % 2 == 0 ? op.padding == side / 2 : op.weight.size(0) < op.weight.size(1);
}

/// Noise levels of a batch, given or estimated: [N,1,1,1] in the images' units.
at::Tensor levels_of(const at::Tensor& images, const PassManner& manner) {
  const int64_t count = images.size(0);
  if (manner.noise_levels.defined()) {
    check_shape(manner.noise_levels, "noise levels", "N,1,1,1", {count, 1, 1, 1});
    return manner.noise_levels;
  }
  const std::vector<double>& told = manner.settings.sigma_8bit;
  SSCVAE_ASSERT(told.size() <= 1 || told.size() == static_cast<size_t>(count));
  at::Tensor sigma = at::empty({count, 1, 1, 1}, at::kFloat);
  const at::Tensor on_cpu = told.empty() ? images.detach().to(at::kCPU, at::kFloat) : at::Tensor();
  for (int64_t i = 0; i < count; ++i) {
    const double level = told.empty()       ? image::estimate_sigma_8bit(on_cpu[i])
                         : told.size() == 1 ? told[0]
                                            : told[static_cast<size_t>(i)];
    sigma.mutable_data_ptr<float>()[i] = static_cast<float>(level / 255);
  }
  return sigma.to(images.device(), /*non_blocking=*/true);  // leaves pageable memory before this returns
}

/// A node on its inputs. Operations that training does not change are those of every pass.
struct Compute {
  const std::vector<at::Tensor>& inputs;
  const PassManner& manner;
  at::Tensor& indices;

  const at::Tensor& x() const { return inputs.at(0); }
  template <class Other>
  at::Tensor operator()(const Other& op) const {
    return graph::Evaluate<at::Tensor>{inputs}(op);
  }
  at::Tensor operator()(const graph::Input&) const { throw InternalError("a pass without an image"); }
  at::Tensor operator()(const graph::PixelUnshuffle& op) const {
    return at::pixel_unshuffle(x(), op.factor).contiguous(x().suggest_memory_format());
  }
  at::Tensor operator()(const live::Convolution& op) const {
    if (op.use == graph::ConvolutionUse::kMaps) return nn::convolve(op, x());
    if (op.use == graph::ConvolutionUse::kCode)
      return is_product_of_rows(op, x()) ? multiply_rows(op, x()) : graph::convolve(op, x());
    return lays_patches_down(op) ? synthesise(x(), op.weight) : analyse(x(), op.weight);
  }
  at::Tensor operator()(const live::TransposedConvolution& op) const { return expand(op, x()); }
  at::Tensor operator()(const graph::Attention& op) const { return attention(op, x(), inputs.at(1), inputs.at(2)); }
  at::Tensor operator()(const graph::Strength&) const {
    return manner.settings.strength == 1 ? x() : x() * manner.settings.strength;
  }
  at::Tensor operator()(const live::SparseCode& op) const {
    return sparse_code(op, x(), inputs.at(1), manner.plain_code);
  }
  at::Tensor operator()(const live::NearestCode& op) const {
    NearestCodes codes = nearest_codes_of(x(), op.codebook);
    indices = codes.indices;
    return codes.quantized;
  }
  at::Tensor operator()(const graph::GaussianCode&) const {
    if (!manner.training) return x();
    return drawn_code(x(), limited_log_variance(inputs.at(1)), manner.noise_seed);
  }
  at::Tensor operator()(const graph::NoiseLevel&) const { return levels_of(x(), manner); }
  at::Tensor operator()(const live::NoiseShrinkage& op) const {
    const at::Tensor step = op.has_previous ? inputs.at(2) + x() : x();
    return shrink_by_noise(step, {op.floor, op.slope, inputs.at(1)}, op.has_factors ? inputs.back() : at::Tensor());
  }
  at::Tensor operator()(const live::GroupShrinkage& op) const {
    return shrink_by_group(x(), {op.floor, op.slope, inputs.at(1)}, op.own, inputs.at(2));
  }
};

}  // namespace

NetworkPass::NetworkPass(const networks::Network& network) : is_named_(network.graph.nodes.size(), false) {
  const Graph& graph = network.graph;
  for (const auto field : graph::value_fields())
    if (graph.*field >= 0) is_named_[static_cast<size_t>(graph.*field)] = true;
  const std::vector<int> uses = graph::count_uses(graph);
  for (Value next = 0; next < static_cast<Value>(graph.nodes.size()); next = steps_.back().last + 1) {
    Step step = step_at(graph, uses, next);
    for (Value node = step.first; node <= step.last; ++node)
      for (const Value input : graph.nodes[static_cast<size_t>(node)].inputs)
        if (input < step.first && std::find(step.inputs.begin(), step.inputs.end(), input) == step.inputs.end())
          step.inputs.push_back(input);
    steps_.push_back(std::move(step));
  }
  for (const networks::NodeRange& range : network.regions) add_region(range);
}

NetworkPass::Step NetworkPass::step_at(const Graph& graph, const std::vector<int>& uses, Value first) const {
  // Does `node` follow `before` directly, as the only one that uses it?
  const auto follows = [&](Value node) {
    const auto before = static_cast<size_t>(node - 1);
    return static_cast<size_t>(node) < graph.nodes.size() && uses[before] == 1 && !is_named_[before] &&
           takes_only(graph, node, node - 1);
  };
  if (is(graph, first, Function::kRelu) && as<graph::Convolution>(graph, first + 1) && follows(first + 1) &&
      is(graph, first + 2, Function::kRelu) && follows(first + 2) && as<graph::Convolution>(graph, first + 3) &&
      follows(first + 3) && as<graph::Add>(graph, first + 4) && uses[static_cast<size_t>(first) + 3] == 1) {
    const std::vector<Value> sum{graph.nodes[static_cast<size_t>(first)].inputs[0], first + 3};
    if (graph.nodes[static_cast<size_t>(first) + 4].inputs == sum) return {Kind::kResidual, first, first + 4, {}};
  }
  if (as<graph::BatchNorm>(graph, first) || as<graph::GroupNorm>(graph, first)) {
    Step step{Kind::kNorm, first, first, {}};
    const bool relu = is(graph, first + 1, Function::kRelu);
    if ((relu || is(graph, first + 1, Function::kSilu)) && follows(first + 1)) step.last = first + 1;
    const auto* pool = as<graph::MaxPool>(graph, first + 2);
    if (relu && step.last > first && pool && pool->halves() && follows(first + 2)) step.last = first + 2;
    return step;
  }
  const auto* filters = as<graph::Convolution>(graph, first);
  if (filters && filters->use == graph::ConvolutionUse::kPatches && uses[static_cast<size_t>(first)] == 1) {
    const auto* shrinkage = as<graph::NoiseShrinkage>(graph, first + 1);
    if (shrinkage && shrinkage->has_previous) return {Kind::kAnalysis, first, first + 1, {}};
    if (!lays_patches_down(*filters) && as<graph::Add>(graph, first + 1) &&
        graph.nodes[static_cast<size_t>(first) + 1].inputs[1] == first)
      return {Kind::kAnalysis, first, first + 1, {}};
  }
  return {Kind::kSingle, first, first, {}};
}

void NetworkPass::add_region(const networks::NodeRange& range) {
  Region region;
  std::vector<Value> outside;
  for (size_t i = 0; i < steps_.size(); ++i) {
    if (steps_[i].first == range.first) region.first_step = i;
    if (steps_[i].last == range.last) region.last_step = i;
    if (steps_[i].first < range.first || steps_[i].last > range.last) continue;
    for (const Value input : steps_[i].inputs)
      if (input < range.first && std::find(outside.begin(), outside.end(), input) == outside.end())
        outside.push_back(input);
  }
  SSCVAE_ASSERT(outside.size() == 1);
  region.input = outside[0];
  regions_.push_back(region);
}

/// The steps of one pass.
class NetworkPass::Runner {
 public:
  Runner(const NetworkPass& pass, std::shared_ptr<const live::Graph> live, const PassManner& manner)
      : values(live->nodes.size()), pass_(pass), live_(std::move(live)), manner_(manner) {}

  std::vector<at::Tensor> values;
  at::Tensor indices;

  void run_step(const Step& step) {
    const Value last = step.last;
    at::Tensor& result = at(last);
    std::optional<AutocastDisabled> full_precision;
    if (is_exact(node(step.first).operation)) full_precision.emplace(device_of(step));
    result = compute(step);
    if (pass_.is_named_[static_cast<size_t>(last)]) result = to_full_precision(result);
  }

  /// Runs a region so that the backward pass recomputes it.
  void run_region(const Region& region) {
    std::vector<at::Tensor> statistics;
    for (size_t i = region.first_step; i <= region.last_step; ++i)
      if (const auto* norm = as<live::BatchNorm>(*live_, pass_.steps_[i].first))
        statistics.insert(statistics.end(), {norm->mean, norm->variance, norm->batches});
    const Value last = pass_.steps_[region.last_step].last;
    const auto part = [&pass = pass_, live = live_, manner = manner_, region, last](const at::Tensor& x) {
      Runner inner(pass, live, manner);
      inner.at(region.input) = x;
      for (size_t i = region.first_step; i <= region.last_step; ++i) inner.run_step(pass.steps_[i]);
      return inner.at(last);
    };
    at(last) = nn::recompute(statistics, part, at(region.input));
  }

  at::Tensor& at(Value value) { return values[static_cast<size_t>(value)]; }

 private:
  const live::Node& node(Value value) const { return live_->nodes[static_cast<size_t>(value)]; }
  c10::DeviceType device_of(const Step& step) { return at(step.inputs.at(0)).device().type(); }

  at::Tensor compute(const Step& step) {
    switch (step.kind) {
      case Kind::kResidual:
        return residual_convolutions(*as<live::Convolution>(*live_, step.first + 1),
                                     *as<live::Convolution>(*live_, step.first + 3), at(step.inputs[0]));
      case Kind::kNorm:
        return normalised(step);
      case Kind::kAnalysis:
        return analysed(step);
      case Kind::kSingle:
        break;
    }
    const live::Node& single = node(step.first);
    std::vector<at::Tensor> inputs;
    const bool exact = is_exact(single.operation);
    for (const Value input : single.inputs) inputs.push_back(exact ? to_full_precision(at(input)) : at(input));
    return std::visit(Compute{inputs, manner_, indices}, single.operation);
  }

  at::Tensor normalised(const Step& step) {
    kernels::NormActForm form;
    form.activation = step.last == step.first                              ? kernels::Act::kNone
                      : is(*live_, step.first + 1, graph::Function::kRelu) ? kernels::Act::kRelu
                                                                           : kernels::Act::kSilu;
    form.pool = step.last == step.first + 2;
    const at::Tensor& x = at(step.inputs[0]);
    if (const auto* batch = as<live::BatchNorm>(*live_, step.first))
      return norm_activation(*batch, x, form, manner_.training);
    return norm_activation(*as<live::GroupNorm>(*live_, step.first), x, form);
  }

  /// Analysis added to the previous code, followed by shrinkage unless that is grouped.
  at::Tensor analysed(const Step& step) {
    const at::Tensor& filters = as<live::Convolution>(*live_, step.first)->weight;
    const at::Tensor& x = at(node(step.first).inputs[0]);
    const std::vector<Value>& others = node(step.last).inputs;
    const auto* shrinkage = as<live::NoiseShrinkage>(*live_, step.last);
    if (!shrinkage) return analyse(x, filters, at(others[0]));
    const at::Tensor factors = shrinkage->has_factors ? at(others.back()) : at::Tensor();
    return shrink_by_noise(analyse(x, filters, at(others.at(2))), {shrinkage->floor, shrinkage->slope, at(others[1])},
                           factors);
  }

  const NetworkPass& pass_;
  std::shared_ptr<const live::Graph> live_;
  const PassManner& manner_;
};

NetworkPass::Result NetworkPass::run(std::shared_ptr<const live::Graph> live,
                                     std::vector<std::pair<Value, at::Tensor>> given, const std::vector<Value>& wanted,
                                     const PassManner& manner) const {
  Runner runner(*this, live, manner);
  for (auto& [value, tensor] : given) runner.at(value) = std::move(tensor);
  // Which steps are needed, and how often each value is.
  std::vector<int> uses(runner.values.size(), 0);
  for (const Value value : wanted) ++uses[static_cast<size_t>(value)];
  std::vector<bool> needed(steps_.size(), false);
  for (size_t i = steps_.size(); i-- > 0;) {
    needed[i] = uses[static_cast<size_t>(steps_[i].last)] > 0 && !runner.at(steps_[i].last).defined();
    if (!needed[i]) continue;
    for (const Value input : steps_[i].inputs) ++uses[static_cast<size_t>(input)];
  }
  const auto region_at = [&](size_t step) -> const Region* {
    for (const Region& region : regions_)
      if (manner.recompute && region.first_step == step) return &region;
    return nullptr;
  };
  for (size_t i = 0; i < steps_.size(); ++i) {
    if (!needed[i]) continue;
    const size_t first = i;
    if (const Region* region = region_at(i)) {
      runner.run_region(*region);
      i = region->last_step;
    } else {
      runner.run_step(steps_[i]);
    }
    for (size_t done = first; done <= i; ++done)
      for (const Value input : steps_[done].inputs)
        if (--uses[static_cast<size_t>(input)] == 0) runner.at(input) = at::Tensor();
  }
  return {std::move(runner.values), runner.indices};
}

}  // namespace sscvae::nn
