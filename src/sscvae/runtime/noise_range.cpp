#include "sscvae/runtime/noise_range.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "sscvae/array/array.h"
#include "sscvae/array/elementwise.h"
#include "sscvae/core/error.h"
#include "sscvae/core/text.h"
#include "sscvae/core/wording.h"

namespace sscvae::runtime {

double parse_sigma(const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !(value >= 0) || value > 255)
    throw UsageError("--sigma-8bit: expected a number from 0 to 255 or auto, got '" + text + "'");
  return value;
}

NoiseRange trained_range(const OpenedModel& opened) {
  const auto& noise = opened.experiment.options.data.noise;
  if (opened.experiment.options.task != experiments::Task::kDenoise) return {};
  return {noise.sigma_8bit, std::max(noise.sigma_8bit, noise.sigma_8bit_max)};
}

std::string NoiseRange::text() const { return low == high ? to_text(low) : to_text(low) + " to " + to_text(high); }

double contrast_factor(double sigma_8bit, const NoiseRange& range) {
  if (range.high == 0) return 1;
  if (!(sigma_8bit > 0)) return range.low > 0 ? 2.0 : 1.0;
  return std::clamp(std::clamp(sigma_8bit, range.low, range.high) / sigma_8bit, 0.25, 2.0);
}

bool is_grey_in_colour(const Array& image) {
  return image.size(0) > 1 && equal(image, image.narrow(0, 0, 1).expand_as(image));
}

double level_for_weights(const Array& image, double sigma_8bit) {
  return is_grey_in_colour(image) ? sigma_8bit * std::sqrt(static_cast<double>(image.size(0))) : sigma_8bit;
}

void LevelCheck::add(const std::string& image, double sigma_8bit, double level) {
  ++total_;
  if (range_.contains(level)) return;
  if (outside_++ > 0) return;
  first_ = image + format(" (%.1f", sigma_8bit);
  first_ += level == sigma_8bit ? ")" : format(", which in a grey image is as %.1f to weights for colour)", level);
}

std::string LevelCheck::warning() const {
  if (outside_ == 0) return "";
  return "'" + weights_ + "' was trained with noise of " + range_.text() + " grey levels; " +
         share_text(outside_, total_, "image") + agreeing(outside_, " has", " have") +
         " another level, which may give worse results; the first: " + first_;
}

}  // namespace sscvae::runtime
