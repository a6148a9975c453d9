#include "sscvae/metrics/code_rate.h"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "sscvae/core/error.h"
#include "sscvae/core/shape.h"

namespace sscvae::metrics {

namespace {

constexpr int64_t kLargest = int64_t{1} << 30, kSpan = 2 * kLargest + 1;

}  // namespace

void SymbolCounts::add(const at::Tensor& symbols) {
  check_shape(symbols, "symbols", "N,K,h,w", {-1, -1, -1, -1});
  if (symbols.scalar_type() != at::kLong) throw ShapeError("symbols: expected int64 values");
  if (symbols.numel() == 0) return;
  if (atoms_ > 0 && symbols.size(1) != atoms_) throw ShapeError("symbols: expected as many atoms as before");
  if (symbols.abs().max().item<int64_t>() > kLargest) throw ShapeError("symbols: expected -2^30 to 2^30");
  atoms_ = symbols.size(1);
  occupied_.resize(static_cast<size_t>(atoms_));
  positions_ += symbols.numel() / atoms_;
  const at::Tensor rows = symbols.cpu().permute({0, 2, 3, 1}).reshape({-1, atoms_});
  const at::Tensor keys = (rows + at::arange(atoms_, at::kLong) * kSpan).masked_select(rows.ne(0)).contiguous();
  std::vector<int64_t> sorted(keys.const_data_ptr<int64_t>(), keys.const_data_ptr<int64_t>() + keys.numel());
  std::sort(sorted.begin(), sorted.end());
  for (auto first = sorted.begin(); first != sorted.end();) {
    const auto last = std::upper_bound(first, sorted.end(), *first);
    const int64_t atom = (*first + kLargest) / kSpan;
    nonzeros_[{atom, *first - atom * kSpan}] += last - first;
    occupied_[static_cast<size_t>(atom)] += last - first;
    first = last;
  }
}

void SymbolCounts::add(const SymbolCounts& other) {
  if (other.empty()) return;
  if (atoms_ > 0 && other.atoms_ != atoms_) throw ShapeError("symbols: expected as many atoms as before");
  atoms_ = other.atoms_;
  positions_ += other.positions_;
  for (const auto& [symbol, count] : other.nonzeros_) nonzeros_[symbol] += count;
  occupied_.resize(static_cast<size_t>(atoms_));
  for (size_t atom = 0; atom < occupied_.size(); ++atom) occupied_[atom] += other.occupied_[atom];
}

double SymbolCounts::bits(const SymbolCounts& part) const {
  const double positions = static_cast<double>(positions_);
  double bits = 0;
  for (const auto& [symbol, count] : part.nonzeros_) {
    const auto known = nonzeros_.find(symbol);
    SSCVAE_ASSERT(known != nonzeros_.end());
    bits -= static_cast<double>(count) * std::log2(static_cast<double>(known->second) / positions);
  }
  for (size_t atom = 0; atom < part.occupied_.size(); ++atom)
    if (const int64_t zeros = part.positions_ - part.occupied_[atom]; zeros > 0)
      bits -= static_cast<double>(zeros) * std::log2(static_cast<double>(positions_ - occupied_[atom]) / positions);
  return bits;
}

}  // namespace sscvae::metrics
