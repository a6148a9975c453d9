#include "sscvae/train/device_batches.h"

#include <cmath>

#include "sscvae/core/text.h"
#include "sscvae/image/noise.h"
#include "sscvae/train/sample_noise.h"

namespace sscvae::train {
namespace {

constexpr int64_t kBytesPerMiB = 1 << 20;

kernels::SampleNoise noise_on_device(const data::NoisePlan& plan) {
  kernels::SampleNoise noise;
  noise.clip = plan.clip ? 1 : 0;
  if (!plan.speckle) {
    noise.law = kernels::NoiseLaw::kGaussian;
    noise.stream = plan.seed;
    noise.scale = plan.sigma_8bit / 255;
    return noise;
  }
  const image::Speckle speckle = image::speckle_of(plan.sigma_8bit, plan.seed);
  if (std::isinf(speckle.looks)) return noise;
  noise.law = kernels::NoiseLaw::kSpeckle;
  noise.stream = speckle.stream;
  noise.scale = speckle.scale;
  noise.looks = speckle.looks;
  noise.log_looks = speckle.log_looks;
  return noise;
}

}  // namespace

int64_t DeviceBatches::bytes_of(const TrainingBatches& batches) {
  return DeviceImages::bytes_of(batches.targets()) + (batches.inputs() ? DeviceImages::bytes_of(*batches.inputs()) : 0);
}

std::string DeviceBatches::obstacle(const TrainingBatches& batches, c10::DeviceType device, int64_t budget_mb) {
  const int64_t bytes = bytes_of(batches);
  if (bytes > budget_mb * kBytesPerMiB)
    return format("the training images take %.1f MiB, data.device_cache_mb = %lld",
                  static_cast<double>(bytes) / kBytesPerMiB, static_cast<long long>(budget_mb));
  if (batches.denoises() && !has_sample_noise(device)) return "this build has no GPU kernel for noise";
  return "";
}

DeviceBatches::DeviceBatches(const TrainingBatches& batches, c10::Device device)
    : batches_(batches),
      targets_(batches.targets(), device),
      inputs_(batches.inputs() ? std::make_unique<DeviceImages>(*batches.inputs(), device) : nullptr) {}

Batch DeviceBatches::at(int64_t step) const {
  const std::vector<SamplePlan> samples = batches_.plan(step);
  Batch batch;
  batch.target = targets_.cut(samples);
  batch.input = inputs_ ? inputs_->cut(samples) : batches_.denoises() ? batch.target.clone() : batch.target;
  std::vector<kernels::SampleNoise> noise;
  for (const SamplePlan& sample : samples) {
    batch.names.push_back(batches_.targets().name(sample.image));
    if (!batches_.denoises()) continue;
    batch.sigma_8bit.push_back(sample.noise.sigma_8bit);
    noise.push_back(noise_on_device(sample.noise));
  }
  if (batches_.denoises()) add_sample_noise(batch.input, noise);
  return batch;
}

}  // namespace sscvae::train
