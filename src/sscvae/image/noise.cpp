#include "sscvae/image/noise.h"

#include <cmath>
#include <limits>
#include <numbers>

#include "sscvae/array/elementwise.h"
#include "sscvae/array/shape.h"
#include "sscvae/core/error.h"
#include "sscvae/core/random.h"
#include "sscvae/core/text.h"

namespace sscvae::image {

namespace {

void check_sigma(double sigma_8bit) {
  if (!std::isfinite(sigma_8bit) || sigma_8bit < 0)
    throw UsageError("sigma_8bit: expected a number >= 0, got " + to_text(sigma_8bit));
}

constexpr double kDynamicRange = 60;  // dB
/// Of log10 intensities in the image's units.
const double kDecibels = 10 / kDynamicRange, kNatural = kDecibels / std::numbers::ln10;

/// Second derivative of log gamma, x > 0: recurrence up to 6, then the asymptotic series (Abramowitz & Stegun 6.4.12).
double trigamma(double x) {
  double sum = 0;
  for (; x < 6; x += 1) sum += 1 / (x * x);
  const double r = 1 / (x * x);
  return sum + 1 / x + r / 2 + r / x * (1.0 / 6 - r * (1.0 / 30 - r * (1.0 / 42 - r / 30)));
}

}  // namespace

double speckle_looks(double sigma_8bit) {
  check_sigma(sigma_8bit);
  const double wished = std::pow(sigma_8bit / 255 / kNatural, 2);
  if (wished == 0) return std::numeric_limits<double>::infinity();
  double low = 1e-6, high = 1 / wished + 1;  // trigamma falls, and lies between 1/x and 1/x + 1/x^2
  for (int i = 0; i < 100; ++i) {
    const double middle = std::sqrt(low * high);
    (trigamma(middle) > wished ? low : high) = middle;
  }
  return low;
}

Speckle speckle_of(double sigma_8bit, uint64_t seed) {
  const double looks = speckle_looks(sigma_8bit);
  return {looks, std::log(looks), kNatural, derive_seed(seed, "speckle")};
}

void add_speckle(float* values, int64_t count, double sigma_8bit, uint64_t seed) {
  const Speckle speckle = speckle_of(sigma_8bit, seed);
  if (std::isinf(speckle.looks)) return;
  Random random(speckle.stream);
  for (int64_t i = 0; i < count; ++i)
    values[i] += static_cast<float>(speckle.scale * (log_gamma_variate(random, speckle.looks) - speckle.log_looks));
}

Array add_speckle(const Array& chw_image, double sigma_8bit, uint64_t seed, bool clip) {
  check_shape(chw_image, "image", "C,H,W", {-1, -1, -1});
  Array noisy = Array::empty(chw_image.sizes()).copy_(chw_image);
  add_speckle(noisy.data<float>(), noisy.numel(), sigma_8bit, seed);
  if (clip) noisy = clamp(noisy, 0, 1);
  return noisy.to(chw_image.type());
}

Array add_noise(Noise kind, const Array& chw_image, double sigma_8bit, uint32_t seed, bool clip) {
  return kind == Noise::kSpeckle ? add_speckle(chw_image, sigma_8bit, seed, clip)
                                 : add_gaussian_noise(chw_image, sigma_8bit, seed, clip);
}

Array numpy_gaussian(uint32_t seed, double scale, const Sizes& hwc_shape) {
  const Array noise = Array::empty(hwc_shape, kFloat64);
  MersenneTwister generator = MersenneTwister::numpy(seed);
  double* values = noise.data<double>();
  for (int64_t i = 0; i < noise.numel(); ++i) values[i] = scale * generator.next_gauss();
  return noise;
}

Array add_gaussian_noise(const Array& chw_image, double sigma_8bit, uint32_t seed, bool clip) {
  check_shape(chw_image, "image", "C,H,W", {-1, -1, -1});
  check_sigma(sigma_8bit);
  const Array noise =
      numpy_gaussian(seed, sigma_8bit / 255.0, {chw_image.size(1), chw_image.size(2), chw_image.size(0)});
  const Array sum = chw_image.to(kFloat64) + noise.permute({2, 0, 1});
  const Array noisy = sum.to(chw_image.type()).contiguous();
  return clip ? clamp(noisy, 0, 1) : noisy;
}

}  // namespace sscvae::image
