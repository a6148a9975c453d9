#include "sscvae/train/cuda/cuda_graph.h"

#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include <exception>

namespace sscvae::train {

namespace {

std::exception_ptr failure_of(const std::function<void()>& work) {
  try {
    work();
  } catch (...) {
    return std::current_exception();
  }
  return nullptr;
}

class CudaGraph : public RecordedWork {
 public:
  CudaGraph(c10::Device device, const std::function<void()>& work) {
    const c10::cuda::CUDAGuard on_device(device);
    c10::cuda::device_synchronize();
    // The default stream cannot be recorded. The backward pass follows the forward pass to this one.
    const c10::cuda::CUDAStreamGuard on_stream(c10::cuda::getStreamFromPool(false, device.index()));
    const c10::MempoolId_t pool = at::cuda::graph_pool_handle();
    graph_.capture_begin(pool);
    std::exception_ptr failure = failure_of(work);
    // Also after a failure: the stream must become an ordinary one again.
    if (const std::exception_ptr at_end = failure_of([this] { graph_.capture_end(); }); !failure) failure = at_end;
    if (!failure) return;
    // Where the recording had become invalid, LibTorch stops before it takes its memory back.
    failure_of([&] { c10::cuda::CUDACachingAllocator::endAllocateToPool(device.index(), pool); });
    std::rethrow_exception(failure);
  }
  void run() override { graph_.replay(); }

 private:
  at::cuda::CUDAGraph graph_;
};

}  // namespace

std::unique_ptr<RecordedWork> record_cuda_graph(c10::Device device, const std::function<void()>& work) {
  return std::make_unique<CudaGraph>(device, work);
}

}  // namespace sscvae::train
