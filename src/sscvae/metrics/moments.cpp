#include "sscvae/metrics/moments.h"

#include <algorithm>
#include <cmath>

#include "sscvae/array/decompositions.h"
#include "sscvae/array/elementwise.h"
#include "sscvae/array/reductions.h"
#include "sscvae/array/selection.h"
#include "sscvae/array/shape.h"
#include "sscvae/core/error.h"
#include "sscvae/metrics/planes.h"

namespace sscvae::metrics {

namespace {

/// Rows taken at once. Of short rows more than their length: a decomposition for each few would be all that is done.
int64_t piece_of(int64_t length) { return std::max<int64_t>(length, 256); }

bool holds_finite(const Array& values) { return all(isfinite(values)); }

}  // namespace

Moments::Moments(int64_t count, Array mean, Array factor) : count_(count), mean_(std::move(mean)) {
  check_shape(mean_, "mean", "d", {-1});
  check_shape(factor, "factor", "r,d", {-1, mean_.size(0)});
  append(factor);
}

void Moments::append(const Array& rows) {
  rows_.push_back(rows);
  held_ += rows.size(0);
  if (held_ <= 2 * piece_of(rows.size(1))) return;
  const Array held = factor();
  // A NaN spoils the result anyway, and decompositions may not bear it.
  const bool finite = holds_finite(held);
  rows_ = {finite ? triangular_factor(held) : Array::full({rows.size(1), rows.size(1)}, std::nan(""), kFloat64)};
  held_ = rows_[0].size(0);
}

void Moments::add(const Array& rows) {
  if (mean_.defined()) check_shape(rows, "rows", "n,d", {-1, mean_.size(0)});
  else check_shape(rows, "rows", "n,d", {-1, -1});
  const int64_t piece = piece_of(rows.size(1)) - 1;  // and one for the way between the means
  for (int64_t begin = 0; begin < rows.size(0); begin += piece) {
    const Array some = plain(rows.narrow(0, begin, std::min(piece, rows.size(0) - begin)));
    const auto before = static_cast<double>(count_), now = static_cast<double>(some.size(0));
    const Array centre = sscvae::mean(some, {0});
    Array centred = some - centre;
    if (count_ > 0) {
      const Array way = centre - mean_;
      centred = cat({centred, (way * std::sqrt(before * now / (before + now))).unsqueeze(0)});
      mean_ = mean_ + way * (now / (before + now));
    } else {
      mean_ = centre;
    }
    count_ += some.size(0);
    append(centred);
  }
}

Array Moments::factor() const {
  return rows_.empty() ? Array::empty({0, mean_.defined() ? mean_.size(0) : 0}, kFloat64) : cat(rows_);
}

bool Moments::is_finite() const {
  return (!mean_.defined() || holds_finite(mean_)) && std::all_of(rows_.begin(), rows_.end(), holds_finite);
}

}  // namespace sscvae::metrics
