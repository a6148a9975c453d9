#pragma once

#include <string>
#include <utility>

#include "sscvae/array/array.h"
#include "sscvae/runtime/model_source.h"

/// Noise levels of images and those that weights were trained with.
namespace sscvae::runtime {

/// A level as --sigma-8bit names it. Errors: UsageError.
double parse_sigma(const std::string& text);

/// In grey levels of 0 to 255; high is 0 for weights that were trained without noise.
struct NoiseRange {
  double low = 0, high = 0;
  std::string text() const;  ///< "25", "0 to 55"
  bool contains(double sigma_8bit) const { return high == 0 || (sigma_8bit >= low && sigma_8bit <= high); }
};
NoiseRange trained_range(const OpenedModel& opened);

/// The factor of contrast that moves a level into the range, by 1/4 to 2; 1 without a range.
double contrast_factor(double sigma_8bit, const NoiseRange& range);

/// Has it several channels [C,H,W] that are all the same?
bool is_grey_in_colour(const Array& image);

/// What a noise level of that image is to weights that were trained with noise of its own in each channel: sqrt(C)
/// times as much in an image that is grey in colour. There the noise of the channels adds up, and their mean, of unit
/// length sqrt(C) times the grey value, holds all of it.
double level_for_weights(const Array& image, double sigma_8bit);

/// Levels outside the range, image after image.
class LevelCheck {
 public:
  LevelCheck(std::string weights, const NoiseRange& range) : weights_(std::move(weights)), range_(range) {}
  /// `level`: level_for_weights of the image.
  void add(const std::string& image, double sigma_8bit, double level);
  /// What is to be said of them; "" where all lie inside.
  std::string warning() const;

 private:
  std::string weights_;
  NoiseRange range_;
  size_t total_ = 0, outside_ = 0;
  std::string first_;
};

}  // namespace sscvae::runtime
