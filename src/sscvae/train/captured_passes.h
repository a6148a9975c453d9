#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sscvae/train/recorded_work.h"
#include "sscvae/train/training_step.h"

namespace sscvae::train {

/// Forward pass, losses and backward pass of a step as one launch (train.cuda_graph): small batches keep a GPU waiting
/// for the host, which queues some hundred operations for each.
///
/// The first steps run operation by operation, then one is recorded with a batch, a sparsity weight and noise levels in
/// memory of its own, which later steps copy theirs to. Nothing of this is taken on trust: each of the next `kChecks`
/// steps runs both ways, and where losses or gradients disagree, or recording fails (a model that reads from the device
/// or takes random numbers from the host), a note says so and all steps run operation by operation. So do batches of
/// another shape.
class CapturedPasses {
 public:
  using Recorder = std::function<std::unique_ptr<RecordedWork>(const std::function<void()>& work)>;
  static constexpr int kWarmUp = 3, kChecks = 2;
  static constexpr double kAgreement = 0.02;  ///< of loss, and of all gradients by norm

  /// Keeps references. `recorder`: record_work on the device that trains; tests bring their own.
  CapturedPasses(models::Autoencoder& model, Optimizer& optimizer, Recorder recorder);
  ~CapturedPasses();

  /// Gradients and scalars of a batch, by the recorded work or else `one_by_one`. `told`: noise levels (8-bit grey
  /// levels) that the model is told for this batch, or empty.
  StepScalars run(const Batch& batch, const std::vector<double>& told, const StepSettings& settings,
                  const at::Tensor& sparsity_weight, const std::function<StepScalars()>& one_by_one);

  /// Is there recorded work that is in use?
  bool is_active() const { return work_ && obstacle_.empty(); }
  /// Why it was given up, or "".
  const std::string& obstacle() const { return obstacle_; }

 private:
  void record(const Batch& batch, const std::vector<double>& told, const StepSettings& settings,
              const at::Tensor& sparsity_weight);
  void feed(const Batch& batch, const std::vector<double>& told, const at::Tensor& sparsity_weight);
  StepScalars replay();
  StepScalars check(const std::function<StepScalars()>& one_by_one);
  void give_up(const std::string& why);

  models::Autoencoder& model_;
  Optimizer& optimizer_;
  Recorder recorder_;
  int warm_ = 0, checked_ = 0;
  std::string obstacle_;
  std::unique_ptr<RecordedWork> work_;
  Batch batch_;  ///< the memory that it reads
  at::Tensor sparsity_weight_, levels_;
  StepScalars scalars_;                ///< and writes
  std::vector<at::Tensor> gradients_;  ///< of optimizer_.parameters(), undefined where there is none
};

/// Why steps with these settings are not recorded at all, or "": they draw or learn on the host in each pass.
std::string obstacle_to_capture(const models::Autoencoder& model, const StepSettings& settings, int64_t accumulate);

}  // namespace sscvae::train
