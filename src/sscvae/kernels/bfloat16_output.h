#pragma once

#include "sscvae/array/array.h"
#include "sscvae/kernels/bfloat16_loops.h"
#include "sscvae/kernels/epilogue.h"

namespace sscvae::kernels::bfloat16 {

/// Where a convolution's results go, and what they meet on the way.
class Output {
 public:
  /// As for Bfloat16Convolution::run.
  Output(const Array& out, const Epilogue& epilogue);
  /// Sets everything in `finish` but biases, edges, counts and the activation: the results of pixels (row, column) of
  /// an image and, below it, (row + 1, column), before pooling, for 32 channels from `channel` on.
  void aim(int64_t image, int64_t row, int64_t column, int64_t channel, Finish& finish) const;
  int64_t channels() const { return channels_; }

 private:
  char* out_;
  const uint16_t *mask_ = nullptr, *residual_ = nullptr;
  bool pool_, is_float_;
  int64_t channels_, image_stride_, row_stride_, pixel_stride_;
};

}  // namespace sscvae::kernels::bfloat16
