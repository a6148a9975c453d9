#include "sscvae/train/recorded_work.h"

#include "sscvae/core/error.h"

#ifdef SSCVAE_CUDA_GRAPHS  // set where CMake compiles cuda/cuda_graph.cpp
#include "sscvae/train/cuda/cuda_graph.h"
#endif

namespace sscvae::train {

std::unique_ptr<RecordedWork> record_work(c10::Device device, const std::function<void()>& work) {
#ifdef SSCVAE_CUDA_GRAPHS
  if (device.is_cuda()) return record_cuda_graph(device, work);
#endif
  throw UsageError("there are no CUDA graphs for " + device.str() + " in this build");
}

}  // namespace sscvae::train
