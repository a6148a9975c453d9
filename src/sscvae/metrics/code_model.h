#pragma once

#include <vector>

#include "sscvae/array/array.h"

namespace sscvae::metrics {

/// What sparse codes of usual images look like, position by position: how often each of K atoms is used, and how
/// strongly.
struct CodeModel {
  std::vector<double> shares;      ///< of the positions where an atom is used
  std::vector<double> magnitudes;  ///< mean |z| where it is used
  double position_limit = 0;       ///< surprise below which 99 % of usual positions stay
  double image_limit = 0;          ///< share of positions above it from which on a whole image is unusual

  /// What a code costs in bits, up to a constant, if atoms are used independently with these shares and their
  /// magnitudes are exponentially distributed: the sum over used atoms of log2((1 - share) / share) + |z| / (magnitude
  /// ln 2). [N,K,h,w] -> [N,h,w]. Errors: ShapeError.
  Array surprise(const Array& code) const;
};

/// From the codes of usual images, each [1,K,h,w]. Atoms that none of them uses count as used at half a position. An
/// image is unusual from 1.5 times the largest share on that these images have above position_limit, and from 5 % at
/// least. Errors: UsageError without codes, or if none has a non-zero; ShapeError.
CodeModel fit_code_model(const std::vector<Array>& codes);

}  // namespace sscvae::metrics
