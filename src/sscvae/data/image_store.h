#pragma once

#include <cstdint>
#include <exception>
#include <filesystem>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "sscvae/array/array.h"
#include "sscvae/data/data_options.h"
#include "sscvae/image/image.h"
#include "sscvae/image/value_range.h"

/// Images of one part of a dataset, decoded once and kept as integers.
namespace sscvae::data {

/// A window of an image: height x width pixels at (top, left), which may reach outside (reflection fills in), turned by
/// one of the 8 symmetries of the square: bit 0 mirrors left and right, bit 1 up and down, bit 2 then swaps rows and
/// columns.
struct Window {
  int64_t top = 0, left = 0, height = 0, width = 0;
  int symmetry = 0;
};

/// Where the rows and columns of the turned window lie in an image of interleaved samples: pixel (y, x) of the result
/// begins at sample rows[y] + columns[x].
struct WindowOffsets {
  std::vector<int64_t> rows, columns;
};
WindowOffsets offsets_of(const Window& window, int64_t height, int64_t width, int64_t channels);

/// How files become images.
struct Decoding {
  image::RangeOption range;
  int64_t max_pixels = image::kMaxPixels;
};
/// As the options say. Errors: UsageError for a range that is none.
Decoding decoding_of(const DataOptions& options);

class ImageStore {
 public:
  /// Reads all headers and decodes images in their order until `cache_mb` MiB are full; the others are decoded at each
  /// use. An image is broken if any of that fails: left out with a warning that names it (kSkip), or an error
  /// (kRefuse). Samples are spread over their full range (image::stretched); a note says once what `auto` took. One
  /// with a defect but all pixels is used with a warning, or an error, too. `channels` 1 or 3: image::with_channels.
  /// `paths` are relative to `root`; their order is kept. `known`: they are what an earlier store had left. Then the
  /// images are the same whatever `cache_mb` is: a header that cannot be read is an error, and what is damaged behind
  /// it stays, as it does beyond the cache. Errors: UsageError for no paths or other channels; what reading threw
  /// (IoError, FormatError) under kRefuse; FormatError if no image is left.
  ImageStore(std::filesystem::path root, const std::vector<std::string>& paths, int64_t channels, int64_t cache_mb,
             OnBroken on_broken, const Decoding& decoding = {}, bool known = false);

  int64_t size() const { return static_cast<int64_t>(entries_.size()); }
  int64_t channels() const { return channels_; }
  const std::string& name(int64_t index) const { return entries_.at(static_cast<size_t>(index)).name; }
  int64_t height(int64_t index) const { return entries_.at(static_cast<size_t>(index)).height; }
  int64_t width(int64_t index) const { return entries_.at(static_cast<size_t>(index)).width; }
  int64_t bytes(int64_t index) const { return entries_.at(static_cast<size_t>(index)).bytes; }  ///< decoded
  const std::vector<std::string>& left_out() const { return left_out_; }
  /// From now on an image that turns out to be damaged is an error, never replaced by another.
  void refuse_broken() { on_broken_ = OnBroken::kRefuse; }
  int64_t cached_images() const;
  int64_t cached_bytes() const;
  /// "198 images, 2 broken ones left out; 150 (87.4 MiB) in memory".
  std::string summary() const;

  /// The functions below may be called from any thread. Where an image beyond the cache turns out to be damaged behind
  /// its header: FormatError under kRefuse; under kSkip one warning, and the next readable image takes its place (in
  /// windows: continued by reflection). IoError where a file has gone.
  Array get(int64_t index) const;  ///< float32 [C,H,W] in [0,1]
  /// The same, but never another image: FormatError where it is damaged, also under kSkip.
  Array get_itself(int64_t index) const;
  /// Writes the window as [C,h,w] ([C,w,h] if the symmetry swaps) to `out`, equal to get() at these pixels.
  void copy_window(int64_t index, const Window& window, float* out) const;
  /// The integers, from the cache or decoded now.
  std::shared_ptr<const image::Image> pixels(int64_t index) const;

 private:
  struct Entry {
    std::string name;
    int64_t height = 0, width = 0, bytes = 0;
    std::shared_ptr<const image::Image> cached;  ///< null beyond the cache
    std::exception_ptr error;                    ///< why it cannot be used
  };
  void read_headers();
  void fill_cache(int64_t capacity, bool known);
  void drop_broken();
  std::shared_ptr<const image::Image> decode(const Entry& entry) const;
  void warn_once(const std::string& line) const;
  bool is_new(const std::string& line) const;

  std::filesystem::path root_;
  int64_t channels_;
  OnBroken on_broken_;
  Decoding decoding_;
  std::vector<Entry> entries_;
  std::vector<std::string> left_out_;
  mutable std::mutex mutex_;  ///< guards said_
  mutable std::set<std::string> said_;
};

}  // namespace sscvae::data
