#pragma once

#include <cmath>

#include "sscvae/core/options.h"
#include "sscvae/image/image.h"
#include "sscvae/image/noise.h"

namespace sscvae::data {

enum class SplitRule { kOfficial, kAuthors, kGrouped, kManifest, kAll };
enum class Sampling { kRandomCrops, kGrid, kWholeImages };
enum class OnBroken { kSkip, kRefuse };
enum class BatchPlace { kAuto, kCpu, kDevice };

enum class NoiseKind { kGaussian, kSpeckle, kMixed };

/// Noise of the denoising task. sigma_8bit_max > sigma_8bit draws a level per image (blind training).
struct NoiseOptions {
  double sigma_8bit = 25;
  double sigma_8bit_max = 0;
  bool clip = false;
  double clip_share = 1;  ///< share of the noisy images that `clip` cuts
  NoiseKind kind = NoiseKind::kGaussian;
  void describe(FieldList& fields);
  /// The kind for image `index` of a list that is measured: mixed ones take turns, Gaussian first.
  image::Noise kind_of(int64_t index) const {
    const bool speckle = kind == NoiseKind::kSpeckle || (kind == NoiseKind::kMixed && index % 2 == 1);
    return speckle ? image::Noise::kSpeckle : image::Noise::kGaussian;
  }
  /// Is image `index` of such a list cut to [0,1]? Of each two neighbours both or neither, so that each kind has its
  /// share.
  bool clips(int64_t index) const {
    const auto pair = static_cast<double>(index / 2);
    return clip && std::floor((pair + 1) * clip_share) > std::floor(pair * clip_share);
  }
};

/// Which images, how split, how cut. Defaults are the `sound` profile's.
struct DataOptions {
  std::string dataset = "folder";  ///< registry name: folder, ultrasound, bsds500, mini-imagenet
  std::string root;
  std::string quality = "high_quality";       ///< of the ultrasound layout <organ>/<quality>/*.png
  std::string input_quality = "low_quality";  ///< of the inputs, for task = "enhance"
  std::string input_root;                     ///< the inputs of task = "enhance", with the paths of root
  SplitRule split = SplitRule::kOfficial;     ///< datasets without an official split use the authors' rule
  std::string manifest;                       ///< split.csv, with split = "manifest"
  std::string group_pattern;                  ///< regular expression: which images belong together, by their path
  std::string group_table;                    ///< CSV with path,group that says the same
  int64_t seed = 1;                           ///< of the authors' shuffled split
  double train_ratio = 0.8;
  double val_ratio = 0.1;
  Sampling sampling = Sampling::kRandomCrops;
  int64_t patch_size = 64;
  int64_t stride = 32;          ///< of grid sampling
  bool augment = true;          ///< the 8 flips and quarter turns
  int64_t crops_per_image = 1;  ///< random crops of each image in one epoch
  int64_t min_size = 0;         ///< leave out images whose shorter side is smaller
  int64_t limit = 0;            ///< use only the first so many images of each part; 0: all
  int64_t workers = 1;
  int64_t cache_mb = 2048;
  BatchPlace batches_on = BatchPlace::kAuto;
  int64_t device_cache_mb = 16384;
  std::string range = "auto";              ///< what samples mean: auto, full or LOW:HIGH (image/value_range.h)
  int64_t max_pixels = image::kMaxPixels;  ///< larger images are broken
  OnBroken on_broken = OnBroken::kSkip;
  NoiseOptions noise;
  void describe(FieldList& fields);
};

}  // namespace sscvae::data

template <>
inline const std::vector<std::string>& sscvae::choice_names<sscvae::data::SplitRule>() {
  static const std::vector<std::string> names{"official", "authors", "grouped", "manifest", "all"};
  return names;
}
template <>
inline const std::vector<std::string>& sscvae::choice_names<sscvae::data::NoiseKind>() {
  static const std::vector<std::string> names{"gaussian", "speckle", "mixed"};
  return names;
}
template <>
inline const std::vector<std::string>& sscvae::choice_names<sscvae::data::Sampling>() {
  static const std::vector<std::string> names{"random-crops", "grid", "whole-images"};
  return names;
}
template <>
inline const std::vector<std::string>& sscvae::choice_names<sscvae::data::OnBroken>() {
  static const std::vector<std::string> names{"skip", "refuse"};
  return names;
}
template <>
inline const std::vector<std::string>& sscvae::choice_names<sscvae::data::BatchPlace>() {
  static const std::vector<std::string> names{"auto", "cpu", "device"};
  return names;
}
