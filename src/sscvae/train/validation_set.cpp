#include "sscvae/train/validation_set.h"

#include <algorithm>

#include "sscvae/data/pairs.h"
#include "sscvae/image/noise.h"
#include "sscvae/image/patches.h"

namespace sscvae::train {

namespace {

double validation_sigma(const data::NoiseOptions& noise) {
  return noise.sigma_8bit_max > noise.sigma_8bit ? (noise.sigma_8bit + noise.sigma_8bit_max) / 2 : noise.sigma_8bit;
}

}  // namespace

ValidationSet::ValidationSet(const data::SplitManifest& split, const std::string& part, int64_t count,
                             const ExperimentOptions& options)
    : options_(options) {
  std::vector<std::string> paths = split.paths(part);
  if (count > 0) paths = data::spread_selection(paths, count);
  if (count == 0 || paths.empty()) return;
  const int64_t cache_mb = options.data.cache_mb / 4;
  if (options.task == Task::kEnhance) {
    data::PairedStores pairs = data::open_pairs(options.data, paths, options.model.in_channels, cache_mb);
    targets_ = std::move(pairs.targets);
    inputs_ = std::move(pairs.inputs);
  } else {
    targets_ = std::make_shared<data::ImageStore>(options.data.root, paths, options.model.in_channels, cache_mb,
                                                  options.data.on_broken, data::decoding_of(options.data));
  }
  for (int64_t i = 0; i < targets_->size(); ++i) add_places(i);
}

void ValidationSet::add_places(int64_t image) {
  std::vector<image::PatchPosition> windows;
  if (options_.data.sampling == data::Sampling::kGrid)
    windows = image::test_grid(targets_->height(image), targets_->width(image), options_.data.patch_size,
                               options_.data.stride);
  if (windows.empty()) places_.push_back({.image = image});
  for (size_t i = 0; i < windows.size(); ++i)
    places_.push_back({image, static_cast<int64_t>(i), windows[i].x, windows[i].y});
}

std::vector<int64_t> ValidationSet::sides(int64_t index) const {
  const Place& place = places_.at(static_cast<size_t>(index));
  if (place.window >= 0) return {options_.data.patch_size, options_.data.patch_size};
  return {std::min(targets_->height(place.image), kValidationCrop),
          std::min(targets_->width(place.image), kValidationCrop)};
}

at::Tensor ValidationSet::cut(const data::ImageStore& store, const Place& place) const {
  const at::Tensor image = store.get(place.image);
  if (place.window < 0) return image::middle_of(image, kValidationCrop).contiguous();
  const int64_t side = options_.data.patch_size;
  return image.narrow(1, place.y, side).narrow(2, place.x, side).contiguous();
}

ValidationImage ValidationSet::get(int64_t index) const {
  const Place& place = places_.at(static_cast<size_t>(index));
  const std::string& name = targets_->name(place.image);
  const at::Tensor target = cut(*targets_, place);
  if (inputs_) return {name, cut(*inputs_, place), target};
  const data::NoiseOptions& noise = options_.data.noise;
  const double sigma = options_.task == Task::kDenoise ? validation_sigma(noise) : 0;
  if (sigma <= 0) return {name, target, target};
  const auto seed = static_cast<uint32_t>(std::max<int64_t>(place.window, 0));
  const bool clips = noise.clips(place.image);
  return {name, image::add_noise(noise.kind_of(place.image), target, sigma, seed, clips), target};
}

}  // namespace sscvae::train
