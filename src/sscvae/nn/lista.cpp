#include "sscvae/nn/lista.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/zeros.h>

#include "sscvae/array/shape.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/nn/soft_threshold.h"

namespace sscvae::nn {

at::Tensor lista_step(const at::Tensor& code, const at::Tensor& filtered, const at::Tensor& inhibition,
                      const at::Tensor& threshold) {
  return soft_threshold(at::addmm(filtered, code, inhibition.t()), threshold);
}

at::Tensor lista(const at::Tensor& features, const at::Tensor& dictionary, const at::Tensor& lipschitz,
                 const at::Tensor& threshold, int64_t num_iterations, InitialCode initial_code) {
  check_shape(dictionary, "dictionary", "d,K", {-1, -1});
  check_shape(features, "features", "P,d", {-1, dictionary.size(0)});
  const int64_t num_atoms = dictionary.size(1);
  const at::Tensor correlations = at::mm(features, dictionary);
  const at::Tensor filtered = correlations / lipschitz;
  const at::Tensor inhibition =
      at::eye(num_atoms, dictionary.options()) - at::mm(dictionary.t(), dictionary) / lipschitz;

  at::Tensor code;
  int64_t steps_left = num_iterations;
  if (initial_code == InitialCode::kProjected) {
    code = soft_threshold(correlations, threshold);
  } else if (num_iterations == 0) {
    code = at::zeros({features.size(0), num_atoms}, features.options());
  } else {
    code = soft_threshold(filtered, threshold);  // the first step from zero
    --steps_left;
  }
  for (; steps_left > 0; --steps_left) code = lista_step(code, filtered, inhibition, threshold);
  return code;
}

at::Tensor lasso_objective(const at::Tensor& features, const at::Tensor& dictionary, const at::Tensor& alpha,
                           const at::Tensor& code) {
  const at::Tensor residual = features - at::mm(code, dictionary.t());
  return 0.5 * residual.square().sum(1) + (alpha * code.abs()).sum(1);
}

}  // namespace sscvae::nn
