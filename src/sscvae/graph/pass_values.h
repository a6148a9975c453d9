#pragma once

#include <vector>

#include "sscvae/array/array.h"

namespace sscvae::graph {

/// What a pass made of the values that have a name (NamedValues), float32 on the CPU; undefined where a network or the
/// one who ran it has none.
struct PassValues {
  Array features;                                   ///< E, the encoder's output [N,d,h,w]
  Array threshold_inference, threshold_refinement;  ///< alpha before and after refinement, broadcastable to the code
  Array threshold;                                  ///< theta = alpha / L, in code units
  Array code;            ///< z [N,K,h,w] (VQ: the nearest codes, VAE: the mean of the code's distribution [N,d,h,w])
  Array coded_features;  ///< D z, the decoder's input [N,d,h,w] (VQ: the code; VAE: undefined)
  Array logits;          ///< decoder output before the output activation [N,C,H,W]
  Array reconstruction;  ///< x-hat [N,C,H,W]
  Array mean, log_variance;    ///< VAE only
  Array indices;               ///< VQ only: the numbers of the codes, int64 [N,h,w]
  std::vector<Array> outputs;  ///< of a network that is no autoencoder

  /// The code where it is a sparse one, else undefined: what non-zeros and Hoyer's figure are about.
  Array sparse_code() const { return threshold.defined() ? code : Array(); }
};

}  // namespace sscvae::graph
