#include "sscvae/models/autoencoder.h"

#include "sscvae/core/error.h"
#include "sscvae/core/shape.h"
#include "sscvae/image/padding.h"

namespace sscvae::models {

at::Tensor Autoencoder::decode_indices(const at::Tensor&) {
  throw UsageError("model " + options_.name + " has no codes with numbers");
}

ForwardResult forward_any_size(Autoencoder& model, const at::Tensor& images) {
  check_shape(images, "images", "N,C,H,W", {-1, model.options().in_channels, -1, -1});
  const int64_t height = images.size(2), width = images.size(3), multiple = model.size_multiple();
  const auto missing = [multiple](int64_t size) { return (multiple - size % multiple) % multiple; };
  if (missing(height) == 0 && missing(width) == 0) return model.forward(images);
  ForwardResult result = model.forward(image::reflect_pad(images, missing(height), missing(width)));
  for (at::Tensor* image_sized : {&result.logits, &result.reconstruction})
    *image_sized = image_sized->slice(2, 0, height).slice(3, 0, width);
  return result;
}

}  // namespace sscvae::models
