#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sscvae/data/image_store.h"
#include "sscvae/data/split.h"
#include "sscvae/train/options.h"

/// The images that a model under training does not see but is measured on.
namespace sscvae::train {

/// float32 [C,H,W]; `input` is the clean `target` itself, its noisy copy, or its partner in a pair.
struct ValidationImage {
  std::string name;
  at::Tensor input, target;
};

inline constexpr int64_t kValidationCrop = 256;  ///< larger images are validated on their centre of this size, pixels

/// Images of a part, made when they are asked for, so that a large part does not have to fit in memory.
///
/// One for each image, its centre of at most kValidationCrop pixels a side; with data.sampling = "grid" one for each
/// window of that grid, as the paper cuts its photographs (section 4.4), and the centre where no window fits.
/// Noise: the literature's rule (image::add_gaussian_noise), seed 0, or the window's number; where levels are drawn
/// from a range, its middle.
class ValidationSet {
 public:
  ValidationSet() = default;
  /// `count` images of `part`, evenly spread over the split, -1 for all; fewer if there are fewer, none if the part is
  /// empty. Those that cannot be read are left out with a warning (others of the part stand in where none of them can)
  /// or refused, as data.on_broken says. Decoded images are kept up to a quarter of data.cache_mb.
  ValidationSet(const data::SplitManifest& split, const std::string& part, int64_t count,
                const ExperimentOptions& options);

  int64_t size() const { return static_cast<int64_t>(places_.size()); }
  bool empty() const { return places_.empty(); }
  const std::string& name(int64_t index) const { return targets_->name(places_.at(static_cast<size_t>(index)).image); }
  /// Height and width of get(index), without reading it.
  std::vector<int64_t> sides(int64_t index) const;
  ValidationImage get(int64_t index) const;

 private:
  struct Place {
    int64_t image = 0;
    int64_t window = -1;  ///< its number in the image's grid; -1: the centre
    int64_t x = 0, y = 0;
  };
  /// The images of these paths that can be read.
  void open(const std::vector<std::string>& paths);
  bool is_readable(int64_t image) const;
  void add_places(int64_t image);
  at::Tensor cut(const data::ImageStore& store, const Place& place) const;

  ExperimentOptions options_;
  std::shared_ptr<const data::ImageStore> targets_, inputs_;  ///< inputs_ of pairs only
  std::vector<Place> places_;
};

}  // namespace sscvae::train
