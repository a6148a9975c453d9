#pragma once

#include "sscvae/array/array.h"

/// Figures of merit. Everything is computed in double precision from whatever arrays come in, and is the same number on
/// every machine up to the last rounding. Ranges are never guessed from the data.
///
/// Images are [H,W], [C,H,W] or [N,C,H,W]: the last two axes are a plane, all axes before them count planes.
/// Errors common to all of them: ShapeError for unequal or empty arrays.
namespace sscvae::metrics {

/// Mean of (a - b)^2 over all values, channels together.
double mean_squared_error(const Array& a, const Array& b);

/// 10 log10(data_range^2 / MSE) in dB with one MSE over all channels; infinite for equal images.
double psnr_db(const Array& a, const Array& b, double data_range = 1.0);

/// Structural similarity, mean over all window positions that lie inside a plane, then over planes:
///   (2 ma mb + C1)(2 cov + C2) / ((ma^2 + mb^2 + C1)(va + vb + C2)),  C1 = (0.01 R)^2, C2 = (0.03 R)^2, R =
///   data_range.
/// This one: a flat 7x7 window with sample variances (divided by 48, not 49), what scikit-image computes by default and
/// what the SSC-VAE release prints. The outer 3 pixels are no window centres.
/// Errors: ShapeError naming the size if a side is below 7.
double ssim_uniform(const Array& a, const Array& b, double data_range = 1.0);

/// The same formula with the window of its inventors: 11x11 Gaussian of standard deviation 1.5, weights summing to one,
/// plain weighted variances. The outer 5 pixels are no window centres.
/// Errors: ShapeError naming the size if a side is below 11. Source: Wang, Bovik, Sheikh, Simoncelli 2004.
double ssim_gaussian(const Array& a, const Array& b, double data_range = 1.0);

inline constexpr int64_t kUniformWindow = 7;
inline constexpr int64_t kGaussianWindow = 11;
inline constexpr int64_t kHistogramBins = 100;

/// Normalised mutual information (H(a) + H(b)) / H(a,b) of each plane, then the mean: 1 for independent, 2 for equal
/// images. From a joint histogram of 100x100 bins: bin i of an image begins at min + i * ((max - min) / 100), a value
/// belongs to the last bin that begins at or below it, the maximum to bin 99.
/// The bin edges are rounded in the input's own precision (float32, or float64 for doubles and integers): grey levels
/// k/255 fall onto edges, so that float32 and float64 versions of one 8-bit image can differ by 1e-3.
/// NaN if both planes are constant or any value is not finite. Source: Studholme, Hill, Hawkes 1999.
double nmi(const Array& a, const Array& b);

/// Hoyer sparsity (sqrt(K) - |z|_1/|z|_2) / (sqrt(K) - 1) of the K values at each position, mean over positions: 0 if
/// all are equally large, 1 if one alone is not zero. code is [K,h,w] or [N,K,h,w]. A position of zeros only counts as
/// 1 (nothing is sparser) and so does every position where K is 1. The SSC-VAE release divides 0 by 0 there, which
/// makes its figure for the whole batch NaN. Source: Hoyer 2004.
double hoyer(const Array& code);

/// Mean number of values other than zero at a position (0 ... K). code as above.
double nonzeros_per_position(const Array& code);

/// Share of exact zeros among all values of the code.
double zero_fraction(const Array& code);

/// ||E - Dz||^2 / ||E||^2 over all values: how much of the features the sparse code leaves unexplained. 0 is perfect, 1
/// is as good as an empty code. Features of zeros only: 0 if Dz is zero too, otherwise infinite.
double fit_error(const Array& features, const Array& coded_features);

}  // namespace sscvae::metrics
