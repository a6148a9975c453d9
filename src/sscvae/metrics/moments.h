#pragma once

#include <cstdint>
#include <vector>

#include "sscvae/array/array.h"

/// Mean and covariance of rows that come a few at a time.
namespace sscvae::metrics {

/// Holds at most 3 m rows of length d, m = max(d, 256), however many were added, and takes time in proportion to their
/// number. Not the covariance C is kept but a factor A with A^T A = (N - 1) C, which loses no digits where C is
/// singular (N <= d): rows about their own mean are appended, with one more for the way between both means (Chan,
/// Golub, LeVeque 1979), and from 2 m rows on replaced by the triangle of their QR decomposition. In double.
class Moments {
 public:
  Moments() = default;
  /// Moments that were kept. Errors: ShapeError unless they fit each other.
  Moments(int64_t count, Array mean, Array factor);

  /// Rows [n,d]. Errors: ShapeError for another d than before.
  void add(const Array& rows);
  int64_t count() const { return count_; }
  const Array& mean() const { return mean_; }  ///< [d], undefined before the first row
  /// A [r,d] with A^T A = (N - 1) C and r <= 3 m.
  Array factor() const;
  bool is_finite() const;

 private:
  void append(const Array& rows);
  int64_t count_ = 0, held_ = 0;
  Array mean_;
  std::vector<Array> rows_;
};

}  // namespace sscvae::metrics
