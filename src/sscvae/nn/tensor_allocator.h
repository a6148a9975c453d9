#pragma once

namespace sscvae::nn {

/// Makes LibTorch take CPU tensors of a megabyte and more from the heap that arrays use (core/tensor_heap.h) from now
/// on; others, and what does not fit, come from where they did. Call before the first tensor; further calls do nothing.
void use_tensor_heap();

}  // namespace sscvae::nn
