#pragma once

#include <string>
#include <vector>

#include "sscvae/array/array.h"
#include "sscvae/graph/pass_values.h"
#include "sscvae/image/image.h"
#include "sscvae/runtime/model.h"

/// What sparse and discrete codes look like.
namespace sscvae::tasks {

/// Every atom as the decoder draws it: decode(one-hot code at the middle of a 3x3 grid) - decode(0), [K,C,3f,3f] with f
/// the model's size multiple. With a codebook: each of the K codes at all nine positions, less the mean of these
/// pictures. Errors: UsageError for a model with neither.
Array decoded_atoms(const runtime::Model& model);

struct CodeMap {
  std::string name;     ///< "nonzeros", "threshold_inference", ...
  std::string caption;  ///< with the values of the lowest and highest colour
  double low = 0, high = 0;
  image::Image image;  ///< enlarged by pixel repetition where asked
};

/// Maps over latent positions of one image [1,C,H,W]: nonzeros (count), magnitude (sum of |z|), threshold_inference and
/// threshold_refinement (mean over atoms); of a codebook the numbers of the codes (indices). What the model does not
/// have is left out. Thresholds share one colour range. `enlarge` repeats each position so many times in both
/// directions.
std::vector<CodeMap> code_maps(const graph::PassValues& result, int64_t enlarge = 1);

}  // namespace sscvae::tasks
