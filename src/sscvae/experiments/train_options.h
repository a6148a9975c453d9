#pragma once

#include "sscvae/core/options.h"
#include "sscvae/experiments/adversarial_options.h"
#include "sscvae/experiments/loss_options.h"

namespace sscvae::experiments {

enum class OptimizerKind { kAdam, kMuon };
enum class Schedule { kConstant, kCosine };
enum class Precision { kAuto, kFp32, kBf16 };
enum class ValidationMode { kEval, kTrain };
enum class BestBy { kPsnr, kLoss };
enum class NoiseLevels { kEstimated, kTold };

/// How a model is trained. Defaults are the `sound` profile's.
struct TrainOptions {
  int64_t steps = 0;  ///< 0: `epochs` decides
  int64_t epochs = 200;
  int64_t batch_size = 16;
  int64_t accumulate = 1;  ///< batches per optimizer step
  OptimizerKind optimizer = OptimizerKind::kAdam;
  double learning_rate = 3e-4;
  Schedule schedule = Schedule::kCosine;
  double warmup = 0.05;               ///< share of all steps
  double final_learning_rate = 0.01;  ///< of a cosine schedule, as a share of learning_rate
  double beta1 = 0.9;
  double beta2 = 0.99;
  double epsilon = 1e-8;
  double muon_ratio = 10;            ///< learning rate of Muon's orthogonal steps over learning_rate
  double muon_dictionary_ratio = 0;  ///< the same for dictionaries of filters; 0: those go by Adam
  double muon_momentum = 0.95;
  double muon_weight_decay = 0.2;  ///< decoupled, of what takes orthogonal steps
  double weight_decay = 0.0;       ///< decoupled (AdamW)
  double gradient_clip = 0.5;      ///< norm; 0: none
  double ema_decay = 0.0;          ///< 0: none
  bool recompute = false;
  double memory_gib = 0;        ///< 0: no budget
  double threshold_jitter = 1;  ///< thresholds are scaled by a factor between 1 / this and this in each pass
  NoiseLevels noise_levels = NoiseLevels::kEstimated;
  bool cuda_graph = false;  ///< captured_passes.h
  Precision precision = Precision::kAuto;
  int64_t seed = 1;
  std::string initial_weights;    ///< a file or the name of shipped weights; "": fresh ones
  int64_t log_every = 10;         ///< steps
  int64_t validate_every = 0;     ///< steps; 0: whole epochs, 100 to 500 steps apart
  int64_t checkpoint_every = 0;   ///< steps; 0: with each validation
  double checkpoint_minutes = 5;  ///< also after so many minutes; 0: never
  double max_minutes = 0;         ///< stop cleanly after so many minutes of one call; 0: never
  int64_t preview_images = 4;
  int64_t validation_images = 32;  ///< -1: all of the part
  BestBy best_by = BestBy::kPsnr;
  ValidationMode validation_mode = ValidationMode::kEval;
  double divergence_factor =
      0;  ///< stop when the loss exceeds so many times its mean of some 50 steps; 0: only NaN and Inf
  LossOptions loss;
  AdversarialOptions adversarial;
  void describe(FieldList& fields);
};

}  // namespace sscvae::experiments

template <>
inline const std::vector<std::string>& sscvae::choice_names<sscvae::experiments::OptimizerKind>() {
  static const std::vector<std::string> names{"adam", "muon"};
  return names;
}
template <>
inline const std::vector<std::string>& sscvae::choice_names<sscvae::experiments::Schedule>() {
  static const std::vector<std::string> names{"constant", "cosine"};
  return names;
}
template <>
inline const std::vector<std::string>& sscvae::choice_names<sscvae::experiments::Precision>() {
  static const std::vector<std::string> names{"auto", "fp32", "bf16"};
  return names;
}
template <>
inline const std::vector<std::string>& sscvae::choice_names<sscvae::experiments::ValidationMode>() {
  static const std::vector<std::string> names{"eval", "train"};
  return names;
}
template <>
inline const std::vector<std::string>& sscvae::choice_names<sscvae::experiments::NoiseLevels>() {
  static const std::vector<std::string> names{"estimated", "told"};
  return names;
}
template <>
inline const std::vector<std::string>& sscvae::choice_names<sscvae::experiments::BestBy>() {
  static const std::vector<std::string> names{"psnr", "loss"};
  return names;
}
