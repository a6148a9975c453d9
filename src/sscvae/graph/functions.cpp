#include "sscvae/graph/functions.h"

#include "sscvae/array/decompositions.h"
#include "sscvae/image/noise_level.h"

namespace sscvae::graph {

std::vector<double> Functions<Array>::noise_levels(const Array& images) {
  std::vector<double> levels;
  for (int64_t i = 0; i < images.size(0); ++i) levels.push_back(image::estimate_sigma_8bit(images.select(0, i)));
  return levels;
}

Array Functions<Array>::unit_columns(const Array& matrix) {
  return matrix / clamp_min(sqrt(sscvae::sum(square(matrix), {0}, true)), 1e-12);
}

Array Functions<Array>::largest_eigenvalue(const Array& dictionary) {
  const Array exact = dictionary.to(kFloat64);
  const Array gram = exact.size(0) <= exact.size(1) ? mm(exact, exact.t()) : mm(exact.t(), exact);
  return Array::scalar(max(eigenvalues(gram)), dictionary.type());
}

}  // namespace sscvae::graph
