#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "sscvae/kernels/noise_elements.h"

/// Noise on the samples of a batch where the batch lies.
namespace sscvae::train {

using kernels::SampleNoise;

/// On the CPU always; on CUDA in a build with the kernels of cmake/Cuda.cmake.
bool has_sample_noise(c10::DeviceType device);

/// In place; `values` float32 [N,...] without gaps, one entry of `noise` for each of the N samples. A sample gets the
/// same values on every device up to the rounding of exp, log and cos, whatever stands beside it. Queued on the current
/// stream of a GPU, without waiting. Errors: ShapeError for other tensors; InternalError if the device refuses.
void add_sample_noise(const at::Tensor& values, const std::vector<SampleNoise>& noise);

}  // namespace sscvae::train
