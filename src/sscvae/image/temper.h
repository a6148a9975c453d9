#pragma once

#include "sscvae/array/array.h"

/// What a denoiser may change where there is hardly any noise.
namespace sscvae::image {

/// All in grey levels of 0 to 255.
struct TemperRule {
  static constexpr double kModelError = 0.9;          ///< m
  static constexpr double kTextureInEstimates = 1.8;  ///< of an image itself, what an estimated level holds of it
  static constexpr double kUnlimited = 5;
  static constexpr int64_t kRadius = 4;  ///< of the windows, whose side is 2 kRadius + 1
};

/// Images [C,H,W] in [0,1]: input + w (output - input), whatever the weights made of the image; without noise the
/// input. With s the noise level in grey levels, r = output - input, and <> the mean over 9 x 9 pixels of a channel,
///   w = min(1, s^2 <u> v / <r^2>),   u = 0 where the input is exactly 0 or 1, else 1
/// What a denoiser takes away is noise, whose energy s^2 is known; where <r^2> is larger, the rest is the model's
/// error. `removed` (see NoiseProbe) is the share p of the noise that the output is without. Then v = p: the w of least
/// error, with which no result is worse than the input where no noise was cut off (Stein 1981). Towards level 5, from
/// where noise may be louder in one place than in another, v = (1 - q) p + q (1 + s^2 / 5^2), q = min(1, (s / 5)^8).
/// Undefined, v = 1 + s^2 / 5^2, and w is multiplied with s^2 / (s^2 + m^2), m = 0.9 grey levels: the share of least
/// error where noise and a model's error of m are unrelated. Saturated pixels are taken to have no noise, as it was cut
/// off there. No pixel moves by more than 9 s sqrt(v). `estimated` levels hold some texture, whose square is taken off
/// s^2 first.
Array temper(const Array& input, const Array& output, double sigma_8bit, bool estimated, const Array& removed = {});

/// Which share of the noise a denoiser takes away, by a second pass: with random signs b and a step e,
///   removed = 1 - b (f(x + e b) - f(x)) / e,
/// whose mean is 1 less that of the diagonal of f's derivative (Ramani, Blu, Unser 2008).
class NoiseProbe {
 public:
  /// Does temper want to know, for that level? Below 5, unless nothing of the noise is left.
  static bool is_wanted(double sigma_8bit, bool estimated);
  /// An image that is grey in colour is to be probed `in_grey`, with the same signs in all channels.
  NoiseProbe(const Array& input, double sigma_8bit, bool in_grey);
  const Array& input() const { return moved_; }
  /// `moved`: the result of input().
  Array removed(const Array& output, const Array& moved) const;

 private:
  double step_;
  Array signs_, moved_;
};

}  // namespace sscvae::image
