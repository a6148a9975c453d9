#include "sscvae/models/autoencoder.h"

#include <ATen/ops/empty.h>

#include "sscvae/array/shape.h"
#include "sscvae/core/error.h"
#include "sscvae/image/padding.h"
#include "sscvae/nn/arrays.h"

namespace sscvae::models {

namespace {

/// image::reflect_pad for tensors of any device.
at::Tensor reflected(const at::Tensor& images, int64_t axis, int64_t size) {
  const int64_t given = images.size(axis);
  if (size == given) return images;
  at::Tensor indices = at::empty({size}, at::kLong);
  for (int64_t i = 0; i < size; ++i) indices.mutable_data_ptr<int64_t>()[i] = image::reflected_index(i, given);
  return images.index_select(axis, indices.to(images.device()));
}

}  // namespace

at::Tensor pad_to_multiple(const at::Tensor& images, int64_t multiple) {
  return reflected(reflected(images, 2, image::round_up(images.size(2), multiple)), 3,
                   image::round_up(images.size(3), multiple));
}

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
  if (height % multiple == 0 && width % multiple == 0) return pass(images);
  ForwardResult result = pass(pad_to_multiple(images, multiple));
  for (at::Tensor* image_sized : {&result.logits, &result.reconstruction})
    if (image_sized->defined()) *image_sized = image_sized->slice(2, 0, height).slice(3, 0, width);
  return result;
}

}  // namespace sscvae::models
