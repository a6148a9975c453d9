#pragma once

#include <ATen/core/Tensor.h>

#include "sscvae/data/training_batches.h"
#include "sscvae/nn/arrays.h"

namespace sscvae::train {

/// data::Batch in tensors of the CPU or of the device that trains: float32 [N,C,h,w] in [0,1].
struct Batch {
  at::Tensor input, target;  ///< the same tensor where nothing is done to the input
  std::vector<std::string> names;
  std::vector<double> sigma_8bit = {};
};

/// The same numbers, shared.
inline Batch tensors_of(const data::Batch& batch) {
  const at::Tensor target = batch.target;
  return {batch.input.bytes() == batch.target.bytes() ? target : at::Tensor(batch.input), target, batch.names,
          batch.sigma_8bit};
}

}  // namespace sscvae::train
