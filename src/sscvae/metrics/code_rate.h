#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "sscvae/array/array.h"

namespace sscvae::metrics {

/// How often each symbol of a code occurs at each of its K atoms. The symbols of a sparse code are its entries as
/// multiples of a quantisation step; a discrete code is one atom whose symbols are numbers of codes.
class SymbolCounts {
 public:
  /// Counts int64 symbols [N,K,h,w] between -2^30 and 2^30. Errors: ShapeError for other types, or another K than
  /// before.
  void add(const Array& symbols);
  void add(const SymbolCounts& other);
  bool empty() const { return positions_ == 0; }
  /// How many numbers it keeps.
  size_t kept() const { return nonzeros_.size() + occupied_.size(); }

  /// What an entropy coder with the frequencies of *this, one table for each atom, spends on the symbols of `part`: the
  /// sum of -log2 of their shares, bits. The tables themselves are not counted; neighbouring positions and atoms tell
  /// each other nothing. `part` must be among what was added.
  double bits(const SymbolCounts& part) const;

 private:
  int64_t atoms_ = 0, positions_ = 0;
  std::vector<std::pair<int64_t, int64_t>> nonzeros_;  ///< atom and symbol as one key, ascending, and how often
  std::vector<int64_t> occupied_;                      ///< of each atom: how many entries are not 0
};

}  // namespace sscvae::metrics
