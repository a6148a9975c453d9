#include "sscvae/workshop/benchmark_training.h"

#include <ATen/ops/full.h>
#include <ATen/ops/mm.h>
#include <c10/core/InferenceMode.h>
#include <torch/types.h>

#include <nlohmann/json.hpp>

#include "sscvae/core/error.h"
#include "sscvae/models/threshold_scale.h"
#include "sscvae/models/weights.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/nn/tensor_memory.h"
#include "sscvae/train/precision.h"
#include "sscvae/train/training_step.h"
#include "sscvae/workshop/libtorch.h"
#include "sscvae/workshop/operation_profile.h"

namespace sscvae::workshop {

namespace {

constexpr int64_t kMatrixSide = 2048, kMatrixSideOnGpu = 8192;

tasks::ArithmeticLimit limit_of_products(c10::Device device, bool bf16) {
  const c10::InferenceMode no_gradients;
  const auto options = at::TensorOptions(bf16 ? at::kBFloat16 : at::kFloat).device(device);
  const int64_t side = device.is_cuda() ? kMatrixSideOnGpu : kMatrixSide;
  const at::Tensor left = at::full({side, side}, 0.5, options), right = at::full({side, side}, 0.25, options);
  const auto product = [&] {
    at::mm(left, right);
    finish_work(device);
  };
  return tasks::arithmetic_limit_of(product, side, bf16 ? "bfloat16" : "float32");
}

/// What one optimizer step needs, and what it left.
struct Training {
  runtime::OpenedModel opened;
  std::shared_ptr<models::Autoencoder> model;
  std::unique_ptr<train::Adam> adam;
  std::vector<train::Batch> batches;
  train::StepSettings settings;
  int64_t steps = 0;
  at::Tensor sparsity_weight;  ///< on the device
  double first_loss = 0;
};

/// The step that training takes: on a device one that does not wait for it, but for the first, whose loss is read.
void step(Training& training) {
  const experiments::TrainOptions& train = training.opened.experiment.options.train;
  const auto run = [&](auto&& one_step, const auto& sparsity_weight) {
    return one_step(*training.model, *training.adam, training.batches, training.settings, sparsity_weight,
                    train.learning_rate, training.steps + 1);
  };
  const bool first = training.steps == 0;
  if (training.settings.device.is_cpu()) {
    const double loss = run(train::training_step, train.loss.sparsity_weight).loss;
    if (first) training.first_loss = loss;
  } else {
    const at::Tensor loss = run(train::queue_training_step, training.sparsity_weight).loss;
    if (first) training.first_loss = loss.item<double>();
  }
  ++training.steps;
}

std::shared_ptr<Training> make_training(const tasks::BenchmarkOptions& options, const runtime::Compute& compute) {
  auto training = std::make_shared<Training>();
  training->opened = runtime::open_architecture(options.source);
  const experiments::TrainOptions& train = training->opened.experiment.options.train;
  training->model = models::trainable(*training->opened.model);
  models::Autoencoder& model = *training->model;
  models::set_recompute(model, train.recompute);
  if (train::Adversary::is_wanted(train.adversarial))
    throw UsageError("--stage training: steps with a discriminator or a perceptual distance are not measured");
  const c10::Device device = device_of(compute);
  const at::Tensor images = as_tensor(tasks::benchmark_images(options, model.options().in_channels)).to(device);
  model.to(device);
  train::use_channels_last(model);
  model.train();
  model.initialize_from(images);
  training->adam = std::make_unique<train::Adam>(
      train::named_parameters(model), train::AdamOptions{train.beta1, train.beta2, train.epsilon, train.weight_decay});
  training->batches = {{images, images, {}}};
  training->settings.loss = train.loss;
  training->settings.gradient_clip = train.gradient_clip;
  training->settings.device = device;
  training->sparsity_weight = at::full({}, train.loss.sparsity_weight, at::TensorOptions(device).dtype(at::kDouble));
  const auto asked = compute.bf16 ? experiments::Precision::kBf16 : experiments::Precision::kFp32;
  training->settings.bf16 = train::uses_bf16(options.compute.precision == "auto" ? train.precision : asked, device);
  return training;
}

}  // namespace

tasks::TimedPass libtorch_pass(const std::string& name, const std::function<void()>& run, const std::string& item,
                               int64_t items, const runtime::Compute& compute, const ParameterNames& names,
                               int64_t macs) {
  const auto watch = [=] {
    const nn::TensorMemory memory;
    const MacCounter counter;
    run();
    finish_work(device_of(compute));
    return tasks::Observed{macs > 0 ? macs : counter.macs(), memory.peak_bytes()};
  };
  const auto profile = [=](int64_t repeats) {
    const OperationProfile times(names);
    for (int64_t i = 0; i < repeats; ++i) run();
    return times.times();
  };
  return {name, run, item, items, watch, profile};
}

tasks::Stage libtorch_stage(const runtime::Compute& compute) {
  expect_repeated_shapes(compute);
  tasks::Stage stage;
  stage.compute = compute;
  stage.library = libtorch_version();
  stage.finish = [=] { finish_work(device_of(compute)); };
  stage.limit = [=] { return limit_of_products(device_of(compute), compute.bf16); };
  return stage;
}

tasks::Stage training_stage(const tasks::BenchmarkOptions& options, const runtime::Compute& asked) {
  const auto training = make_training(options, asked);
  runtime::Compute compute = asked;
  compute.bf16 = training->settings.bf16;
  const at::Tensor& images = training->batches[0].input;
  tasks::Stage stage = libtorch_stage(compute);
  stage.facts = tasks::benchmark_facts(training->opened, images);
  stage.text = tasks::benchmark_text(stage.facts, "one optimizer step");
  stage.passes = {libtorch_pass(
      "step", [=] { step(*training); }, "images", images.size(0), compute, parameter_names(*training->model))};
  stage.results = [=] { return tasks::Json{{"first_loss", tasks::json_number(training->first_loss)}}; };
  return stage;
}

}  // namespace sscvae::workshop
