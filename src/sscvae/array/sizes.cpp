#include "sscvae/array/sizes.h"

#include "sscvae/core/error.h"

namespace sscvae {

void Sizes::insert(size_t at, int64_t value) {
  if (count_ == kMostAxes) throw ShapeError("arrays have at most 8 axes");
  std::copy_backward(begin() + at, end(), end() + 1);
  values_[at] = value;
  ++count_;
}

std::string to_string(const Sizes& sizes) {
  std::string text = "[";
  for (size_t i = 0; i < sizes.size(); ++i) text += (i == 0 ? "" : ", ") + std::to_string(sizes[i]);
  return text + "]";
}

}  // namespace sscvae
