#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "sscvae/train/adversary.h"
#include "sscvae/train/options.h"

/// Training: everything that `sscvae train` does.
namespace sscvae::train {

/// What to train and where. RUN (`out`) will hold config.toml, split.csv, log.csv, validation.csv, tensorboard/,
/// checkpoints/{last,best}.safetensors, previews/ and report.html.
struct TrainRequest {
  Experiment experiment;
  std::filesystem::path out;
  bool resume = false;         ///< go on from out/checkpoints/last.safetensors (or from the start if there is none yet)
  bool overwrite = false;      ///< replace an earlier run in `out`
  std::string device = "cpu";  ///< "cpu", "cuda", "cuda:1"
  /// Step on the CPU as on a device, where figures are read only when they are logged: for tests.
  bool queue_steps = false;
  /// Asked after every finished step; false stops cleanly with a checkpoint. What it throws passes through and leaves
  /// the run as a kill would. Empty: never stops.
  std::function<bool(int64_t step)> keep_going;
  /// For train.adversarial.perceptual_weight > 0; a function of its arguments alone, on the device above. Empty: LPIPS
  /// (AlexNet) from the weights that came with the program; IoError where they are missing.
  PerceptualDistance perceptual;
};

struct TrainSummary {
  int64_t steps = 0;        ///< finished optimizer steps, earlier calls included
  int64_t total_steps = 0;  ///< planned
  bool finished = false;    ///< false: stopped by train.max_minutes or keep_going
  double seconds = 0;       ///< of training, earlier calls included
  double loss = 0;          ///< of the last step
  double best_psnr_db = 0;  ///< on the validation images; NaN without any
  int64_t best_step = 0;
  std::map<std::string, double> validation;  ///< the last validation: psnr_db, ssim, nnz, hoyer, fit, loss, ...
  std::filesystem::path last, best, report;  ///< files
};

/// Trains. A run that was killed at any moment and is resumed gives bit for bit the weights and losses of the
/// uninterrupted run on the same machine with the same number of threads (at::set_num_threads); what differs is refused
/// or noted (train/circumstances.h). Errors, before any step: UsageError (options, an existing RUN without resume or
/// overwrite, no images), IoError (missing data, unwritable folder), FormatError (damaged checkpoint). Later:
/// DivergenceError naming step, loss and the first tensor that is not finite; IoError (disk full). The last complete
/// checkpoint survives all of them. On a device the numbers of a step are read only where it is logged, before
/// validations and before checkpoints: divergence is found then, with the step that it began at, and never saved.
TrainSummary train(const TrainRequest& request);

/// The request that continues a run: the configuration of run/config.toml with `assignments` ("key=value") on top.
/// Changing what the results depend on is allowed and noted; a changed model does not fit the checkpoint and is
/// refused. Errors: IoError if `run` holds no run.
TrainRequest resume_request(const std::filesystem::path& run, const std::vector<std::string>& assignments = {});

}  // namespace sscvae::train
