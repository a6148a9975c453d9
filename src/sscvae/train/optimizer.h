#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <utility>
#include <vector>

#include "sscvae/models/weights.h"
#include "sscvae/serialization/state_dict.h"

namespace torch::nn {
class Module;
}

namespace sscvae::train {

using NamedParameter = std::pair<std::string, at::Tensor>;

/// The parameters of a module under their state-dict names, in state-dict order. Buffers are left out.
std::vector<NamedParameter> named_parameters(torch::nn::Module& module);

/// Do they lie on the CPU? All of them lie on one device.
bool on_cpu(const std::vector<NamedParameter>& parameters);

/// The Euclidean norm of all gradients together (the norm of the tensors' norms, as PyTorch takes it).
double gradient_norm(const std::vector<NamedParameter>& parameters);
/// Scales all gradients by min(1, max_norm / (norm + 1e-6)); `norm` as above.
void clip_gradients(const std::vector<NamedParameter>& parameters, double norm, double max_norm);

/// What turns gradients into steps of the parameters.
class Optimizer {
 public:
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  virtual void step(double learning_rate) = 0;
  void clear_gradients();
  int64_t steps() const { return steps_; }
  const std::vector<NamedParameter>& parameters() const { return parameters_; }

  /// The running averages, sharing memory with the optimizer.
  serialization::StateDict state() const;
  /// What the updates remember, under state-dict names.
  virtual models::NamedTensors moments() const = 0;
  /// Copies the averages in and continues after `steps` steps. Errors: FormatError naming `source` and the first tensor
  /// that is missing or misshapen.
  virtual void load_state(const serialization::StateDict& state, int64_t steps, const std::string& source);

 protected:
  explicit Optimizer(std::vector<NamedParameter> parameters) : parameters_(std::move(parameters)) {}
  std::vector<NamedParameter> parameters_;
  int64_t steps_ = 0;
};

struct AdamTensors;  // fused_update.h

struct AdamOptions {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;  ///< decoupled
};

/// Adam with decoupled weight decay. For step t = 1, 2, ... and gradient g of a parameter p:
///   p <- p (1 - lr weight_decay)
///   m <- m + (1 - beta1) (g - m);   v <- beta2 v + (1 - beta2) g^2
///   p <- p - lr / (1 - beta1^t) * m / (sqrt(v) / sqrt(1 - beta2^t) + epsilon)
/// Parameters without a gradient are left alone, their moments too.
/// On the CPU one pass over memory (kernels/adam_update.h), elsewhere LibTorch's fused operation (fused_update.h).
/// Source: Kingma & Ba 2015; Loshchilov & Hutter 2019; evaluation order of PyTorch.
class Adam : public Optimizer {
 public:
  Adam(std::vector<NamedParameter> parameters, AdamOptions options);

  void step(double learning_rate) override;
  /// "exp_avg.<parameter>" (m) and "exp_avg_sq.<parameter>" (v).
  models::NamedTensors moments() const override;
  /// Parameters that have a gradient, with their gradients and moments.
  AdamTensors with_gradients() const;

 private:
  std::vector<at::Tensor> first_moments_, second_moments_;
  AdamOptions options_;
};

}  // namespace sscvae::train
