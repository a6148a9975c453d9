#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "sscvae/runtime/compute.h"
#include "sscvae/runtime/model_source.h"
#include "sscvae/serialization/state_dict.h"
#include "sscvae/tasks/arithmetic_limit.h"
#include "sscvae/tasks/benchmark.h"

/// What `sscvae benchmark` can measure, made ready to run.
namespace sscvae::tasks {

/// One operation of one layer, all its calls together.
struct OperationTime {
  std::string layer;      ///< the parameter's key without ".weight"; "" where the operation uses none
  std::string operation;  ///< "convolution 3x3", and as LibTorch names it: "addmm", "convolution_backward"
  int64_t calls = 0;
  double seconds = 0;
  int64_t macs = 0;  ///< exact rule (graph/cost.h); 0 where it counts none
};

/// What was found out about a run by watching it.
struct Observed {
  int64_t macs = 0;
  int64_t peak_tensor_bytes = 0;
};

/// One thing to time.
struct TimedPass {
  std::string name;  ///< "forward", "step", "forward+backward", "decode", "batches"
  std::function<void()> run;
  std::string item;   ///< what it works off: "images", "positions"
  int64_t items = 0;  ///< how many of them each time
  /// Runs once, watched instead of timed.
  std::function<Observed()> watch;
  /// Runs so many times and gives the times of operations, those of all runs together; may be empty.
  std::function<std::vector<OperationTime>(int64_t)> profile = {};
};

/// A stage keeps alive what its passes need.
struct Stage {
  runtime::Compute compute;  ///< what the passes compute with
  std::string text;          ///< one line for a person: what runs on what
  Json facts;                ///< the same for a program
  std::vector<TimedPass> passes;
  std::function<Json()> results = {};  ///< what the passes found beside their time, after they ran; may be empty
  std::function<serialization::StateDict()> outputs = {};  ///< what the last run of each pass made; may be empty
  std::function<void()> finish = {};                       ///< waits until a device is done; may be empty
  std::function<ArithmeticLimit()> limit = {};             ///< of the processor, if there is something to compute
  Json library = Json::object();                           ///< what computes, beside this program
};

/// Runs `run` and watches the memory of arrays; `macs` is what it takes.
Observed watched(const std::function<void()>& run, int64_t macs);

/// float32 [N,C,H,W] in [0,1]: those of --input, or a ramp that fills the interval evenly.
Array benchmark_images(const BenchmarkOptions& options, int64_t channels);
/// Model, weights and size of the images: for a program, and with `what` is done for a person.
Json benchmark_facts(const runtime::OpenedModel& opened, const Array& images);
std::string benchmark_text(const Json& facts, const std::string& what);

/// One forward pass over a batch, never in tiles. Outputs: reconstruction.
Stage inference_stage(const BenchmarkOptions& options, const runtime::Compute& compute);
/// Opening a folder of images, each decoded once; and batches from them (data/training_batches.h) as training takes
/// them, made ahead by data.workers threads.
Stage loading_stage(const BenchmarkOptions& options, const runtime::Compute& compute);

}  // namespace sscvae::tasks
