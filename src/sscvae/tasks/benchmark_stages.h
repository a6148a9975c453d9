#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "sscvae/serialization/state_dict.h"
#include "sscvae/tasks/benchmark.h"
#include "sscvae/tasks/mac_counter.h"
#include "sscvae/tasks/operation_profile.h"
#include "sscvae/tasks/plain_iterations.h"

/// What `sscvae benchmark` can measure, made ready to run.
namespace sscvae::tasks {

/// One thing to time: `run` does it once.
struct TimedPass {
  std::string name;  ///< "forward", "step", "forward+backward", "decode", "batches"
  std::function<void()> run;
  std::string item;   ///< what it works off: "images", "positions"
  int64_t items = 0;  ///< how many of them each time
  /// Times by step, of a pass whose operations LibTorch does not see; empty otherwise. Their MACs are the pass's.
  std::function<std::vector<OperationTime>()> steps = {};
  int64_t macs = 0;  ///< where LibTorch does not see them; 0: counted as they run
};

/// A stage keeps alive what its passes need.
struct Stage {
  Compute compute;   ///< what the passes compute with
  std::string text;  ///< one line for a person: what runs on what
  Json facts;        ///< the same for a program
  std::vector<TimedPass> passes;
  ParameterNames names;                    ///< of the parameters in use, for times by layer
  std::shared_ptr<PlainIterations> plain;  ///< while the sparse coder is to iterate by plain operations
  std::function<Json()> results;           ///< what the passes found beside their time, after they ran; may be empty
  std::function<serialization::StateDict()> outputs;  ///< what the last run of each pass made; may be empty
};

/// One forward pass over a batch, never in tiles; images and reconstruction lie on the device. Outputs: reconstruction.
Stage inference_stage(const BenchmarkOptions& options, const Compute& compute);
/// One optimizer step (train/training_step.h) on one batch, in the model's configuration, whose precision is used
/// unless the options name one. Results: loss of the first step. Errors: UsageError for models that are trained against
/// a discriminator or with a perceptual distance.
Stage training_stage(const BenchmarkOptions& options, const Compute& compute);
/// The sparse coder's iterations alone (nn/lista.h, projected start), with a threshold for each position and atom;
/// forward, and forward with the gradients of <code, cotangent> towards all four inputs. Results: non-zeros. Outputs:
/// code, gradient.features, gradient.dictionary, gradient.lipschitz, gradient.threshold.
Stage lista_stage(const BenchmarkOptions& options, const Compute& compute);
/// Opening a folder of images, each decoded once; and batches from them (data/training_batches.h) as training takes
/// them, made ahead by data.workers threads.
Stage loading_stage(const BenchmarkOptions& options, const Compute& compute);

}  // namespace sscvae::tasks
