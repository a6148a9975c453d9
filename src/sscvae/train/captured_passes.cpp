#include "sscvae/train/captured_passes.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <cmath>

#include "sscvae/core/error.h"
#include "sscvae/core/log.h"
#include "sscvae/core/text.h"
#include "sscvae/models/threshold_scale.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/nn/to_device.h"

namespace sscvae::train {

namespace {

/// [N,1,1,1] in units of [0,1], as models take them.
at::Tensor levels_of(const std::vector<double>& sigma_8bit) {
  at::Tensor levels = at::empty({static_cast<int64_t>(sigma_8bit.size()), 1, 1, 1}, at::kFloat);
  for (size_t i = 0; i < sigma_8bit.size(); ++i)
    levels.mutable_data_ptr<float>()[i] = static_cast<float>(sigma_8bit[i] / 255);
  return levels;
}

at::Tensor own_memory(const at::Tensor& images, c10::Device device) {
  return nn::to_device(images, device).clone(at::MemoryFormat::ChannelsLast);
}

std::vector<at::Tensor> gradients_in_order(const Optimizer& optimizer) {
  std::vector<at::Tensor> gradients;
  for (const auto& [name, parameter] : optimizer.parameters()) gradients.push_back(parameter.grad());
  return gradients;
}

void put_gradients(const Optimizer& optimizer, const std::vector<at::Tensor>& gradients) {
  for (size_t i = 0; i < gradients.size(); ++i)
    at::Tensor(optimizer.parameters()[i].second).mutable_grad() = gradients[i];
}

/// The model reads its noise levels from that tensor, if there is one, while this lives.
class ToldByTensor {
 public:
  ToldByTensor(models::Autoencoder& model, const at::Tensor& levels) : model_(model) {
    models::set_noise_level_tensor(model_, levels);
  }
  ~ToldByTensor() { models::set_noise_level_tensor(model_, {}); }
  ToldByTensor(const ToldByTensor&) = delete;
  ToldByTensor& operator=(const ToldByTensor&) = delete;

 private:
  models::Autoencoder& model_;
};

std::vector<at::Tensor> copies_of(const std::vector<at::Tensor>& tensors) {
  std::vector<at::Tensor> copies;
  for (const at::Tensor& tensor : tensors) copies.push_back(tensor.clone());
  return copies;
}

void put_back(const std::vector<at::Tensor>& tensors, const std::vector<at::Tensor>& values) {
  const at::NoGradGuard no_grad;
  for (size_t i = 0; i < tensors.size(); ++i) at::Tensor(tensors[i]).copy_(values[i]);
}

/// |a - b| / |b| over all tensors together.
double distance(const std::vector<at::Tensor>& a, const std::vector<at::Tensor>& b) {
  double difference = 0, size = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i].defined() != b[i].defined()) return INFINITY;
    if (!a[i].defined()) continue;
    difference += (a[i] - b[i]).square().sum().item<double>();
    size += b[i].square().sum().item<double>();
  }
  return std::sqrt(difference / size);
}

}  // namespace

std::string obstacle_to_capture(const models::Autoencoder& model, const StepSettings& settings, int64_t accumulate) {
  if (accumulate != 1) return "train.accumulate is not 1";
  if (settings.adversary) return "a discriminator or a perceptual distance takes part";
  if (settings.threshold_jitter > 1) return "train.threshold_jitter changes each pass";
  if (model.num_codes() > 0) return "the model keeps account of its codes";
  return "";
}

CapturedPasses::CapturedPasses(models::Autoencoder& model, Optimizer& optimizer, Recorder recorder)
    : model_(model), optimizer_(optimizer), recorder_(std::move(recorder)) {}

CapturedPasses::~CapturedPasses() = default;

StepScalars CapturedPasses::run(const Batch& batch, const std::vector<double>& told, const StepSettings& settings,
                                const at::Tensor& sparsity_weight, const std::function<StepScalars()>& one_by_one) {
  if (!obstacle_.empty()) return one_by_one();
  if (warm_ < kWarmUp) {
    ++warm_;
    return one_by_one();
  }
  if (!work_) {
    try {
      record(batch, told, settings, sparsity_weight);
    } catch (const std::exception& error) {
      give_up(describe_failure(error).line);
      return one_by_one();
    }
  }
  const bool fits = batch.target.sizes() == batch_.target.sizes() && told.empty() == !levels_.defined();
  if (!fits) return one_by_one();
  feed(batch, told, sparsity_weight);
  return checked_ < kChecks ? check(one_by_one) : replay();
}

void CapturedPasses::record(const Batch& batch, const std::vector<double>& told, const StepSettings& settings,
                            const at::Tensor& sparsity_weight) {
  batch_.target = own_memory(batch.target, settings.device);
  batch_.input = batch.input.is_same(batch.target) ? batch_.target : own_memory(batch.input, settings.device);
  sparsity_weight_ = sparsity_weight.clone();
  levels_ = told.empty() ? at::Tensor() : levels_of(told).to(settings.device);
  optimizer_.clear_gradients();
  work_ = recorder_([this, settings] {
    const nn::NoCopiesToDevice depends_on_the_device_alone;
    const ToldByTensor levels(model_, levels_);
    scalars_ = queue_pass(model_, batch_, settings, sparsity_weight_);
  });
  gradients_ = gradients_in_order(optimizer_);
}

void CapturedPasses::feed(const Batch& batch, const std::vector<double>& told, const at::Tensor& sparsity_weight) {
  const at::NoGradGuard no_grad;
  const c10::Device device = batch_.target.device();
  batch_.target.copy_(nn::to_device(batch.target, device));
  if (!batch_.input.is_same(batch_.target)) batch_.input.copy_(nn::to_device(batch.input, device));
  sparsity_weight_.copy_(sparsity_weight);
  if (levels_.defined()) levels_.copy_(nn::to_device(levels_of(told), device));
}

StepScalars CapturedPasses::replay() {
  work_->run();
  put_gradients(optimizer_, gradients_);
  StepScalars scalars = scalars_;
  for (at::Tensor* scalar : {&scalars.loss, &scalars.reconstruction, &scalars.latent, &scalars.sparsity, &scalars.nnz})
    if (scalar->defined()) *scalar = scalar->clone();  // the next step writes to the same memory
  return scalars;
}

StepScalars CapturedPasses::check(const std::function<StepScalars()>& one_by_one) {
  const std::vector<at::Tensor> buffers = model_.buffers(), before = copies_of(buffers);
  const StepScalars expected = one_by_one();
  const std::vector<at::Tensor> gradients = gradients_in_order(optimizer_), after = copies_of(buffers);
  put_back(buffers, before);
  const StepScalars actual = replay();
  const double loss_error = std::abs(actual.loss.item<double>() / expected.loss.item<double>() - 1);
  const double gradient_error = distance(gradients_, gradients);
  if (loss_error <= kAgreement && gradient_error <= kAgreement) {
    ++checked_;
    return actual;
  }
  give_up(format("its loss is off by %.2g, its gradients by %.2g", loss_error, gradient_error));
  put_back(buffers, after);
  put_gradients(optimizer_, gradients);
  return expected;
}

void CapturedPasses::give_up(const std::string& why) {
  obstacle_ = why;
  work_.reset();
  note("train.cuda_graph: steps run operation by operation: " + why);
}

}  // namespace sscvae::train
