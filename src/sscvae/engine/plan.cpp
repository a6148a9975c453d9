#include "sscvae/engine/plan.h"

#include <algorithm>
#include <set>

#include "sscvae/engine/compose.h"
#include "sscvae/engine/unfolded_chain.h"
#include "sscvae/kernels/group_norm.h"

namespace sscvae::engine {

namespace {

using graph::Node;
using graph::Value;
using kernels::Act;

class Planner {
 public:
  Planner(const graph::Graph& graph, Precision precision)
      : graph_(graph), precision_(precision), users_(graph.nodes.size()), done_(graph.nodes.size(), false) {
    for (size_t i = 0; i < graph.nodes.size(); ++i)
      for (const Value input : graph.nodes[i].inputs)
        users_[static_cast<size_t>(input)].push_back(static_cast<Value>(i));
    outputs_ = {graph.features, graph.threshold,      graph.code,        graph.coded_features,
                graph.logits,   graph.reconstruction, graph.log_variance};
    outputs_.insert(graph.outputs.begin(), graph.outputs.end());
  }

  Plan plan() {
    Plan plan;
    for (Value value = 0; value < static_cast<Value>(graph_.nodes.size()); ++value) {
      if (done_[static_cast<size_t>(value)] || is_relu_for_convolutions(value)) continue;
      if (StepPtr step = make_step(value)) plan.steps.push_back(std::move(step));
    }
    find_releases(plan);
    return plan;
  }

 private:
  const Node& node(Value value) const { return graph_.nodes[static_cast<size_t>(value)]; }
  template <class Operation>
  const Operation* as(Value value) const {
    return value < 0 ? nullptr : std::get_if<Operation>(&node(value).operation);
  }
  /// The only node that uses a value which the graph does not give out; else -1.
  Value only_user(Value value) const {
    const auto& users = users_[static_cast<size_t>(value)];
    return users.size() == 1 && !outputs_.count(value) ? users[0] : -1;
  }
  void mark(Value value) { done_[static_cast<size_t>(value)] = true; }
  bool is_relu(Value value) const {
    const auto* activation = as<graph::Activation>(value);
    return activation && activation->function == graph::Function::kRelu;
  }
  /// A relu that convolutions apply to their input themselves.
  bool is_relu_for_convolutions(Value value) const {
    if (!is_relu(value) || outputs_.count(value)) return false;
    const auto& users = users_[static_cast<size_t>(value)];
    return std::all_of(users.begin(), users.end(), [&](Value user) {
      const auto* convolution = as<graph::Convolution>(user);
      return convolution && can_fuse(*convolution);
    });
  }
  /// The activation behind a value, if it can be fused: its node, else -1.
  Value activation_after(Value value, Act& act) const {
    const Value user = only_user(value);
    const auto* activation = as<graph::Activation>(user);
    if (!activation) return -1;
    if (activation->function == graph::Function::kRelu) act = Act::kRelu;
    else if (activation->function == graph::Function::kSilu) act = Act::kSilu;
    else return -1;
    return user;
  }
  /// Does something other than convolutions read it (in float32)?
  bool wants_float(Value value) const {
    if (outputs_.count(value)) return true;
    const auto& users = users_[static_cast<size_t>(value)];
    return std::any_of(users.begin(), users.end(), [&](Value user) {
      return as<graph::RmsNorm>(user) || as<graph::SparseCode>(user) || as<graph::Affine>(user) ||
             as<graph::Cbam>(user) || as<graph::NearestCode>(user) || as<graph::PixelShuffle>(user);
    });
  }

  /// Adds pooling or a residual to a convolution whose result so far is `value`; gives the value it now makes.
  Value fuse_tail(FusedConvolution& fused, Value value, bool may_pool) {
    const Value user = only_user(value);
    if (user < 0) return value;
    if (const auto* pool = as<graph::MaxPool>(user); may_pool && pool && pool->halves()) {
      fused.epilogue.pool = true;
      mark(user);
      return user;
    }
    if (!as<graph::Add>(user)) return value;
    const auto& inputs = node(user).inputs;
    const Value other = inputs[0] == value ? inputs[1] : inputs[0];
    if (other == value || other > value) return value;
    fused.residual = other;
    mark(user);
    return user;
  }

  void fuse_input(FusedConvolution& fused, Value input) {
    fused.input = input;
    if (done_[static_cast<size_t>(input)] || !is_relu_for_convolutions(input)) return;
    fused.input = node(input).inputs[0];
    fused.epilogue.input_relu = true;
  }

  /// Everything behind the convolution that makes `value`.
  void fuse_behind(FusedConvolution& fused, Value value) {
    if (const Value activation = activation_after(value, fused.epilogue.activation); activation >= 0) {
      mark(activation);
      value = activation;
    }
    const Value next = only_user(value);
    const auto* pointwise = as<graph::Convolution>(next);
    if (precision_ == Precision::kBf16 && pointwise && can_fuse(*pointwise) && pointwise->weight.size(2) == 1 &&
        fused.convolution->weight.size(2) == 3 && fused.epilogue.activation == Act::kRelu) {
      mark(next);
      fused.appended = pointwise;
      value = fuse_tail(fused, next, false);
    } else {
      value = fuse_tail(fused, value, true);
    }
    fused.output = value;
    fused.float_output = wants_float(value) && fused.residual < 0;
  }

  StepPtr convolution_step(Value value) {
    const auto* shuffle = as<graph::PixelShuffle>(only_user(value));
    if (shuffle && shuffle->factor == 2 && as<graph::Convolution>(value)->weight.size(2) == 1 &&
        !is_relu_for_convolutions(node(value).inputs[0])) {
      const Value shuffled = only_user(value);
      mark(shuffled);
      return make_shuffled(node(value), shuffled, precision_);
    }
    FusedConvolution fused;
    fused.convolution = as<graph::Convolution>(value);
    fused.name = node(value).name;
    fuse_input(fused, node(value).inputs[0]);
    fuse_behind(fused, value);
    // The product with the dictionary: rounded codes would cost as much as all rounding behind it.
    const bool of_code = as<graph::SparseCode>(fused.input);
    return make_convolution(fused, of_code ? Precision::kFp32 : precision_);
  }

  StepPtr expansion_step(Value value) {
    const auto& expansion = std::get<graph::TransposedConvolution>(node(value).operation);
    const Value next = only_user(value);
    const auto* convolution = as<graph::Convolution>(next);
    if (precision_ == Precision::kBf16 && convolution && can_fuse(*convolution) && convolution->weight.size(2) == 3 &&
        pays_to_compose(expansion, *convolution)) {
      mark(next);
      FusedConvolution fused;
      fused.convolution = convolution;
      fused.name = node(value).name;
      fused.input = node(value).inputs[0];
      fused.output = next;
      if (const Value activation = activation_after(next, fused.epilogue.activation); activation >= 0) {
        mark(activation);
        fused.output = activation;
      }
      return make_composed(node(value), fused);
    }
    return make_expansion(node(value), value, precision_);
  }

  StepPtr group_norm_step(Value value) {
    Act act = Act::kNone;
    const Value activation = activation_after(value, act);
    if (activation >= 0) mark(activation);
    return make_group_norm(node(value), act, activation >= 0 ? activation : value, precision_);
  }

  /// All iterations of a convolutional sparse coder in one step, in float32.
  StepPtr unfolded_step(Value first) {
    if (precision_ != Precision::kFp32) return nullptr;
    const std::optional<UnfoldedChain> chain = find_unfolded_chain(graph_, first, users_);
    if (!chain) return nullptr;
    for (const Value value : chain->covered) mark(value);
    return make_unfolded_code(*chain, node(first).name);
  }

  StepPtr make_step(Value value) {
    mark(value);
    const Node& n = node(value);
    if (as<graph::Convolution>(value))
      if (StepPtr unfolded = unfolded_step(value)) return unfolded;
    if (const auto* convolution = as<graph::Convolution>(value); convolution && can_fuse(*convolution))
      return convolution_step(value);
    if (const auto* halving = as<graph::Convolution>(value); halving && can_halve(*halving))
      return make_halving(n, value, precision_);
    if (const auto* expansion = as<graph::TransposedConvolution>(value);
        expansion && expansion->weight.size(0) % 16 == 0)
      return expansion_step(value);
    const auto* norm = as<graph::GroupNorm>(value);
    if (norm && kernels::can_group_norm(norm->weight.size(0))) return group_norm_step(value);
    if (as<graph::Attention>(value)) return make_attention(n, value, precision_);
    if (as<graph::SparseCode>(value)) return make_sparse_code(n, value, precision_);
    if (as<graph::NearestCode>(value)) return make_nearest_code(n, value);
    if (as<graph::NoiseLevel>(value)) return make_noise_level(n, value);
    if (as<graph::NoiseShrinkage>(value)) return make_noise_shrinkage(n, value);
    if (as<graph::GroupShrinkage>(value)) return make_group_shrinkage(n, value);
    if (as<graph::Convolution>(value)) return make_window_convolution(n, value);
    if (as<graph::Cbam>(value)) return make_cbam(n, value);
    return as<graph::Input>(value) ? nullptr : make_plain(n, value);
  }

  void find_releases(Plan& plan) const {
    plan.release.resize(plan.steps.size());
    std::vector<int> last(graph_.nodes.size(), -1);
    for (size_t i = 0; i < plan.steps.size(); ++i) {
      for (const Value input : plan.steps[i]->inputs) last[static_cast<size_t>(input)] = static_cast<int>(i);
      last[static_cast<size_t>(plan.steps[i]->output)] = static_cast<int>(i);
    }
    for (size_t value = 0; value < last.size(); ++value)
      if (last[value] >= 0 && !outputs_.count(static_cast<Value>(value)))
        plan.release[static_cast<size_t>(last[value])].push_back(static_cast<Value>(value));
  }

  const graph::Graph& graph_;
  Precision precision_;
  std::vector<std::vector<Value>> users_;
  std::vector<bool> done_;
  std::set<Value> outputs_;
};

}  // namespace

Plan make_plan(const graph::Graph& graph, Precision precision) { return Planner(graph, precision).plan(); }

}  // namespace sscvae::engine
