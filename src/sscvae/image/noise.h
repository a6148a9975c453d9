#pragma once

#include <cstdint>

#include "sscvae/array/array.h"
#include "sscvae/core/options.h"

/// Noise with known seeds. `sigma_8bit` is the standard deviation in 8-bit grey levels (0 to 255); images lie
/// in [0,1], so sigma_8bit / 255 is added.
namespace sscvae::image {

/// gaussian: white, added. speckle: of log-compressed ultrasound, see add_speckle.
enum class Noise { kGaussian, kSpeckle };

/// numpy.random.seed(seed) followed by numpy.random.normal(0, scale, hwc_shape): float64, row-major, bit for bit.
/// Source: numpy's legacy generator (MT19937, polar method, the second deviate of a pair is kept for the next value).
Array numpy_gaussian(uint32_t seed, double scale, const Sizes& hwc_shape);

/// The rule under which denoisers publish: the generator is seeded anew for each image and drawn in the order row,
/// column, channel; the sum is formed in float64 and rounded once to the image's precision; values are not clipped
/// unless `clip` ([0,1]). Takes and returns [C,H,W]. The same image and seed give the same noise at every batch size.
/// Errors: ShapeError if not [C,H,W]; UsageError for a negative or non-finite sigma.
Array add_gaussian_noise(const Array& chw_image, double sigma_8bit, uint32_t seed, bool clip);

/// Multiplicative speckle as log-compressed ultrasound shows it. The image is taken for an intensity in decibels over a
/// range of 60 dB; the intensity is multiplied by gamma-distributed values of mean 1 and `looks` degrees (1: fully
/// developed speckle, more: compounded): image + (10 / 60) log10(g). In the compressed image that is additive, white,
/// of the same strength everywhere, skewed towards dark, and darker by some grey levels in the mean. Values are not
/// clipped unless `clip`. The same image and seed give the same speckle. Errors as add_gaussian_noise. Source: Goodman
/// 1975 (speckle statistics); log-gamma noise of log-compressed B-mode images: Dutt & Greenleaf 1996.
Array add_speckle(const Array& chw_image, double sigma_8bit, uint64_t seed, bool clip);
/// The same in place for training: values[i] += (10 / 60) log10(g_i).
void add_speckle(float* values, int64_t count, double sigma_8bit, uint64_t seed);
/// The degrees at which the compressed speckle has that standard deviation (9.7 grey levels: 4; 23.7: 1). Infinite at
/// 0.
double speckle_looks(double sigma_8bit);
/// What add_speckle draws by: value i gains scale (log g_i - log_looks), where log g_i is log_gamma_variate(., looks)
/// from the words of Random(stream), one after another; nothing where looks is infinite.
struct Speckle {
  double looks, log_looks, scale;
  uint64_t stream;
};
Speckle speckle_of(double sigma_8bit, uint64_t seed);

/// Either of them, by kind.
Array add_noise(Noise kind, const Array& chw_image, double sigma_8bit, uint32_t seed, bool clip);

}  // namespace sscvae::image

template <>
inline const std::vector<std::string>& sscvae::choice_names<sscvae::image::Noise>() {
  static const std::vector<std::string> names{"gaussian", "speckle"};
  return names;
}
