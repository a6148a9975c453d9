#include "sscvae/nn/dictionary.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cos.h>
#include <ATen/ops/kron.h>
#include <ATen/ops/linalg_eigh.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/mv.h>
#include <ATen/ops/randn.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <cmath>
#include <limits>
#include <numbers>

#include "sscvae/core/error.h"

namespace sscvae::nn {

namespace {

constexpr int kSquarings = 20;

int64_t exact_root(int64_t value) {
  const auto root = static_cast<int64_t>(std::llround(std::sqrt(static_cast<double>(value))));
  return root * root == value ? root : 0;
}

/// The strides of a transposed [K,d] table, as the authors' files have them.
at::Tensor reference_dct(int64_t atom_dim, int64_t num_atoms) {
  const at::Tensor n = at::arange(atom_dim, at::kFloat), k = at::arange(num_atoms, at::kFloat).unsqueeze(1);
  const at::Tensor table = at::cos((2 * n + 1) * k * (std::numbers::pi / (2.0 * static_cast<double>(atom_dim))));
  return (table / table.norm(2, {1}, true)).t();
}

}  // namespace

at::Tensor overcomplete_dct_1d(int64_t atom_dim, int64_t num_atoms) {
  const at::Tensor n = at::arange(atom_dim, at::kDouble).unsqueeze(1), k = at::arange(num_atoms, at::kDouble);
  at::Tensor table = at::cos(n * k * (std::numbers::pi / static_cast<double>(num_atoms)));
  table.slice(1, 1) -= table.slice(1, 1).mean({0}, true);
  return table / table.norm(2, {0}, true);
}

at::Tensor overcomplete_dct_2d(int64_t atom_dim, int64_t num_atoms) {
  const int64_t side = exact_root(atom_dim);
  SSCVAE_ASSERT(side > 0);
  auto per_axis = static_cast<int64_t>(std::ceil(std::sqrt(static_cast<double>(num_atoms))));
  while (per_axis * per_axis < num_atoms) ++per_axis;
  const at::Tensor axis = overcomplete_dct_1d(side, per_axis);
  return at::kron(axis, axis).slice(1, 0, num_atoms).contiguous();
}

at::Tensor initial_dictionary(DictionaryInit kind, int64_t atom_dim, int64_t num_atoms, at::Generator generator) {
  switch (kind) {
    case DictionaryInit::kReferenceDct:
      return reference_dct(atom_dim, num_atoms);
    case DictionaryInit::kOvercompleteDct:
      return (atom_dim > 1 && exact_root(atom_dim) > 0 ? overcomplete_dct_2d(atom_dim, num_atoms)
                                                       : overcomplete_dct_1d(atom_dim, num_atoms))
          .to(at::kFloat);
    case DictionaryInit::kRandom:
      break;
  }
  return normalize_atoms(at::randn({atom_dim, num_atoms}, generator, at::TensorOptions(at::kFloat)));
}

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
