#include "sscvae/data/training_batches.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "sscvae/core/error.h"
#include "sscvae/core/log.h"
#include "sscvae/core/random.h"
#include "sscvae/core/wording.h"
#include "sscvae/data/fast_normal.h"
#include "sscvae/image/noise.h"
#include "sscvae/image/patches.h"

namespace sscvae::data {
namespace {

void shuffle(std::vector<uint32_t>& items, uint64_t seed) {
  Random random(seed);
  for (size_t i = items.size(); i-- > 1;) std::swap(items[i], items[static_cast<size_t>(random.below(int64_t(i) + 1))]);
}

int64_t first_of_crop(Random& random, int64_t length, int64_t patch) {
  return length > patch ? random.below(length - patch + 1) : 0;
}

void add_noise(const NoisePlan& noise, const float* target, float* input, int64_t count) {
  std::memcpy(input, target, static_cast<size_t>(count) * sizeof(float));
  if (noise.speckle) image::add_speckle(input, count, noise.sigma_8bit, noise.seed);
  else add_normal(noise.seed, static_cast<float>(noise.sigma_8bit / 255), input, count);
  if (noise.clip) std::transform(input, input + count, input, [](float v) { return std::clamp(v, 0.0F, 1.0F); });
}

}  // namespace

TrainingBatches::TrainingBatches(const ImageStore& store, const DataOptions& options, int64_t batch_size, uint64_t seed,
                                 bool denoise)
    : store_(store), options_(options), batch_size_(batch_size), seed_(seed), denoise_(denoise) {
  const NoiseOptions& noise = options_.noise;
  if (batch_size < 1) throw UsageError("train.batch_size: expected >= 1, got " + std::to_string(batch_size));
  if (options_.patch_size < 1 || options_.stride < 1 || options_.crops_per_image < 1)
    throw UsageError("data.patch_size, data.stride and data.crops_per_image: expected >= 1");
  if (denoise && noise.sigma_8bit_max != 0 && noise.sigma_8bit_max < noise.sigma_8bit)
    throw UsageError("data.noise.sigma_8bit_max: expected 0 or at least data.noise.sigma_8bit");
  samples_ = store_.size();
  if (options_.sampling == Sampling::kRandomCrops) samples_ *= options_.crops_per_image;
  if (options_.sampling == Sampling::kGrid) plan_grid();
  if (options_.sampling == Sampling::kWholeImages) check_whole_images();
  if (samples_ > int64_t{UINT32_MAX})
    throw UsageError("an epoch of " + std::to_string(samples_) + " samples is too long, expected at most 2^32 - 1");
}

TrainingBatches::TrainingBatches(const ImageStore& inputs, const ImageStore& targets, const DataOptions& options,
                                 int64_t batch_size, uint64_t seed)
    : TrainingBatches(targets, options, batch_size, seed, false) {
  SSCVAE_ASSERT(inputs.size() == targets.size() && inputs.channels() == targets.channels());
  inputs_ = &inputs;
}

std::vector<image::PatchPosition> TrainingBatches::grid_of(int64_t image) const {
  return image::training_grid(store_.height(image), store_.width(image), options_.patch_size, options_.stride);
}

void TrainingBatches::plan_grid() {
  int64_t without = 0;
  first_patch_ = {0};
  for (int64_t i = 0; i < store_.size(); ++i) {
    const auto count = static_cast<int64_t>(grid_of(i).size());
    first_patch_.push_back(first_patch_.back() + count);
    if (count == 0) ++without;
  }
  samples_ = first_patch_.back();
  if (samples_ == 0)
    throw UsageError("data.patch_size = " + std::to_string(options_.patch_size) + ": none of the " +
                     count_text(store_.size(), "image") +
                     " is that large; grid sampling does not pad, random-crops does");
  if (without)
    note(share_text(without, store_.size(), "image") + agreeing(without, " is", " are") + " smaller than a patch of " +
         count_text(options_.patch_size, "pixel") + agreeing(without, " and gives none", " and give none"));
}

void TrainingBatches::check_whole_images() const {
  for (int64_t i = 1; i < store_.size() && batch_size_ > 1; ++i)
    if (store_.height(i) != store_.height(0) || store_.width(i) != store_.width(0))
      throw UsageError("data.sampling = \"whole-images\" with train.batch_size > 1 needs images of one size; " +
                       store_.name(0) + " is " + std::to_string(store_.width(0)) + "x" +
                       std::to_string(store_.height(0)) + ", " + store_.name(i) + " " +
                       std::to_string(store_.width(i)) + "x" + std::to_string(store_.height(i)));
}

TrainingBatches::Order TrainingBatches::order_of(int64_t epoch) const {
  const std::lock_guard lock(mutex_);
  Epoch& memo = memo_[static_cast<size_t>(epoch % 2)];
  if (memo.number != epoch) {
    auto order = std::make_shared<std::vector<uint32_t>>(static_cast<size_t>(samples_));
    std::iota(order->begin(), order->end(), 0U);
    shuffle(*order, derive_seed(seed_, "order", static_cast<uint64_t>(epoch)));
    memo = {epoch, std::move(order)};
  }
  return memo.order;
}

SamplePlan TrainingBatches::sample(int64_t item, uint64_t number) const {
  Random random(derive_seed(seed_, "crop", number));
  const int64_t patch = options_.patch_size;
  SamplePlan result;
  Window& window = result.window;
  window.height = window.width = patch;
  switch (options_.sampling) {
    case Sampling::kRandomCrops:
      result.image = item % store_.size();
      window.top = first_of_crop(random, store_.height(result.image), patch);
      window.left = first_of_crop(random, store_.width(result.image), patch);
      break;
    case Sampling::kGrid: {
      const auto after = std::upper_bound(first_patch_.begin(), first_patch_.end(), item);
      result.image = after - first_patch_.begin() - 1;
      const image::PatchPosition position = grid_of(result.image).at(static_cast<size_t>(item - *(after - 1)));
      window.top = position.y;
      window.left = position.x;
      break;
    }
    case Sampling::kWholeImages:
      result.image = item;
      window.height = store_.height(item);
      window.width = store_.width(item);
      break;
  }
  if (options_.augment) window.symmetry = static_cast<int>(random.below(window.height == window.width ? 8 : 4));
  if (denoise_) result.noise = noise_of(number);
  return result;
}

NoisePlan TrainingBatches::noise_of(uint64_t number) const {
  const NoiseOptions& noise = options_.noise;
  Random random(derive_seed(seed_, "noise", number));
  const bool blind = noise.sigma_8bit_max > noise.sigma_8bit;
  NoisePlan plan;
  plan.sigma_8bit = blind ? random.uniform(noise.sigma_8bit, noise.sigma_8bit_max) : noise.sigma_8bit;
  plan.seed = random.next();
  plan.speckle = noise.kind == NoiseKind::kSpeckle || (noise.kind == NoiseKind::kMixed && random.below(2) == 1);
  // No draw where it decides nothing: the crops and noise of older settings stay as they were.
  plan.clip = noise.clip && (noise.clip_share == 1 || random.uniform(0, 1) < noise.clip_share);
  return plan;
}

std::vector<SamplePlan> TrainingBatches::plan(int64_t step) const {
  SSCVAE_ASSERT(step >= 0);
  const int64_t epoch = step / batches_per_epoch(), first = step % batches_per_epoch() * batch_size_;
  const int64_t count = std::min(batch_size_, samples_ - first);
  const Order order = order_of(epoch);
  std::vector<SamplePlan> samples;
  for (int64_t i = 0; i < count; ++i)
    samples.push_back(
        sample((*order)[static_cast<size_t>(first + i)], static_cast<uint64_t>(epoch * samples_ + first + i)));
  return samples;
}

Batch TrainingBatches::at(int64_t step) const {
  const std::vector<SamplePlan> samples = plan(step);
  const auto count = static_cast<int64_t>(samples.size());
  Batch batch;
  for (int64_t i = 0; i < count; ++i) {
    const auto& [image, window, noise] = samples[static_cast<size_t>(i)];
    const int64_t values = store_.channels() * window.height * window.width;
    if (i == 0) {
      batch.target = Array::empty({count, store_.channels(), window.height, window.width});
      batch.input = denoise_ || inputs_ ? Array::empty(batch.target.sizes()) : batch.target;
    }
    float* target = batch.target.data<float>() + i * values;
    float* input = batch.input.data<float>() + i * values;
    store_.copy_window(image, window, target);
    if (inputs_) inputs_->copy_window(image, window, input);
    if (denoise_) {
      add_noise(noise, target, input, values);
      batch.sigma_8bit.push_back(noise.sigma_8bit);
    }
    batch.names.push_back(store_.name(image));
  }
  return batch;
}

}  // namespace sscvae::data
