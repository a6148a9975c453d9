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
  return forward_padded(images, model.size_multiple(), [&](const at::Tensor& x) { return model.forward(x); });
}

ForwardResult forward_padded(const at::Tensor& images, int64_t multiple,
                             const std::function<ForwardResult(const at::Tensor&)>& pass) {
  const int64_t height = images.size(2), width = images.size(3);
  const auto missing = [multiple](int64_t size) { return (multiple - size % multiple) % multiple; };
  if (missing(height) == 0 && missing(width) == 0) return pass(images);
  ForwardResult result = pass(image::reflect_pad(images, missing(height), missing(width)));
  for (at::Tensor* image_sized : {&result.logits, &result.reconstruction})
    if (image_sized->defined()) *image_sized = image_sized->slice(2, 0, height).slice(3, 0, width);
  return result;
}

}  // namespace sscvae::models
