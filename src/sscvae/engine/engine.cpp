#include "sscvae/engine/engine.h"

#include <chrono>

#include "sscvae/array/array.h"
#include "sscvae/array/shape.h"
#include "sscvae/core/error.h"
#include "sscvae/core/text.h"
#include "sscvae/engine/plan.h"
#include "sscvae/graph/passes.h"
#include "sscvae/kernels/bfloat16_unit.h"

namespace sscvae::engine {

struct Engine::State {
  graph::Graph graph;
  Plan plan;
  Arena arena;
};

Engine::Engine(const graph::Graph& bound, Precision precision) : state_(std::make_unique<State>()) {
  if (precision == Precision::kBf16 && !kernels::has_bfloat16_kernels())
    throw UsageError("the bfloat16 engine needs a processor with AVX512_BF16");
  state_->graph = graph::fold_channel_affine(bound);
  state_->plan = make_plan(state_->graph, precision);
}

Engine::~Engine() = default;

int64_t Engine::size_multiple() const { return state_->graph.size_multiple; }
int64_t Engine::arena_bytes() const { return state_->arena.bytes(); }

graph::PassValues Engine::run(const Array& images, const RunSettings& settings) {
  const graph::Graph& graph = state_->graph;
  check_shape(images, "images", "N,C,H,W", {-1, graph.in_channels, -1, -1});
  if (images.size(2) % graph.size_multiple != 0 || images.size(3) % graph.size_multiple != 0)
    throw ShapeError(format("images: height and width must be multiples of %lld, got %lldx%lld",
                            static_cast<long long>(graph.size_multiple), static_cast<long long>(images.size(2)),
                            static_cast<long long>(images.size(3))));
  Pass pass{std::vector<Array>(graph.nodes.size()), {}, state_->arena, {}};
  if (settings.sigma_8bit) pass.noise_level = *settings.sigma_8bit / 255;
  pass.values[0] = images.to(kFloat32).contiguous(Layout::kChannelsLast);
  for (size_t i = 0; i < state_->plan.steps.size(); ++i) {
    const Step& step = *state_->plan.steps[i];
    const auto begin = std::chrono::steady_clock::now();
    step.run(pass);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    if (settings.times) {
      const Array& made = pass.values[static_cast<size_t>(step.output)];
      settings.times->push_back({step.name, step.operation, seconds, step.macs(made)});
    }
    for (const graph::Value value : state_->plan.release[i]) pass.values[static_cast<size_t>(value)] = {};
  }
  const auto value = [&](graph::Value v) { return v < 0 ? Array() : pass.values[static_cast<size_t>(v)].to(kFloat32); };
  graph::PassValues result;
  result.features = value(graph.features);
  result.threshold = value(graph.threshold);
  result.code = value(graph.code);
  result.coded_features = value(graph.coded_features);
  result.logits = value(graph.logits);
  result.reconstruction = value(graph.reconstruction);
  result.indices = pass.indices;
  for (const graph::Value output : graph.outputs) result.outputs.push_back(value(output));
  if (graph.log_variance >= 0) {
    result.mean = result.code;
    result.log_variance = value(graph.log_variance);
  }
  state_->arena.end_of_pass();
  return result;
}

}  // namespace sscvae::engine
