#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <vector>

namespace sscvae::nn {

/// part(x), of which the backward pass keeps x only: it runs `part` once more and goes back from there (checkpointing:
/// Chen et al. 2016). Results and gradients are those of part(x), as both runs compute the same; the gradient of x may
/// lie otherwise in memory, so that what is summed over it later may differ in its last bits. `buffers`
/// (running statistics) are put back after the second run. `part` must not draw random numbers. Without gradients,
/// or where x needs none, this is part(x).
at::Tensor recompute(const std::vector<at::Tensor>& buffers, const std::function<at::Tensor(const at::Tensor&)>& part,
                     const at::Tensor& x);

}  // namespace sscvae::nn
