#include "sscvae/image/noise_level.h"

#include <torch/types.h>

#include "sscvae/core/shape.h"

namespace sscvae::image {

double estimate_sigma_8bit(const at::Tensor& image) {
  check_shape(image, "image", "C,H,W", {-1, -1, -1});
  const int64_t height = image.size(1) / 2 * 2, width = image.size(2) / 2 * 2;
  if (height == 0 || width == 0) return 0;
  const at::Tensor even = image.narrow(1, 0, height).narrow(2, 0, width).to(at::kDouble);
  const at::Tensor blocks = even.reshape({image.size(0), height / 2, 2, width / 2, 2});
  const at::Tensor top = blocks.select(2, 0), bottom = blocks.select(2, 1);
  const at::Tensor detail =
      (top.select(3, 0) - top.select(3, 1) - bottom.select(3, 0) + bottom.select(3, 1)).div(2).abs().flatten(1);
  const at::Tensor used = detail.masked_select(detail.amax(0).gt(0).expand_as(detail)).reshape({image.size(0), -1});
  if (used.numel() == 0) return 0;
  const at::Tensor deviation = std::get<0>(used.median(1)) / 0.6745 * 255;
  return deviation.median().item<double>();
}

}  // namespace sscvae::image
