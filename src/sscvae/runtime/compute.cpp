#include "sscvae/runtime/compute.h"

#include <algorithm>
#include <vector>

#include "sscvae/array/parallel.h"
#include "sscvae/core/error.h"
#include "sscvae/core/log.h"
#include "sscvae/core/text.h"
#include "sscvae/core/wording.h"
#include "sscvae/engine/engine.h"
#include "sscvae/graph/interpreter.h"
#include "sscvae/kernels/bfloat16_unit.h"

namespace sscvae::runtime {

namespace {

constexpr int64_t kMostThreads = 1024;

class EngineRunner : public Runner {
 public:
  EngineRunner(const graph::Graph& bound, bool bf16)
      : engine_(bound, bf16 ? engine::Precision::kBf16 : engine::Precision::kFp32) {}
  graph::PassValues run(const Array& images, std::optional<double> sigma_8bit) override {
    return engine_.run(images, {.sigma_8bit = sigma_8bit});
  }

 private:
  engine::Engine engine_;
};

class PlainRunner : public Runner {
 public:
  explicit PlainRunner(graph::Graph bound) : graph_(std::move(bound)) {}
  graph::PassValues run(const Array& images, std::optional<double> sigma_8bit) override {
    return graph::run_named(graph_, images, sigma_8bit);
  }

 private:
  graph::Graph graph_;
};

}  // namespace

std::string Compute::text() const {
  return device +
         (bf16   ? " bf16"
          : tf32 ? " tf32"
                 : " fp32") +
         (on_cpu() ? ", " + count_text(num_threads(), "thread") : std::string());
}

Compute checked_compute(const ComputeOptions& options) {
  if (options.threads < 0)
    throw UsageError("--threads: expected a number >= 0, got " + std::to_string(options.threads));
  const std::vector<std::string> precisions{"auto", "fp32", "bf16"};
  if (std::find(precisions.begin(), precisions.end(), options.precision) == precisions.end())
    throw UsageError("--precision: expected auto, fp32 or bf16, got '" + options.precision + "'" +
                     suggestion(options.precision, precisions));
  if (options.deterministic) set_num_threads(1);
  else if (options.threads > 0) set_num_threads(static_cast<int>(std::min(options.threads, kMostThreads)));
  Compute compute;
  compute.bf16 = options.precision == "bf16";
  compute.tf32 = options.tf32;
  compute.backend = options.backend;
  return compute;
}

Compute resolve_compute(const ComputeOptions& options) {
  if (options.backend) return options.backend->resolve(options);
  const Compute compute = checked_compute(options);
  if (options.device.starts_with("cuda"))
    throw UsageError("--device " + options.device + ": GPUs need the training half of the program");
  if (options.device != "auto" && options.device != "cpu")
    throw UsageError("--device: expected auto, cpu, cuda or cuda:<index>, got '" + options.device + "'" +
                     suggestion(options.device, {"auto", "cpu", "cuda"}));
  if (options.tf32) throw UsageError("--tf32: only GPUs multiply so, and the device is cpu");
  return compute;
}

bool has_engine(const RunnerSettings& settings, const Compute& compute) {
  const std::string& engine = settings.engine;
  if (engine != "fast" && engine != "plain")
    throw UsageError("--engine: expected fast or plain, got '" + engine + "'" + suggestion(engine, {"fast", "plain"}));
  return engine == "fast" && compute.on_cpu() && !settings.train_mode;
}

Compute engine_compute(const RunnerSettings& settings, Compute compute) {
  if (!has_engine(settings, compute) || !compute.bf16 || kernels::has_bfloat16_kernels()) return compute;
  note("this processor has no AVX512_BF16: the fast engine computes in fp32, which is faster here than bf16");
  compute.bf16 = false;
  return compute;
}

std::unique_ptr<Runner> make_runner(const Model& model, const Compute& compute, const RunnerSettings& settings) {
  if (has_engine(settings, compute))
    return std::make_unique<EngineRunner>(model.bound(settings.strength), compute.bf16);
  if (compute.on_cpu() && !settings.train_mode) {
    if (compute.bf16) throw UsageError("--engine plain computes in fp32, not in bf16");
    return std::make_unique<PlainRunner>(model.bound(settings.strength));
  }
  if (!compute.backend) throw UsageError("passes in train mode need the training half of the program");
  return compute.backend->make_runner(model, compute, settings);
}

}  // namespace sscvae::runtime
