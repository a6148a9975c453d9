#include "sscvae/nn/lista_steps.h"

#ifdef SSCVAE_CUDA_KERNELS  // set where CMake compiles lista_kernel.cu
#include <c10/core/DeviceGuard.h>
#include <c10/core/Stream.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <string>

#include "sscvae/core/error.h"
#include "sscvae/kernels/lista_kernel.cuh"
#endif

namespace sscvae::nn {

namespace {

template <class Step>
void run_all(c10::Device, const MatrixShape& shape, const Step& step) {
  kernels::run_share(shape, step, {0, 1, 0, 1});
}

#ifdef SSCVAE_CUDA_KERNELS
template <class Step, int (*launch)(const MatrixShape&, const Step&, CUstream_st*)>
void queue(c10::Device device, const MatrixShape& shape, const Step& step) {
  const c10::DeviceGuard guard(device);
  const c10::Stream stream = c10::impl::VirtualGuardImpl(device.type()).getStream(device);
  const int error = launch(shape, step, static_cast<CUstream_st*>(stream.native_handle()));
  if (error != 0) throw InternalError(std::string("shrinkage on the GPU: ") + kernels::cuda_error_text(error));
}
#endif

}  // namespace

const ListaSteps& plain_steps() {
  static constexpr ListaSteps steps{run_all<MatrixShrinkStep>, run_all<MatrixGradientStep>};
  return steps;
}

#ifdef SSCVAE_CUDA_KERNELS
const ListaSteps* cuda_steps() {
  static constexpr ListaSteps steps{queue<MatrixShrinkStep, kernels::launch_shrink_step>,
                                    queue<MatrixGradientStep, kernels::launch_gradient_step>};
  return &steps;
}
#else
const ListaSteps* cuda_steps() { return nullptr; }
#endif

}  // namespace sscvae::nn
