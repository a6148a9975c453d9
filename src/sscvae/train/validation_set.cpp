#include "sscvae/train/validation_set.h"

#include <algorithm>

#include "sscvae/core/error.h"
#include "sscvae/core/log.h"
#include "sscvae/data/pairs.h"
#include "sscvae/image/noise.h"
#include "sscvae/image/patches.h"
#include "sscvae/nn/arrays.h"

namespace sscvae::train {

namespace {

double validation_sigma(const data::NoiseOptions& noise) {
  return noise.sigma_8bit_max > noise.sigma_8bit ? (noise.sigma_8bit + noise.sigma_8bit_max) / 2 : noise.sigma_8bit;
}

}  // namespace

ValidationSet::ValidationSet(const data::SplitManifest& split, const std::string& part, int64_t count,
                             const ExperimentOptions& options)
    : options_(options) {
  const std::vector<std::string> all = split.paths(part);
  if (count == 0 || all.empty()) return;
  const std::vector<std::string> chosen = count > 0 ? data::spread_selection(all, count) : all;
  open(chosen);
  if (places_.empty() && chosen.size() < all.size()) open(all);
  if (places_.empty()) warn("no image of part '" + part + "' can be read");
  if (count > 0 && options.data.sampling != data::Sampling::kGrid && size() > count)
    places_.resize(static_cast<size_t>(count));
}

void ValidationSet::open(const std::vector<std::string>& paths) {
  const int64_t cache_mb = options_.data.cache_mb / 4, channels = options_.model.in_channels;
  try {
    if (options_.task == Task::kEnhance) {
      data::PairedStores pairs = data::open_pairs(options_.data, paths, channels, cache_mb);
      targets_ = std::move(pairs.targets);
      inputs_ = std::move(pairs.inputs);
    } else {
      targets_ = std::make_shared<data::ImageStore>(options_.data.root, paths, channels, cache_mb,
                                                    options_.data.on_broken, data::decoding_of(options_.data));
    }
  } catch (const FormatError& error) {
    if (options_.data.on_broken == data::OnBroken::kRefuse) throw;
    warn(error.what());
    return;
  }
  for (int64_t i = 0; i < targets_->size(); ++i)
    if (is_readable(i)) add_places(i);
}

bool ValidationSet::is_readable(int64_t image) const {
  try {
    targets_->get_itself(image);
    if (inputs_) inputs_->get_itself(image);
    return true;
  } catch (const FormatError& error) {
    if (options_.data.on_broken == data::OnBroken::kRefuse) throw;
    warn(std::string("left out: ") + error.what());
    return false;
  }
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
  const at::Tensor image = store.get_itself(place.image);
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
