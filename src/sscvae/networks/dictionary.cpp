#include "sscvae/networks/dictionary.h"

#include <cmath>
#include <numbers>

#include "sscvae/array/draws.h"
#include "sscvae/array/elementwise.h"
#include "sscvae/array/reductions.h"
#include "sscvae/core/error.h"
#include "sscvae/graph/functions.h"

namespace sscvae::networks {

namespace {

int64_t exact_root(int64_t value) {
  const auto root = static_cast<int64_t>(std::llround(std::sqrt(static_cast<double>(value))));
  return root * root == value ? root : 0;
}

Array lengths(const Array& table, int64_t axis) { return sqrt(sum(square(table), {axis}, true)); }

/// The strides of a transposed [K,d] table, as the authors' files have them.
Array reference_dct(int64_t atom_dim, int64_t num_atoms) {
  const Array n = Array::range(atom_dim, kFloat32), k = Array::range(num_atoms, kFloat32).unsqueeze(1);
  const Array table = cos((2 * n + 1) * k * (std::numbers::pi / (2.0 * static_cast<double>(atom_dim))));
  return (table / lengths(table, 1)).t();
}

/// Columns (i, j) -> a[:, i] x b[:, j].
Array kronecker(const Array& a, const Array& b) {
  const Array product = a.view({a.size(0), 1, a.size(1), 1}) * b.view({1, b.size(0), 1, b.size(1)});
  return product.reshape({a.size(0) * b.size(0), a.size(1) * b.size(1)});
}

}  // namespace

Array overcomplete_dct_1d(int64_t atom_dim, int64_t num_atoms) {
  const Array n = Array::range(atom_dim, kFloat64).unsqueeze(1), k = Array::range(num_atoms, kFloat64);
  const Array table = cos(n * k * (std::numbers::pi / static_cast<double>(num_atoms)));
  const Array waves = table.slice(1, 1, num_atoms);
  waves -= mean(waves, {0}, true);
  return table / lengths(table, 0);
}

Array overcomplete_dct_2d(int64_t atom_dim, int64_t num_atoms) {
  const int64_t side = exact_root(atom_dim);
  SSCVAE_ASSERT(side > 0);
  auto per_axis = static_cast<int64_t>(std::ceil(std::sqrt(static_cast<double>(num_atoms))));
  while (per_axis * per_axis < num_atoms) ++per_axis;
  const Array axis = overcomplete_dct_1d(side, per_axis);
  return kronecker(axis, axis).slice(1, 0, num_atoms).contiguous();
}

Array initial_dictionary(DictionaryInit kind, int64_t atom_dim, int64_t num_atoms, uint64_t seed) {
  switch (kind) {
    case DictionaryInit::kReferenceDct:
      return reference_dct(atom_dim, num_atoms);
    case DictionaryInit::kOvercompleteDct:
      return (atom_dim > 1 && exact_root(atom_dim) > 0 ? overcomplete_dct_2d(atom_dim, num_atoms)
                                                       : overcomplete_dct_1d(atom_dim, num_atoms))
          .to(kFloat32);
    case DictionaryInit::kRandom:
      break;
  }
  return graph::Functions<Array>::unit_columns(Draws(seed).normal({atom_dim, num_atoms}));
}

}  // namespace sscvae::networks
