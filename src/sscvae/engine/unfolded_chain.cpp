#include "sscvae/engine/unfolded_chain.h"

#include <algorithm>

#include "sscvae/array/array.h"
#include "sscvae/array/elementwise.h"

namespace sscvae::engine {

namespace {

using graph::Convolution;
using graph::GroupShrinkage;
using graph::NoiseShrinkage;
using graph::Value;

bool keeps_the_grid(const Convolution& c) {
  return c.stride == 1 && c.groups == 1 && !c.bias.defined() && c.is_square() &&
         2 * c.padding + c.more_at_end == c.weight.size(2) - 1;
}
bool is_analysis(const Convolution& c) { return keeps_the_grid(c) && c.padding == (c.weight.size(2) - 1) / 2; }
bool is_synthesis(const Convolution& c) { return keeps_the_grid(c) && c.padding == c.weight.size(2) / 2; }

class ChainFinder {
 public:
  ChainFinder(const graph::Graph& graph, const std::vector<std::vector<Value>>& users) : graph_(graph), users_(users) {}

  std::optional<UnfoldedChain> find(Value first) {
    const auto* analysis = as<Convolution>(first);
    if (!analysis || !is_analysis(*analysis)) return std::nullopt;
    chain_.blocks = inputs(first)[0];
    if (!add_iteration(first, {})) return std::nullopt;
    while (add_next()) {
    }
    const auto is_inner = [&](Value value) { return value == graph_.features || value == graph_.coded_features; };
    if (std::any_of(chain_.covered.begin(), chain_.covered.end(), is_inner)) return std::nullopt;
    return chain_;
  }

 private:
  template <class Operation>
  const Operation* as(Value value) const {
    return value < 0 ? nullptr : std::get_if<Operation>(&graph_.nodes[static_cast<size_t>(value)].operation);
  }
  const std::vector<Value>& inputs(Value value) const { return graph_.nodes[static_cast<size_t>(value)].inputs; }
  const std::vector<Value>& users(Value value) const { return users_[static_cast<size_t>(value)]; }
  Value only_user(Value value) const { return users(value).size() == 1 ? users(value)[0] : -1; }
  void cover(std::initializer_list<Value> values) { chain_.covered.insert(chain_.covered.end(), values); }

  /// From the node of A_t to that of the code; `synthesis` is B_t.
  bool add_iteration(Value analysis, const Array& synthesis) {
    kernels::UnfoldedIteration iteration;
    iteration.analysis = as<Convolution>(analysis)->weight;
    iteration.synthesis = synthesis;
    const bool added = add_separate(analysis, iteration) || add_grouped(analysis, iteration);
    if (!added) return false;
    cover({analysis, chain_.code});
    chain_.macs += iteration.analysis.numel() + (synthesis.defined() ? synthesis.numel() : 0);
    if (iteration.own.defined()) chain_.macs += iteration.down.numel() + iteration.pool.numel() + iteration.up.numel();
    chain_.iterations.push_back(iteration);
    return true;
  }

  bool takes_level(Value sigma, Value factors) {
    if (chain_.iterations.empty()) {
      chain_.sigma = sigma;
      chain_.factors = factors;
    }
    return chain_.sigma == sigma && chain_.factors == factors;
  }

  bool add_separate(Value step, kernels::UnfoldedIteration& iteration) {
    const Value user = only_user(step);
    const auto* shrinkage = as<NoiseShrinkage>(user);
    if (!shrinkage || inputs(user)[0] != step) return false;
    const bool begins = chain_.iterations.empty();
    if (shrinkage->has_previous == begins || (!begins && inputs(user)[2] != chain_.code)) return false;
    if (!takes_level(inputs(user)[1], shrinkage->has_factors ? inputs(user).back() : -1)) return false;
    iteration.floor = shrinkage->floor;
    iteration.slope = shrinkage->slope;
    chain_.code = user;
    return true;
  }

  /// step -> [+ code] -> square -> D -> P -> C -> shrinkage.
  bool add_grouped(Value step, kernels::UnfoldedIteration& iteration) {
    Value sum = step;
    if (!chain_.iterations.empty()) {
      sum = only_user(step);
      if (!as<graph::Add>(sum) || inputs(sum) != std::vector<Value>{chain_.code, step}) return false;
    }
    if (users(sum).size() != 2) return false;
    const Value square = users(sum)[0], user = users(sum)[1];
    const Value down = only_user(square), pool = only_user(down), up = only_user(pool);
    const auto* shrinkage = as<GroupShrinkage>(user);
    if (!as<graph::Square>(square) || !shrinkage || inputs(user)[0] != sum || inputs(user)[2] != up ||
        only_user(up) != user)
      return false;
    for (const Value value : {down, pool, up})
      if (!as<Convolution>(value)) return false;
    if (as<Convolution>(pool)->groups != as<Convolution>(down)->weight.size(0)) return false;
    if (!takes_level(inputs(user)[1], -1)) return false;
    iteration.floor = shrinkage->floor;
    iteration.slope = shrinkage->slope;
    iteration.own = shrinkage->own;
    iteration.down = as<Convolution>(down)->weight.flatten(1);
    iteration.pool = as<Convolution>(pool)->weight;
    iteration.up = as<Convolution>(up)->weight.flatten(1);
    if (sum != step) cover({sum});
    cover({square, down, pool, up});
    chain_.code = user;
    return true;
  }

  /// code -> -B_t -> + blocks -> A_t -> ...; nothing is changed where that does not follow.
  bool add_next() {
    for (const Value drawn : users(chain_.code)) {
      const auto* synthesis = as<Convolution>(drawn);
      const Value residual = synthesis && is_synthesis(*synthesis) ? only_user(drawn) : -1;
      if (!as<graph::Add>(residual) || inputs(residual) != std::vector<Value>{chain_.blocks, drawn}) continue;
      const Value analysis = only_user(residual);
      const auto* next = as<Convolution>(analysis);
      if (!next || !is_analysis(*next) || next->weight.sizes() != chain_.iterations[0].analysis.sizes()) continue;
      if (chain_.code == graph_.code || users(chain_.code).size() != 2) return false;
      if (!add_iteration(analysis, -synthesis->weight)) return false;
      cover({drawn, residual});
      return true;
    }
    return false;
  }

  const graph::Graph& graph_;
  const std::vector<std::vector<Value>>& users_;
  UnfoldedChain chain_;
};

}  // namespace

std::optional<UnfoldedChain> find_unfolded_chain(const graph::Graph& graph, Value first,
                                                 const std::vector<std::vector<Value>>& users) {
  return ChainFinder(graph, users).find(first);
}

}  // namespace sscvae::engine
