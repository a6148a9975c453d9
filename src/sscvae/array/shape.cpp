#include "sscvae/array/shape.h"

#include "sscvae/core/error.h"
#include "sscvae/core/text.h"

namespace sscvae {

std::string shape_text(const Array& array) { return array.defined() ? to_string(array.sizes()) : "nothing"; }

void check_shape(const Array& array, const char* name, const char* axes, std::initializer_list<int64_t> expected) {
  bool fits = array.defined() && array.dim() == static_cast<int64_t>(expected.size());
  int64_t axis = 0;
  for (const int64_t size : expected) {
    fits = fits && (size == -1 || array.size(axis) == size);
    ++axis;
  }
  if (fits) return;
  std::vector<std::string> names = split(axes, ',');
  axis = 0;
  for (const int64_t size : expected) {
    if (size != -1) names.at(static_cast<size_t>(axis)) = std::to_string(size);
    ++axis;
  }
  throw ShapeError(std::string(name) + ": expected [" + join(names, ", ") + "], got " + shape_text(array));
}

}  // namespace sscvae
