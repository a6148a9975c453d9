#include "sscvae/train/previews.h"

#include <algorithm>

#include "sscvae/core/error.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/report/colormap.h"

#include <ATen/Functions.h>

namespace sscvae::train {

namespace {

constexpr int64_t kPreviewsPerRun = 16;

at::Tensor as_rgb(const at::Tensor& image) { return image.size(0) == 3 ? image : image.expand({3, -1, -1}); }

at::Tensor row_of(const ValidationImage& image, const at::Tensor& reconstruction) {
  const at::Tensor residual = image::to_array(report::residual_image(image.target, reconstruction));
  return at::cat({as_rgb(image.input).clamp(0, 1), as_rgb(reconstruction).clamp(0, 1), as_rgb(residual)}, 2);
}

}  // namespace

image::Image preview_sheet(const std::vector<ValidationImage>& images, const std::vector<at::Tensor>& reconstructions) {
  SSCVAE_ASSERT(images.size() == reconstructions.size() && !images.empty());
  std::vector<at::Tensor> rows;
  int64_t width = 0;
  for (size_t i = 0; i < images.size(); ++i) {
    rows.push_back(row_of(images[i], reconstructions[i].nan_to_num()));
    width = std::max(width, rows.back().size(2));
  }
  for (at::Tensor& row : rows) row = at::constant_pad_nd(row, {0, width - row.size(2)});
  return image::from_array(at::cat(rows, 1));
}

bool preview_due(int64_t previous, int64_t step, int64_t total_steps) {
  return step >= total_steps || step * kPreviewsPerRun / total_steps > previous * kPreviewsPerRun / total_steps;
}

}  // namespace sscvae::train
