#pragma once

#include "sscvae/array/array.h"

namespace sscvae::image {

/// What an image says about its noise: how it is filtered, and from which size of the response on it counts.
struct NoiseFilters {
  Array filters;        ///< [F,1,n,n], unit length
  Array small_filters;  ///< [F,1,m,m], m < n, for narrow spaces between edges; undefined where n = 2
  static constexpr int64_t kSmallest = 16;  ///< side of an image, pixels, below which other filters serve
  static constexpr int64_t kStride = 2;
  static constexpr double kFlat = 1e-6;      ///< responses below are rounding errors of flat areas
  static constexpr double kNormal = 0.6745;  ///< median of |x| for x of standard deviation 1
  static constexpr int64_t kFewest = 64;     ///< positions without saturated pixels, below which the others count, too
  // Windows of positions, whose mean energy is taken.
  static constexpr int64_t kWindow = 16, kWindowStep = 8;
  static constexpr double kSilent = 0.1;  ///< share of positions without response that shows a page in black and white
  static constexpr int64_t kFewestWindows = 25;  ///< below which single responses decide
  static constexpr double kQuiet = 0.05;         ///< share of the windows that are quieter than the one taken
  static constexpr double kMostOfFirst = 1.5;    ///< times the mean of the others: what the first filter counts at most
  static constexpr double kQuietBias = 0.79;     ///< its energy for white noise of variance 1, by simulation
  // Single positions, whose energy bounds that of the windows.
  static constexpr double kCalmest = 0.01;        ///< share of the positions that are calmer than the one taken
  static constexpr double kCalmestBias = 0.0102;  ///< 1/1.1 of its energy for white noise of variance 1, by simulation
};
/// For images of that size: the three highest frequencies of the 8 x 8 cosine transform, or the diagonal of 2 x 2 for
/// images below kSmallest pixels. The first one is the highest of all. The small ones are those of 4 x 4.
NoiseFilters noise_filters(int64_t height, int64_t width);

/// Standard deviation of the white Gaussian noise in an image [C,H,W] in [0,1], in 8-bit grey levels. For each channel:
/// 1. Take the responses to noise_filters() at every second row and column, and their energy: the mean square over the
///    filters. The first filter, which answers to checkers of single pixels, counts for at most kMostOfFirst times the
///    others.
/// 2. Average over windows of kWindow x kWindow positions and take the window below which a share of kQuiet lies.
/// 3. Bound that by the calmest kCalmest of single positions, of 8 x 8 and of 4 x 4 pixels, as white noise would show
///    there too. Text and dense patterns have edges in every window, but not at every position.
/// The result is the median over channels. With few windows it is median|d| / 0.6745 over all responses d above kFlat
/// (Donoho & Johnstone 1994).
///
/// Left out are positions that see a pixel of exactly 0 or 1 in any channel, where noise was clipped, while kFewest
/// others remain; and positions without any response (a frame around the image), unless they are half of all, which
/// makes the image a drawing without noise. An image of black on white, with hardly a window free of pixels of 0 and 1
/// and at least kSilent of its positions silent, has no noise either. 0 where nothing remains, or every pixel is 0
/// or 1.
///
/// Images have least energy of their own at the highest frequencies of 8 x 8 pixels and in weakly textured regions
/// (Liu, Tanaka, Okutomi 2013); what there is counts as noise. Root mean square error on the 32 images of BSDS500 val
/// outside BSD68 (sigma_8bit in the JSON of `denoise --add-noise S`), in grey levels: 0.99 without added noise, 0.51 at
/// 15, 0.39 at 25, 0.54 at 50; of the median over all responses 2.72, 0.77, 0.45, 0.34.
double estimate_sigma_8bit(const Array& image);

}  // namespace sscvae::image
