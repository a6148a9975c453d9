#pragma once

#include <cstdint>
#include <vector>

/// How sure a mean over a few images is.
namespace sscvae::metrics {

/// A mean and the interval that holds it with the given confidence, were other images of the same kind drawn.
struct Interval {
  double mean = 0, low = 0, high = 0;
  int64_t count = 0;     ///< values used
  int64_t left_out = 0;  ///< values that were NaN
};

struct BootstrapOptions {
  uint64_t seed = 1;
  int64_t resamples = 2000;
  double confidence = 0.95;
};

/// Percentile bootstrap: the mean of `resamples` redrawings with replacement, sorted, and of these the two quantiles
/// (linear interpolation) that enclose the confidence. Deterministic for a seed. NaN is left out; infinite values (the
/// PSNR of equal images) count, and make the mean infinite. With none left all figures are NaN; one value has a mean
/// and no interval (NaN), as it says nothing about other images. Errors: UsageError for resamples < 1 or a confidence
/// outside (0, 1). Source: Efron 1979.
Interval bootstrap_mean(const std::vector<double>& values, const BootstrapOptions& options = {});

/// The same for the mean of a[i] - b[i], which is 0 where both are infinite alike, image by image: far narrower than
/// two separate intervals, because what makes an image hard is common to both. An interval that excludes 0 says that
/// one of the two is better. Errors: UsageError for lists of different length, and as above.
Interval bootstrap_paired_difference(const std::vector<double>& a, const std::vector<double>& b,
                                     const BootstrapOptions& options = {});

}  // namespace sscvae::metrics
