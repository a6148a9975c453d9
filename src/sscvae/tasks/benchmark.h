#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "sscvae/runtime/compute.h"
#include "sscvae/runtime/model_source.h"
#include "sscvae/tasks/report.h"

namespace sscvae::tasks {

struct BenchmarkOptions {
  runtime::ModelSource source;  ///< without weights a fresh model of its configuration
  runtime::ComputeOptions compute;
  std::string stage = "inference";  ///< inference | training | lista | loading
  std::string engine = "fast";      ///< fast | plain (inference, lista): as in runtime/runner.h
  int64_t repeats = 5, warmup = 1;
  bool layers = false;                                            ///< time by layer and operation, too
  std::string input, out;                                         ///< safetensors: what to run on; what came out
  std::string data;                                               ///< folder of images (loading)
  std::optional<std::string> size;                                ///< HxW of images; in loading: of patches
  std::optional<int64_t> batch;                                   ///< images
  std::optional<int64_t> positions, atom_dim, atoms, iterations;  ///< P, d, K, T of lista
  bool overwrite = false;
};

struct Stage;
using StageMaker = std::function<Stage(const BenchmarkOptions&, const runtime::Compute&)>;

/// The speed of this program on this machine: wall times of a stage's passes (median, minimum, mean; all of them in the
/// JSON), items for each second, share of the arithmetic limit (arithmetic_limit.h), peak memory of tensors in one pass
/// and of the process, processor and threads. Operations are counted under the exact rule (graph/cost.h), FLOPs being
/// twice the multiply-adds of convolutions and matrix products: in inference of the model as written, so that what the
/// engine saves counts as speed. `more` makes the stages other than inference and loading (benchmark_stages.h).
/// Errors: UsageError, also for options that the stage does not use; what making the stage throws; Interrupted.
Report benchmark(const BenchmarkOptions& options, const std::map<std::string, StageMaker>& more);

}  // namespace sscvae::tasks
