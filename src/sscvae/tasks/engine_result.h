#pragma once

#include "sscvae/engine/engine.h"
#include "sscvae/models/autoencoder.h"
#include "sscvae/nn/arrays.h"

namespace sscvae::tasks {

/// What the engine made, in tensors that share its memory.
inline models::ForwardResult forward_result(const engine::Result& made) {
  models::ForwardResult result;
  result.features = made.features;
  result.threshold = made.threshold;
  result.code = made.code;
  result.indices = made.indices;
  result.coded_features = made.coded_features;
  result.logits = made.logits;
  result.reconstruction = made.reconstruction;
  result.mean = made.mean;
  result.log_variance = made.log_variance;
  return result;
}

}  // namespace sscvae::tasks
