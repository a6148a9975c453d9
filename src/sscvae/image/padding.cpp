#include "sscvae/image/padding.h"

#include <algorithm>

#include "sscvae/array/shape.h"
#include "sscvae/core/error.h"
#include "sscvae/core/text.h"

namespace sscvae::image {

namespace {

void check_rank(const Array& image) {
  if (image.dim() != 3 && image.dim() != 4)
    throw ShapeError("image: expected [N,C,H,W] or [C,H,W], got " + shape_text(image));
}

Array extend(const Array& image, int64_t axis, int64_t extra) {
  const int64_t size = image.size(axis);
  if (extra == 0) return image;
  if (extra < 0 || size == 0)
    throw ShapeError(format("cannot pad an axis of %lld pixels by %lld", static_cast<long long>(size),
                            static_cast<long long>(extra)));
  return reflected_span(image, axis, 0, size + extra);
}

}  // namespace

int64_t reflected_index(int64_t i, int64_t size) {
  if (size == 1) return 0;
  const int64_t period = 2 * (size - 1);
  const int64_t m = ((i % period) + period) % period;
  return m < size ? m : period - m;
}

Array reflected_span(const Array& image, int64_t axis, int64_t begin, int64_t size) {
  const int64_t length = image.size(axis), inside = std::min(size, length - begin);
  if (inside == size) return image.narrow(axis, begin, size);
  Sizes sizes = image.sizes();
  sizes[static_cast<size_t>(axis)] = size;
  const Array span = Array::empty(sizes, image.type());
  span.narrow(axis, 0, inside).copy_(image.narrow(axis, begin, inside));
  for (int64_t i = inside; i < size; ++i)
    span.select(axis, i).copy_(image.select(axis, reflected_index(begin + i, length)));
  return span;
}

int64_t round_up(int64_t value, int64_t multiple) { return (value + multiple - 1) / multiple * multiple; }

Array reflect_pad(const Array& nchw, int64_t bottom, int64_t right) {
  check_rank(nchw);
  return extend(extend(nchw, nchw.dim() - 2, bottom), nchw.dim() - 1, right);
}

Array reflect_pad_to_multiple(const Array& nchw, int64_t multiple) {
  check_rank(nchw);
  if (multiple < 1) throw UsageError("padding: expected a multiple >= 1, got " + std::to_string(multiple));
  const int64_t height = nchw.size(-2), width = nchw.size(-1);
  return reflect_pad(nchw, round_up(height, multiple) - height, round_up(width, multiple) - width);
}

Array crop_to(const Array& nchw, int64_t height, int64_t width) {
  check_rank(nchw);
  if (height < 0 || width < 0 || height > nchw.size(-2) || width > nchw.size(-1))
    throw ShapeError(format("cannot crop %s to %lldx%lld", shape_text(nchw).c_str(), static_cast<long long>(height),
                            static_cast<long long>(width)));
  return nchw.narrow(-2, 0, height).narrow(-1, 0, width);
}

}  // namespace sscvae::image
