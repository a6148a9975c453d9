#pragma once

#include <chrono>
#include <memory>
#include <optional>

#include "sscvae/core/error.h"
#include "sscvae/train/adversary.h"
#include "sscvae/train/captured_passes.h"
#include "sscvae/train/checkpoint.h"
#include "sscvae/train/csv_log.h"
#include "sscvae/train/device_state.h"
#include "sscvae/train/run_folder.h"
#include "sscvae/train/tensorboard.h"
#include "sscvae/train/trainer.h"
#include "sscvae/train/training_data.h"
#include "sscvae/train/training_step.h"
#include "sscvae/train/validation.h"

namespace sscvae {
class Progress;
}

namespace sscvae::train {

/// One call of train(): training_run.cpp what goes before and after, training_run_steps.cpp the steps. Order of things
/// at the end of a step, which exact resuming rests on: row of log.csv, validation where due, checkpoint where due. A
/// checkpoint thus holds everything that happened up to its step.
class TrainingRun {
 public:
  /// Everything that can fail before the first step.
  explicit TrainingRun(const TrainRequest& request);
  TrainSummary run();

 private:
  void check_folder() const;
  void build_model();
  void plan_steps();
  /// False where fresh weights are wanted.
  bool load_initial_weights();
  /// Replaces an earlier run at last, when the first step can be taken.
  void prepare_fresh();
  /// Errors: UsageError where a batch alone is too large for this machine.
  void check_batch_size() const;
  /// One image forwards and backwards through a copy of the model: throws what the first step would throw.
  void try_a_pass(const Batch& batch);
  void prepare_resumed();
  /// As train.recompute says, or train.memory_gib needs.
  void choose_recomputation();
  /// As train.cuda_graph says.
  void choose_capture();
  void open_logs();
  std::map<std::string, std::string> metadata() const;
  ValidationSettings validation_settings() const;
  TrainedParts parts() { return {*model_, average_.get(), *optimizer_, adversary_.get()}; }
  static const std::vector<std::string>& log_columns();
  void log_step(const StepFigures& figures, double learning_rate, double used_weight);
  models::Autoencoder& evaluated() { return average_ ? *average_ : *model_; }

  void loop(Progress& progress);
  /// On the CPU, reading the figures of each step.
  void step(const std::vector<Batch>& batches, Progress& progress);
  StepFigures checked_step(const std::vector<Batch>& batches, double learning_rate);
  /// On a device, reading figures where they are logged.
  void step_on_device(const std::vector<Batch>& batches, Progress& progress);
  /// Brings state_ up to date, and finds steps that went wrong. Returns the sparsity weight of the last step. Nothing,
  /// and NaN, on the CPU.
  double read_device_state();
  /// A finished step: its number, the average of the weights.
  void count_step();
  void check_discriminator() const;
  std::string with_last_checkpoint(const DivergenceError& error) const;
  bool log_due() const;
  void validate_now();
  void draw_previews();
  void save();
  void finish();
  bool validation_due() const;
  bool checkpoint_due() const;
  bool out_of_time() const;
  double seconds_so_far() const;
  std::vector<std::pair<std::string, std::string>> facts() const;

  const TrainRequest& request_;
  ExperimentOptions options_;
  RunFolder folder_;
  std::optional<RunLock> lock_;
  c10::Device device_;
  bool bf16_;
  TrainingData data_;
  std::shared_ptr<models::Autoencoder> model_, average_;
  std::unique_ptr<Optimizer> optimizer_;
  std::unique_ptr<Adversary> adversary_;  ///< or nullptr
  StepSettings step_settings_;
  std::unique_ptr<CapturedPasses> captured_;  ///< or nullptr
  int64_t total_steps_ = 0, steps_per_epoch_ = 0, validate_every_ = 0, checkpoint_every_ = 0;
  TrainingState state_;
  std::optional<DeviceState> device_state_;  ///< where steps are queued; state_ then lags behind
  std::string status_;                       ///< behind the progress bar
  int64_t saved_step_ = -1;
  std::map<std::string, double> last_validation_;
  std::optional<CsvLog> log_, validation_log_;
  std::optional<TensorBoardWriter> board_;
  double seconds_before_ = 0;
  std::chrono::steady_clock::time_point started_, saved_;
};

}  // namespace sscvae::train
