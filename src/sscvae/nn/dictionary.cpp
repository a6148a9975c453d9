#include "sscvae/nn/dictionary.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/linalg_eigh.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/mv.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <limits>

namespace sscvae::nn {

namespace {

constexpr int kSquarings = 20;

}  // namespace

at::Tensor normalize_atoms(const at::Tensor& dictionary) {
  return dictionary / dictionary.norm(2, {0}, true).clamp_min(1e-12);
}

at::Tensor top_direction(const at::Tensor& gram) {
  const int64_t size = gram.size(0);
  at::Tensor power = gram / gram.norm().clamp_min(std::numeric_limits<double>::min());
  for (int i = 0; i < kSquarings; ++i) {
    power = at::mm(power, power);
    power = power / power.norm().clamp_min(std::numeric_limits<double>::min());
  }
  // All columns point that way; the longest is the least noisy.
  const at::Tensor longest = power.square().sum({0}).argmax().view({1});
  return power.index_select(1, longest).view({size});
}

at::Tensor largest_eigenvalue(const at::Tensor& dictionary) {
  at::Tensor direction;
  {
    const at::NoGradGuard no_grad;
    const at::Tensor exact = dictionary.detach().to(at::kDouble);
    const at::Tensor gram = exact.size(0) <= exact.size(1) ? at::mm(exact, exact.t()) : at::mm(exact.t(), exact);
    // LibTorch's decomposition waits for a device, which must not happen in a training step, and throws at NaN, which
    // is for the trainer to report.
    const bool decomposes = gram.device().is_cpu() && gram.isfinite().all().item<bool>();
    const at::Tensor top =
        decomposes ? std::get<1>(at::linalg_eigh(gram)).select(1, gram.size(0) - 1) : top_direction(gram);
    // Both Gram matrices share their non-zero eigenvalues; the quotient below needs the vector on the feature side.
    direction = exact.size(0) <= exact.size(1) ? top : at::mv(exact, top);
    direction = (direction / direction.norm()).to(dictionary.scalar_type());
  }
  return at::mv(dictionary.t(), direction).square().sum();
}

}  // namespace sscvae::nn
