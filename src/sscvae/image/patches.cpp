#include "sscvae/image/patches.h"

#include <algorithm>
#include <string>

#include "sscvae/array/shape.h"
#include "sscvae/core/error.h"
#include "sscvae/core/text.h"

namespace sscvae::image {

namespace {

void check_grid(int64_t size, int64_t stride) {
  if (size < 1) throw UsageError("patch size: expected >= 1, got " + std::to_string(size));
  if (stride < 1) throw UsageError("patch stride: expected >= 1, got " + std::to_string(stride));
}

int64_t count_along(int64_t length, int64_t size, int64_t stride) {
  return length < size ? 0 : (length - size) / stride + 1;
}

void check_inside(const PatchPosition& position, int64_t size, int64_t height, int64_t width) {
  if (position.x >= 0 && position.y >= 0 && position.x <= width - size && position.y <= height - size) return;
  throw ShapeError(format("patch of %lld pixels at x %lld, y %lld leaves the %lldx%lld image",
                          static_cast<long long>(size), static_cast<long long>(position.x),
                          static_cast<long long>(position.y), static_cast<long long>(width),
                          static_cast<long long>(height)));
}

Array window(const Array& chw, const PatchPosition& position, int64_t size) {
  return chw.narrow(1, position.y, size).narrow(2, position.x, size);
}

void check_patches(const Array& patches, const std::vector<PatchPosition>& positions, int64_t height, int64_t width) {
  check_shape(patches, "patches", "P,C,size,size", {static_cast<int64_t>(positions.size()), -1, -1, -1});
  const int64_t size = patches.size(3);
  check_shape(patches, "patches", "P,C,size,size", {-1, -1, size, size});
  if (height < 0 || width < 0) throw ShapeError("stitched image: negative size");
  for (const PatchPosition& position : positions) check_inside(position, size, height, width);
}

}  // namespace

std::vector<PatchPosition> training_grid(int64_t height, int64_t width, int64_t size, int64_t stride) {
  check_grid(size, stride);
  std::vector<PatchPosition> grid;
  for (int64_t x = 0; x < count_along(width, size, stride); ++x)
    for (int64_t y = 0; y < count_along(height, size, stride); ++y) grid.push_back({x * stride, y * stride});
  return grid;
}

std::vector<PatchPosition> test_grid(int64_t height, int64_t width, int64_t size, int64_t stride) {
  check_grid(size, stride);
  std::vector<PatchPosition> grid;
  for (int64_t y = 0; y < count_along(height, size, stride); ++y)
    for (int64_t x = 0; x < count_along(width, size, stride); ++x) grid.push_back({x * stride, y * stride});
  return grid;
}

GridSize covered_size(int64_t height, int64_t width, int64_t size, int64_t stride) {
  check_grid(size, stride);
  const int64_t rows = count_along(height, size, stride), columns = count_along(width, size, stride);
  if (rows == 0 || columns == 0) return {};
  return {(rows - 1) * stride + size, (columns - 1) * stride + size};
}

Array middle_of(const Array& chw, int64_t side) {
  const int64_t height = std::min(side, chw.size(1)), width = std::min(side, chw.size(2));
  return chw.narrow(1, (chw.size(1) - height) / 2, height).narrow(2, (chw.size(2) - width) / 2, width);
}

Array extract_patches(const Array& chw, const std::vector<PatchPosition>& positions, int64_t size) {
  check_shape(chw, "image", "C,H,W", {-1, -1, -1});
  check_grid(size, 1);
  for (const PatchPosition& position : positions) check_inside(position, size, chw.size(1), chw.size(2));
  const Array patches = Array::empty({static_cast<int64_t>(positions.size()), chw.size(0), size, size}, chw.type());
  for (size_t i = 0; i < positions.size(); ++i)
    patches.select(0, static_cast<int64_t>(i)).copy_(window(chw, positions[i], size));
  return patches;
}

Array stitch_patches(const Array& patches, const std::vector<PatchPosition>& positions, int64_t height, int64_t width) {
  check_patches(patches, positions, height, width);
  const Array image = Array::zeros({patches.size(1), height, width}, patches.type());
  for (size_t i = 0; i < positions.size(); ++i)
    window(image, positions[i], patches.size(3)).copy_(patches.select(0, static_cast<int64_t>(i)));
  return image;
}

}  // namespace sscvae::image
