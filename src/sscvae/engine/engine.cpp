#include "sscvae/engine/engine.h"

#include <c10/core/InferenceMode.h>

#include <chrono>

#include "sscvae/core/error.h"
#include "sscvae/core/shape.h"
#include "sscvae/core/text.h"
#include "sscvae/engine/plan.h"
#include "sscvae/graph/passes.h"
#include "sscvae/kernels/bfloat16_unit.h"
#include "sscvae/models/frozen.h"

namespace sscvae::engine {

struct Engine::State {
  graph::Graph graph;
  Plan plan;
  Arena arena;
  std::optional<double> noise_level;  // in the image's units
};

Engine::Engine(const models::Autoencoder& model, Precision precision) : state_(std::make_unique<State>()) {
  if (precision == Precision::kBf16 && !kernels::has_bfloat16_kernels())
    throw UsageError("the bfloat16 engine needs a processor with AVX512_BF16");
  state_->graph = graph::fold_channel_affine(models::frozen(model));
  state_->plan = make_plan(state_->graph, precision);
}

Engine::~Engine() = default;

void Engine::set_noise_level(std::optional<double> sigma_8bit) {
  state_->noise_level = sigma_8bit ? std::optional<double>(*sigma_8bit / 255) : std::nullopt;
}

int64_t Engine::size_multiple() const { return state_->graph.size_multiple; }
int64_t Engine::arena_bytes() const { return state_->arena.bytes(); }

models::ForwardResult Engine::run(const at::Tensor& images) {
  std::vector<StepTime> times;
  return run(images, times);
}

models::ForwardResult Engine::run(const at::Tensor& images, std::vector<StepTime>& times) {
  const graph::Graph& graph = state_->graph;
  check_shape(images, "images", "N,C,H,W", {-1, graph.in_channels, -1, -1});
  if (images.size(2) % graph.size_multiple != 0 || images.size(3) % graph.size_multiple != 0)
    throw ShapeError(format("images: height and width must be multiples of %lld, got %lldx%lld",
                            static_cast<long long>(graph.size_multiple), static_cast<long long>(images.size(2)),
                            static_cast<long long>(images.size(3))));
  const c10::InferenceMode no_gradients;
  Pass pass{std::vector<at::Tensor>(graph.nodes.size()), {}, state_->arena, state_->noise_level};
  pass.values[0] = images.to(at::kFloat).contiguous(at::MemoryFormat::ChannelsLast);
  for (size_t i = 0; i < state_->plan.steps.size(); ++i) {
    const Step& step = *state_->plan.steps[i];
    const auto begin = std::chrono::steady_clock::now();
    step.run(pass);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    times.push_back({step.name, step.operation, seconds, step.macs(pass.values[static_cast<size_t>(step.output)])});
    for (const graph::Value value : state_->plan.release[i]) pass.values[static_cast<size_t>(value)].reset();
  }
  const auto value = [&](graph::Value v) {
    return v < 0 ? at::Tensor() : pass.values[static_cast<size_t>(v)].to(at::kFloat);
  };
  models::ForwardResult result;
  result.features = value(graph.features);
  result.threshold = value(graph.threshold);
  result.code = value(graph.code);
  result.coded_features = value(graph.coded_features);
  result.logits = value(graph.logits);
  result.reconstruction = value(graph.reconstruction);
  result.indices = pass.indices;
  if (graph.log_variance >= 0) {
    result.mean = result.code;
    result.log_variance = value(graph.log_variance);
  }
  state_->arena.end_of_pass();
  return result;
}

}  // namespace sscvae::engine
