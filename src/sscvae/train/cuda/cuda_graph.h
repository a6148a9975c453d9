#pragma once

#include "sscvae/train/recorded_work.h"

namespace sscvae::train {

/// record_work for a GPU. The source needs headers of CUDA, this one none.
std::unique_ptr<RecordedWork> record_cuda_graph(c10::Device device, const std::function<void()>& work);

}  // namespace sscvae::train
