#pragma once

#include <c10/core/Device.h>

#include "sscvae/kernels/lista_elements.h"

/// Who runs the element-wise steps of lista_elements.h on which device.
namespace sscvae::nn {

using kernels::MatrixGradientStep;
using kernels::MatrixShape;
using kernels::MatrixShrinkStep;

/// Pointers are to memory of `device`. Errors: InternalError if the device refuses.
struct ListaSteps {
  void (*shrink)(c10::Device device, const MatrixShape& shape, const MatrixShrinkStep& step);
  void (*gradient)(c10::Device device, const MatrixShape& shape, const MatrixGradientStep& step);
};

/// One loop on the CPU: the reference that tests compare with.
const ListaSteps& plain_steps();

/// By lista_kernel.cu on the current stream of the device; null in a build without it (see cmake/Cuda.cmake).
const ListaSteps* cuda_steps();

}  // namespace sscvae::nn
