#include "sscvae/metrics/moments.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/linalg_qr.h>

#include <algorithm>
#include <cmath>

#include "sscvae/core/error.h"
#include "sscvae/core/shape.h"
#include "sscvae/metrics/planes.h"

namespace sscvae::metrics {

namespace {

/// Rows taken at once. Of short rows more than their length: a decomposition for each few would be all that is done.
int64_t piece_of(int64_t length) { return std::max<int64_t>(length, 256); }

}  // namespace

Moments::Moments(int64_t count, at::Tensor mean, at::Tensor factor) : count_(count), mean_(std::move(mean)) {
  check_shape(mean_, "mean", "d", {-1});
  check_shape(factor, "factor", "r,d", {-1, mean_.size(0)});
  append(factor);
}

void Moments::append(const at::Tensor& rows) {
  rows_.push_back(rows);
  held_ += rows.size(0);
  if (held_ <= 2 * piece_of(rows.size(1))) return;
  const at::Tensor all = factor();
  // A NaN spoils the result anyway, and decompositions may not bear it.
  const bool finite = at::isfinite(all).all().item<bool>();
  rows_ = {finite ? std::get<1>(at::linalg_qr(all, "r")) : all.narrow(0, 0, rows.size(1)).fill_(std::nan(""))};
  held_ = rows_[0].size(0);
}

void Moments::add(const at::Tensor& rows) {
  if (mean_.defined()) check_shape(rows, "rows", "n,d", {-1, mean_.size(0)});
  else check_shape(rows, "rows", "n,d", {-1, -1});
  const int64_t piece = piece_of(rows.size(1)) - 1;  // and one for the way between the means
  for (int64_t begin = 0; begin < rows.size(0); begin += piece) {
    const at::Tensor some = plain(rows.narrow(0, begin, std::min(piece, rows.size(0) - begin)));
    const auto before = static_cast<double>(count_), now = static_cast<double>(some.size(0));
    const at::Tensor mean = some.mean(0);
    at::Tensor centred = some - mean;
    if (count_ > 0) {
      const at::Tensor way = mean - mean_;
      centred = at::cat({centred, (way * std::sqrt(before * now / (before + now))).unsqueeze(0)});
      mean_ = mean_ + way * (now / (before + now));
    } else {
      mean_ = mean;
    }
    count_ += some.size(0);
    append(centred);
  }
}

at::Tensor Moments::factor() const {
  return rows_.empty() ? at::empty({0, mean_.defined() ? mean_.size(0) : 0}, at::kDouble) : at::cat(rows_);
}

bool Moments::is_finite() const {
  if (mean_.defined() && !at::isfinite(mean_).all().item<bool>()) return false;
  return std::all_of(rows_.begin(), rows_.end(),
                     [](const at::Tensor& rows) { return at::isfinite(rows).all().item<bool>(); });
}

}  // namespace sscvae::metrics
