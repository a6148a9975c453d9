#include "sscvae/tasks/benchmark_stages.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "sscvae/array/array.h"
#include "sscvae/array/memory.h"
#include "sscvae/array/shape.h"
#include "sscvae/core/error.h"
#include "sscvae/core/text.h"
#include "sscvae/core/wording.h"
#include "sscvae/data/registry.h"
#include "sscvae/data/training_batches.h"
#include "sscvae/engine/engine.h"
#include "sscvae/graph/cost.h"
#include "sscvae/image/padding.h"
#include "sscvae/serialization/safetensors.h"
#include "sscvae/tasks/size_option.h"

namespace sscvae::tasks {

namespace {

constexpr int64_t kBatchesPerPass = 50;  // of loading
constexpr double kRatio = 0.6180339887;  // of the golden section: its multiples spread evenly

int64_t batch_of(const BenchmarkOptions& options) {
  const int64_t batch = options.batch.value_or(1);
  if (batch < 1 || batch > 65536) throw UsageError("--batch: expected 1 to 65536, got " + std::to_string(batch));
  return batch;
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
  const experiments::ExperimentOptions experiment = runtime::open_architecture(options.source).experiment.options;
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

/// A pass over a batch of any size, and what it made last.
struct Forward {
  runtime::OpenedModel opened;
  Array images, padded, reconstruction;
  std::unique_ptr<runtime::Runner> runner;
  std::unique_ptr<engine::Engine> engine;  // if it is asked for the times of its steps

  void run() {
    const Array made = runner->run(padded, {}).reconstruction;
    reconstruction = image::crop_to(made, images.size(2), images.size(3));
  }
};

/// Adds one run's steps, which are the same and in the same order each time.
void add_steps(const std::vector<engine::StepTime>& run, std::vector<OperationTime>& sums) {
  if (sums.empty()) sums.resize(run.size());
  for (size_t i = 0; i < run.size(); ++i) {
    sums[i].layer = run[i].name;
    sums[i].operation = run[i].operation;
    ++sums[i].calls;
    sums[i].seconds += run[i].seconds;
    sums[i].macs += run[i].macs;
  }
}

std::vector<OperationTime> step_times(Forward& forward, const runtime::Compute& compute, int64_t repeats) {
  if (!forward.engine)
    forward.engine = std::make_unique<engine::Engine>(
        forward.opened.model->bound(), compute.bf16 ? engine::Precision::kBf16 : engine::Precision::kFp32);
  std::vector<OperationTime> steps;
  for (int64_t i = 0; i < repeats; ++i) {
    std::vector<engine::StepTime> times;
    engine::RunSettings settings;
    settings.times = &times;
    forward.engine->run(forward.padded, settings);
    add_steps(times, steps);
  }
  return steps;
}

int64_t macs_of(const runtime::Model& model, const Array& padded) {
  int64_t macs = 0;
  for (const graph::LayerCost& layer :
       graph::layer_costs(model.network().graph, padded.sizes(), graph::CountingRule::kExact))
    macs += layer.macs;
  return macs;
}

}  // namespace

Observed watched(const std::function<void()>& run, int64_t macs) {
  int64_t now = 0;
  Observed observed{macs};
  const ArrayMemoryListener listener([&](int64_t bytes) {
    now += bytes;
    observed.peak_tensor_bytes = std::max(observed.peak_tensor_bytes, now);
  });
  run();
  return observed;
}

Array benchmark_images(const BenchmarkOptions& options, int64_t channels) {
  if (!options.input.empty()) {
    if (options.size || options.batch) throw UsageError("--input brings size and number: no --size and --batch then");
    const Array images = serialization::read_safetensors(options.input).tensors.at("input", options.input);
    check_shape(images, "input", "N,C,H,W", {-1, channels, -1, -1});
    if (images.numel() == 0) throw ShapeError("input: expected at least one pixel, got " + shape_text(images));
    return images.to(kFloat32);
  }
  const auto [height, width] = parse_size(options.size.value_or("256x256"), kLargestSize);
  const int64_t batch = batch_of(options);
  const Array images = Array::empty({batch, channels, height, width});
  for (int64_t i = 0; i < images.numel(); ++i)
    images.data<float>()[i] = static_cast<float>(std::fmod(static_cast<double>(i) * kRatio, 1));
  return images;
}

Json benchmark_facts(const runtime::OpenedModel& opened, const Array& images) {
  return {{"model", opened.experiment.options.model.name},
          {"weights_sha256", opened.sha256},
          {"batch", images.size(0)},
          {"channels", images.size(1)},
          {"height", images.size(2)},
          {"width", images.size(3)}};
}

std::string benchmark_text(const Json& facts, const std::string& what) {
  return facts["model"].get<std::string>() + ", " + what + ", " +
         format("%lld x %lld x %lld x %lld (batch x channels x height x width)", facts["batch"].get<long long>(),
                facts["channels"].get<long long>(), facts["height"].get<long long>(), facts["width"].get<long long>());
}

Stage inference_stage(const BenchmarkOptions& options, const runtime::Compute& asked) {
  runtime::RunnerSettings settings;
  settings.engine = options.engine;
  const runtime::Compute compute = runtime::engine_compute(settings, asked);
  const auto forward = std::make_shared<Forward>();
  forward->opened = runtime::open_architecture(options.source);
  const runtime::Model& model = *forward->opened.model;
  forward->images = benchmark_images(options, model.in_channels());
  forward->padded = image::reflect_pad_to_multiple(forward->images, model.size_multiple());
  forward->runner = runtime::make_runner(model, compute, settings);
  Stage stage;
  stage.compute = compute;
  stage.facts = benchmark_facts(forward->opened, forward->images);
  stage.text = benchmark_text(stage.facts, "one forward pass");
  const auto run = [=] { forward->run(); };
  TimedPass pass{"forward", run, "images", forward->images.size(0),
                 [=, macs = macs_of(model, forward->padded)] { return watched(run, macs); }};
  if (runtime::has_engine(settings, compute))
    pass.profile = [=](int64_t repeats) { return step_times(*forward, compute, repeats); };
  else if (options.layers) throw UsageError("--layers: times are those of the fast engine's steps on the processor");
  stage.passes = {std::move(pass)};
  stage.outputs = [=] {
    serialization::StateDict outputs;
    outputs.add("reconstruction", forward->reconstruction);
    return outputs;
  };
  stage.limit = [bf16 = compute.bf16] { return measure_arithmetic_limit(bf16); };
  return stage;
}

Stage loading_stage(const BenchmarkOptions& options, const runtime::Compute& compute) {
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
  const auto decode = [=] { open_images(*loading); };
  const auto take = [=] { take_batches(*loading); };
  stage.passes = {{"decode", decode, "images", images, [=] { return watched(decode, 0); }},
                  {"batches", take, "images", take_batches(*loading), [=] { return watched(take, 0); }}};
  return stage;
}

}  // namespace sscvae::tasks
