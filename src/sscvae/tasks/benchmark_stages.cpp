#include "sscvae/tasks/benchmark_stages.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>
#include <torch/types.h>

#include <nlohmann/json.hpp>

#include "sscvae/array/shape.h"
#include "sscvae/core/error.h"
#include "sscvae/core/text.h"
#include "sscvae/core/wording.h"
#include "sscvae/data/registry.h"
#include "sscvae/engine/engine.h"
#include "sscvae/models/frozen.h"
#include "sscvae/models/threshold_scale.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/serialization/safetensors.h"
#include "sscvae/tasks/engine_result.h"
#include "sscvae/tasks/inference.h"
#include "sscvae/tasks/size_option.h"
#include "sscvae/train/precision.h"
#include "sscvae/train/training_step.h"

namespace sscvae::tasks {

namespace {

constexpr int64_t kBatchesPerPass = 50;  // of loading

int64_t batch_of(const BenchmarkOptions& options) {
  const int64_t batch = options.batch.value_or(1);
  if (batch < 1 || batch > 65536) throw UsageError("--batch: expected 1 to 65536, got " + std::to_string(batch));
  return batch;
}

/// float32 [N,C,H,W] in [0,1]: those of --input, or a ramp that fills the interval evenly.
at::Tensor images_of(const BenchmarkOptions& options, int64_t channels) {
  if (!options.input.empty()) {
    if (options.size || options.batch) throw UsageError("--input brings size and number: no --size and --batch then");
    const at::Tensor images = serialization::read_safetensors(options.input).tensors.at("input", options.input);
    check_shape(images, "input", "N,C,H,W", {-1, channels, -1, -1});
    if (images.numel() == 0) throw ShapeError("input: expected at least one pixel, got " + shape_text(images));
    return images.to(at::kFloat);
  }
  const auto [height, width] = parse_size(options.size.value_or("256x256"), kLargestSize);
  const int64_t batch = batch_of(options);
  const at::Tensor ramp = at::arange(batch * channels * height * width, at::kDouble).mul(0.6180339887).frac();
  return ramp.to(at::kFloat).reshape({batch, channels, height, width});
}

Json facts_of(const OpenedModel& opened, const at::Tensor& images) {
  return {{"model", opened.experiment.options.model.name},
          {"weights_sha256", opened.sha256},
          {"batch", images.size(0)},
          {"channels", images.size(1)},
          {"height", images.size(2)},
          {"width", images.size(3)}};
}

std::string text_of(const Json& facts, const std::string& what) {
  return facts["model"].get<std::string>() + ", " + what + ", " +
         format("%lld x %lld x %lld x %lld (batch x channels x height x width)", facts["batch"].get<long long>(),
                facts["channels"].get<long long>(), facts["height"].get<long long>(), facts["width"].get<long long>());
}

/// What one optimizer step needs, and what it left.
struct Training {
  OpenedModel opened;
  std::unique_ptr<train::Adam> adam;
  std::vector<train::Batch> batches;
  train::StepSettings settings;
  int64_t steps = 0;
  at::Tensor sparsity_weight;  ///< on the device
  double first_loss = 0;
};

/// The step that training takes: on a device one that does not wait for it, but for the first, whose loss is read.
void step(Training& training) {
  const train::TrainOptions& train = training.opened.experiment.options.train;
  const auto run = [&](auto&& one_step, const auto& sparsity_weight) {
    return one_step(*training.opened.model, *training.adam, training.batches, training.settings, sparsity_weight,
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

std::shared_ptr<Training> make_training(const BenchmarkOptions& options, const Compute& compute) {
  auto training = std::make_shared<Training>();
  training->opened = open_architecture(options.source);
  const train::TrainOptions& train = training->opened.experiment.options.train;
  models::set_recompute(*training->opened.model, train.recompute);
  if (train::Adversary::is_wanted(train.adversarial))
    throw UsageError("--stage training: steps with a discriminator or a perceptual distance are not measured");
  models::Autoencoder& model = *training->opened.model;
  const at::Tensor images = images_of(options, model.options().in_channels).to(compute.device);
  model.to(compute.device);
  train::use_channels_last(model);
  model.train();
  model.initialize_from(images);
  training->adam = std::make_unique<train::Adam>(
      train::named_parameters(model), train::AdamOptions{train.beta1, train.beta2, train.epsilon, train.weight_decay});
  training->batches = {{images, images, {}}};
  training->settings.loss = train.loss;
  training->settings.gradient_clip = train.gradient_clip;
  training->settings.device = compute.device;
  training->sparsity_weight =
      at::full({}, train.loss.sparsity_weight, at::TensorOptions(compute.device).dtype(at::kDouble));
  const auto asked = compute.bf16 ? train::Precision::kBf16 : train::Precision::kFp32;
  training->settings.bf16 =
      train::uses_bf16(options.compute.precision == "auto" ? train.precision : asked, compute.device);
  return training;
}

/// What loading reads: the images and how batches are cut from them.
struct Loading {
  data::DataOptions data;
  std::vector<std::string> paths;
  int64_t channels = 1, batch = 1;
  uint64_t seed = 0;
  std::unique_ptr<data::ImageStore> store;
  std::unique_ptr<data::TrainingBatches> batches;
};

void open_images(Loading& loading) {
  const data::DataOptions& data = loading.data;
  loading.batches.reset();
  loading.store = std::make_unique<data::ImageStore>(data.root, loading.paths, loading.channels, data.cache_mb,
                                                     data.on_broken, data::decoding_of(data));
  loading.batches = std::make_unique<data::TrainingBatches>(*loading.store, data, loading.batch, loading.seed, false);
}

std::shared_ptr<Loading> make_loading(const BenchmarkOptions& options) {
  const train::ExperimentOptions experiment = open_architecture(options.source).experiment.options;
  auto loading = std::make_shared<Loading>();
  loading->data = experiment.data;
  loading->data.root = options.data;
  if (options.size) {
    const auto [height, width] = parse_size(*options.size, kLargestSize);
    if (height != width) throw UsageError("--size: patches are square, got '" + *options.size + "'");
    loading->data.patch_size = height;
  }
  loading->channels = experiment.model.in_channels;
  loading->batch = options.batch ? batch_of(options) : experiment.train.batch_size;
  loading->seed = static_cast<uint64_t>(experiment.train.seed);
  loading->paths = data::make_manifest(loading->data).paths("all");
  const auto images = static_cast<int64_t>(loading->paths.size());
  const int64_t wanted = kBatchesPerPass * loading->batch;  // in one epoch, so that all batches are full
  if (loading->data.sampling == data::Sampling::kRandomCrops)
    loading->data.crops_per_image = std::max(loading->data.crops_per_image, (wanted + images - 1) / images);
  open_images(*loading);
  return loading;
}

/// Takes the first batches of an epoch and returns the number of their images.
int64_t take_batches(const Loading& loading) {
  data::Prefetcher prefetcher(*loading.batches, 0, kBatchesPerPass, loading.data.workers);
  int64_t images = 0;
  for (int64_t i = 0; i < kBatchesPerPass; ++i) images += prefetcher.next().input.size(0);
  return images;
}

/// The model itself, operation by operation, as `reconstruct` runs it on images of one piece. Keeps the model.
TimedPass plain_pass(std::shared_ptr<models::Autoencoder> model, const Compute& compute, const at::Tensor& images,
                     const std::shared_ptr<at::Tensor>& reconstruction) {
  const at::Tensor there = placed(images, compute);
  const auto forward = [=] {
    const InferenceScope scope(compute);
    *reconstruction = models::forward_any_size(*model, there).reconstruction;
  };
  return {"forward", forward, "images", images.size(0)};
}

/// The steps of one pass through the engine.
std::vector<OperationTime> steps_of(engine::Engine& engine, const at::Tensor& images) {
  std::vector<engine::StepTime> times;
  engine::RunSettings settings;
  settings.times = &times;
  engine.run(images, settings);
  std::vector<OperationTime> steps;
  for (const engine::StepTime& time : times) steps.push_back({time.name, time.operation, 1, time.seconds, time.macs});
  return steps;
}

/// The same pass through fused steps. Keeps the engine.
TimedPass engine_pass(const models::Autoencoder& model, const Compute& compute, const at::Tensor& images,
                      const std::shared_ptr<at::Tensor>& reconstruction) {
  const auto engine = std::make_shared<engine::Engine>(
      models::frozen(model), compute.bf16 ? engine::Precision::kBf16 : engine::Precision::kFp32);
  const auto forward = [=](const at::Tensor& padded) { return forward_result(engine->run(padded)); };
  const int64_t multiple = model.size_multiple();
  return {"forward", [=] { *reconstruction = models::forward_padded(images, multiple, forward).reconstruction; },
          "images", images.size(0),
          [=] {
            std::vector<OperationTime> steps;
            models::forward_padded(images, multiple, [&](const at::Tensor& padded) {
              steps = steps_of(*engine, padded);
              return models::ForwardResult{};
            });
            return steps;
          }};
}

}  // namespace

Stage inference_stage(const BenchmarkOptions& options, const Compute& asked) {
  const Compute compute = engine_compute(options.engine, asked);
  const OpenedModel opened = open_architecture(options.source);
  place_model(*opened.model, compute);
  const at::Tensor images = images_of(options, opened.model->options().in_channels);
  const auto reconstruction = std::make_shared<at::Tensor>();
  Stage stage;
  stage.compute = compute;
  stage.facts = facts_of(opened, images);
  stage.text = text_of(stage.facts, "one forward pass");
  stage.names = parameter_names(*opened.model);
  if (has_engine(options.engine, compute)) {
    stage.passes = {engine_pass(*opened.model, compute, images, reconstruction)};
  } else {
    if (options.engine == "plain") stage.plain = std::make_shared<PlainIterations>(*opened.model);
    stage.passes = {plain_pass(opened.model, compute, images, reconstruction)};
  }
  stage.outputs = [=] {
    serialization::StateDict outputs;
    outputs.add("reconstruction", reconstruction->to(at::kCPU, at::kFloat));
    return outputs;
  };
  return stage;
}

Stage training_stage(const BenchmarkOptions& options, const Compute& compute) {
  const auto training = make_training(options, compute);
  const at::Tensor& images = training->batches[0].input;
  Stage stage;
  stage.compute = compute;
  stage.compute.bf16 = training->settings.bf16;
  stage.facts = facts_of(training->opened, images);
  stage.text = text_of(stage.facts, "one optimizer step");
  stage.names = parameter_names(*training->opened.model);
  stage.passes = {{"step", [=] { step(*training); }, "images", images.size(0)}};
  stage.results = [=] { return Json{{"first_loss", json_number(training->first_loss)}}; };
  return stage;
}

Stage loading_stage(const BenchmarkOptions& options, const Compute& compute) {
  if (options.data.empty()) throw UsageError("--stage loading needs --data: a folder of images");
  const auto loading = make_loading(options);
  const auto images = static_cast<int64_t>(loading->paths.size());
  Stage stage;
  stage.compute = compute;
  stage.facts = {{"images", images},
                 {"batch", loading->batch},
                 {"patch_size", loading->data.patch_size},
                 {"workers", loading->data.workers},
                 {"batches_per_pass", kBatchesPerPass}};
  stage.text = count_text(images, "image") + ", each decoded once; " + std::to_string(kBatchesPerPass) +
               " batches of " + count_text(loading->batch, "patch", "patches") + " of " +
               count_text(loading->data.patch_size, "pixel") + ", " + count_text(loading->data.workers, "worker");
  stage.passes = {{"decode", [=] { open_images(*loading); }, "images", images},
                  {"batches", [=] { take_batches(*loading); }, "images", take_batches(*loading)}};
  return stage;
}

}  // namespace sscvae::tasks
