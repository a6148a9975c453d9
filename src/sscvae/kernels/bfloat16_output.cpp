#include "sscvae/kernels/bfloat16_output.h"

#include <algorithm>

#include "sscvae/array/array.h"
#include "sscvae/core/error.h"

namespace sscvae::kernels::bfloat16 {

namespace {

const uint16_t* bits_if_there(const Array& tensor) {
  return tensor.defined() ? reinterpret_cast<const uint16_t*>(tensor.data<BFloat16>()) : nullptr;
}

}  // namespace

Output::Output(const Array& out, const Epilogue& epilogue)
    : out_(static_cast<char*>(out.bytes())),
      mask_(bits_if_there(epilogue.mask)),
      residual_(bits_if_there(epilogue.residual)),
      pool_(epilogue.pool),
      is_float_(out.type() == kFloat32),
      channels_(out.size(1)),
      image_stride_(out.stride(0)),
      row_stride_(out.stride(2)),
      pixel_stride_(out.stride(3)) {
  SSCVAE_ASSERT(out.stride(1) == 1 || channels_ == 1);
  SSCVAE_ASSERT(!(pool_ && (residual_ || mask_)));
}

void Output::aim(int64_t image, int64_t row, int64_t column, int64_t channel, Finish& f) const {
  const int64_t shrink = pool_ ? 2 : 1;
  f.pool = pool_;
  f.out_float = is_float_;
  f.pixel_stride = pixel_stride_;
  f.channels = std::min<int64_t>(32, channels_ - channel);
  const int64_t offset = image * image_stride_ + row / shrink * row_stride_ + column / shrink * pixel_stride_ + channel;
  for (int64_t i = 0; i < 2; ++i) {
    const int64_t place = offset + i * row_stride_;
    f.out[i] = out_ + place * (is_float_ ? 4 : 2);
    f.mask[i] = mask_ ? mask_ + place : nullptr;
    f.residual[i] = residual_ ? residual_ + place : nullptr;
  }
}

}  // namespace sscvae::kernels::bfloat16
