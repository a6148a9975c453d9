#include "sscvae/nn/live.h"

#include "sscvae/nn/dictionary.h"

namespace sscvae::graph {

at::Tensor Functions<at::Tensor>::unit_columns(const at::Tensor& matrix) { return nn::normalize_atoms(matrix); }

at::Tensor Functions<at::Tensor>::largest_eigenvalue(const at::Tensor& dictionary) {
  return nn::largest_eigenvalue(dictionary);
}

std::vector<double> Functions<at::Tensor>::noise_levels(const at::Tensor& images) {
  return Functions<Array>::noise_levels(images.detach().cpu());
}

}  // namespace sscvae::graph
