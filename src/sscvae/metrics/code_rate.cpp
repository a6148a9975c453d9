#include "sscvae/metrics/code_rate.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <vector>

#include "sscvae/array/shape.h"
#include "sscvae/core/error.h"

namespace sscvae::metrics {

namespace {

constexpr int64_t kLargest = int64_t{1} << 30, kSpan = 2 * kLargest + 1;

/// Atom and symbol of every entry [N,K,h,w] that is not 0 as one key, ascending.
std::vector<int64_t> sorted_keys(const Array& symbols) {
  const Array values = symbols.contiguous();
  const int64_t atoms = values.size(1), positions = values.size(2) * values.size(3);
  const int64_t* next = values.data<int64_t>();
  std::vector<int64_t> keys;
  for (int64_t row = 0; row < values.size(0) * atoms; ++row)
    for (int64_t p = 0; p < positions; ++p) {
      const int64_t symbol = *next++;
      if (symbol < -kLargest || symbol > kLargest) throw ShapeError("symbols: expected -2^30 to 2^30");
      if (symbol != 0) keys.push_back(row % atoms * kSpan + symbol);
    }
  std::sort(keys.begin(), keys.end());
  return keys;
}

}  // namespace

void SymbolCounts::add(const Array& symbols) {
  check_shape(symbols, "symbols", "N,K,h,w", {-1, -1, -1, -1});
  if (symbols.type() != kInt64) throw ShapeError("symbols: expected int64 values");
  if (symbols.numel() == 0) return;
  SymbolCounts counts;
  counts.atoms_ = symbols.size(1);
  counts.occupied_.resize(static_cast<size_t>(counts.atoms_));
  counts.positions_ = symbols.numel() / counts.atoms_;
  const std::vector<int64_t> keys = sorted_keys(symbols);
  for (auto first = keys.begin(); first != keys.end();) {
    const auto last = std::upper_bound(first, keys.end(), *first);
    counts.nonzeros_.emplace_back(*first, last - first);
    counts.occupied_[static_cast<size_t>((*first + kLargest) / kSpan)] += last - first;
    first = last;
  }
  add(counts);
}

void SymbolCounts::add(const SymbolCounts& other) {
  if (other.empty()) return;
  if (atoms_ > 0 && other.atoms_ != atoms_) throw ShapeError("symbols: expected as many atoms as before");
  atoms_ = other.atoms_;
  positions_ += other.positions_;
  std::vector<std::pair<int64_t, int64_t>> both;
  both.reserve(nonzeros_.size() + other.nonzeros_.size());
  std::merge(nonzeros_.begin(), nonzeros_.end(), other.nonzeros_.begin(), other.nonzeros_.end(),
             std::back_inserter(both));
  nonzeros_.clear();
  for (const auto& [key, count] : both)
    if (nonzeros_.empty() || nonzeros_.back().first != key) nonzeros_.emplace_back(key, count);
    else nonzeros_.back().second += count;
  occupied_.resize(static_cast<size_t>(atoms_));
  for (size_t atom = 0; atom < occupied_.size(); ++atom) occupied_[atom] += other.occupied_[atom];
}

double SymbolCounts::bits(const SymbolCounts& part) const {
  const double positions = static_cast<double>(positions_);
  double bits = 0;
  auto known = nonzeros_.begin();
  for (const auto& [key, count] : part.nonzeros_) {
    while (known != nonzeros_.end() && known->first < key) ++known;
    SSCVAE_ASSERT(known != nonzeros_.end() && known->first == key);
    bits -= static_cast<double>(count) * std::log2(static_cast<double>(known->second) / positions);
  }
  for (size_t atom = 0; atom < part.occupied_.size(); ++atom)
    if (const int64_t zeros = part.positions_ - part.occupied_[atom]; zeros > 0)
      bits -= static_cast<double>(zeros) * std::log2(static_cast<double>(positions_ - occupied_[atom]) / positions);
  return bits;
}

}  // namespace sscvae::metrics
