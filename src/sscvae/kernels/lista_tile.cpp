#include "sscvae/kernels/lista_tile.h"

#include <algorithm>
#include <cmath>

#include "sscvae/array/array.h"
#include "sscvae/kernels/layout.h"
#include "sscvae/kernels/lista_bfloat16.h"

namespace sscvae::kernels {

namespace {

/// Four matrices of a tile (two codes, drive, threshold) take 1 MiB in float32, three and two halves 0.5 MiB in
/// bfloat16: together with S, or with D^T and D, they stay in a second-level cache of 2 MiB. Multiples of 28 = 2 * 14
/// and of 32 waste no rows of the blocks of either path.
int64_t rows_of_tile(int64_t padded_atoms, Precision precision) {
  if (precision == Precision::kBfloat16) return std::clamp<int64_t>(32768 / padded_atoms / 32 * 32, 32, 128);
  return std::clamp<int64_t>(65536 / padded_atoms / 28 * 28, 28, 224);
}

}  // namespace

Buffer::Buffer(int64_t count) {
  if (count == 0) return;
  memory_ = Array::zeros({count}, kFloat32);
  data_ = memory_.data<float>();
}

ListaPlan::ListaPlan(const ListaProblem& problem)
    : positions(problem.features.size(0)),
      dim(problem.dictionary.size(0)),
      atoms(problem.dictionary.size(1)),
      num_iterations(problem.num_iterations),
      padded_dim(round_up(dim, 32)),
      padded_atoms(round_up(atoms, problem.precision == Precision::kBfloat16 ? 64 : 32)),
      // 64 bytes more, so that rows do not all fall into the same sets of the cache; also room for a block of rows that
      // reads a transpose beyond its last column.
      dim_stride(padded_dim + 16),
      atom_stride(padded_atoms + 16),
      tile_rows(rows_of_tile(padded_atoms, problem.precision)),
      row_multiple(problem.precision == Precision::kBfloat16 ? 32 : 1),
      first_code(problem.projected_start ? 0 : 1),
      inverse_lipschitz(1.0F / problem.lipschitz.item<float>()),
      precision(problem.precision),
      factored(is_factored(dim, atoms, problem.precision)),
      simd(&lista_loops(problem.isa)) {}

Buffer pack_panels(const ListaPlan& plan, const float* matrix, int64_t stride, int64_t depth, int64_t columns) {
  const int64_t width = plan.simd->panel_width;
  Buffer panels(round_up(columns, 64) * depth);
  for (int64_t row = 0; row < depth; ++row)
    for (int64_t first = 0; first < columns; first += width)
      std::copy_n(matrix + row * stride + first, std::min(width, columns - first),
                  panels.data() + first * depth + row * width);
  return panels;
}

void multiply_panels(const ListaPlan& plan, Left left, const float* a, int64_t a_stride, const Buffer& panels,
                     int64_t rows, int64_t depth, int64_t columns, float* result, int64_t stride) {
  const int64_t width = plan.simd->panel_width;
  plan.simd->multiply({left, a, a_stride, panels.data(), depth * width, width, rows, depth, columns / width}, result,
                      stride, false);
}

ListaWeights::ListaWeights(const ListaPlan& plan, const Array& matrix, bool gradients) : for_gradients(gradients) {
  const int64_t stride = plan.atom_stride;
  const float* source = matrix.data<float>();
  rows = Buffer(ListaPlan::padded_rows(plan.dim) * stride);
  for (int64_t i = 0; i < plan.dim; ++i) std::copy_n(source + i * plan.atoms, plan.atoms, rows.data() + i * stride);
  dictionary = pack_panels(plan, rows.data(), stride, plan.dim, plan.atoms);
  if (plan.factored) pack_correction(plan);
  else pack_gram(plan);
  if (plan.factored || for_gradients) pack_transpose(plan);
}

void ListaWeights::pack_gram(const ListaPlan& plan) {
  const int64_t stride = plan.atom_stride;
  gram = Buffer(ListaPlan::padded_rows(plan.padded_atoms) * stride);
  multiply_panels(plan, Left::kTransposed, rows.data(), stride, dictionary, plan.atoms, plan.dim, plan.padded_atoms,
                  gram.data(), stride);
  plan.simd->scale(plan.inverse_lipschitz, gram.data(), nullptr, gram.data(), plan.padded_atoms * stride);
  if (plan.precision == Precision::kBfloat16) {
    bfloat16_gram = pack_bfloat16(gram.data(), stride, plan.padded_atoms, plan.padded_atoms);
  } else {
    Buffer full(plan.padded_atoms * stride);
    plan.simd->scale(-1.0F, gram.data(), nullptr, full.data(), plan.padded_atoms * stride);
    for (int64_t i = 0; i < plan.atoms; ++i) full.data()[i * stride + i] += 1.0F;
    inhibition = pack_panels(plan, full.data(), stride, plan.atoms, plan.atoms);
  }
}

void ListaWeights::pack_correction(const ListaPlan& plan) {
  const int64_t stride = plan.atom_stride;
  Buffer scaled(plan.dim * stride);
  plan.simd->scale(-plan.inverse_lipschitz, rows.data(), nullptr, scaled.data(), plan.dim * stride);
  correction = pack_panels(plan, scaled.data(), stride, plan.dim, plan.atoms);
}

void ListaWeights::pack_transpose(const ListaPlan& plan) {
  Buffer transposed(plan.atoms * plan.padded_dim);
  for (int64_t i = 0; i < plan.dim; ++i)
    for (int64_t k = 0; k < plan.atoms; ++k)
      transposed.data()[k * plan.padded_dim + i] = rows.data()[i * plan.atom_stride + k];
  transpose = pack_panels(plan, transposed.data(), plan.padded_dim, plan.atoms, plan.padded_dim);
}

ListaTile::ListaTile(const ListaPlan& plan, const ListaWeights& weights)
    : plan_(plan),
      weights_(weights),
      features_(plan.feature_buffer()),
      drive_(plan.code_buffer()),
      threshold_(plan.code_buffer()),
      scratch_(plan.code_buffer()) {
  if (!weights.for_gradients) return;
  for (Buffer* buffer : {&outer_, &drive_gradient_, &direct_gradient_, &threshold_gradient_})
    *buffer = plan.code_buffer();
}

void ListaTile::load_rows(const float* from, TileRange tile, int64_t columns, float* to, int64_t stride) const {
  for (int64_t i = 0; i < tile.count; ++i) std::copy_n(from + (tile.first + i) * columns, columns, to + i * stride);
  std::fill_n(to + tile.count * stride, (rows_ - tile.count) * stride, 0.0F);
}

void ListaTile::load_threshold(const ListaInputs& inputs, TileRange tile) {
  for (int64_t i = 0; i < tile.count; ++i) {
    const float* from = inputs.threshold + (tile.first + i) * inputs.threshold_row_stride;
    float* to = threshold_.data() + i * plan_.atom_stride;
    if (inputs.threshold_column_stride == 1) std::copy_n(from, plan_.atoms, to);
    else
      for (int64_t k = 0; k < plan_.atoms; ++k) to[k] = from[k * inputs.threshold_column_stride];
  }
}

void ListaTile::iterate(const ListaInputs& inputs, TileRange tile, int64_t last) {
  const int64_t stride = plan_.atom_stride;
  rows_ = round_up(tile.count, plan_.row_multiple);
  const int64_t count = rows_ * stride;
  load_rows(inputs.features, tile, plan_.dim, features_.data(), plan_.dim_stride);
  load_threshold(inputs, tile);
  float* correlations = scratch_.data();
  multiply_panels(plan_, Left::kPlain, features_.data(), plan_.dim_stride, weights_.dictionary, rows_, plan_.dim,
                  plan_.padded_atoms, correlations, stride);
  plan_.simd->scale(plan_.inverse_lipschitz, correlations, nullptr, drive_.data(), count);
  const int64_t first = plan_.first_code;
  if (last < first) return;
  plan_.simd->shrink(first == 0 ? correlations : drive_.data(), threshold_.data(), code_at(first), count);
  code_is_ready(first);
  for (int64_t t = first; t < last; ++t) step(t);
}

void ListaTile::forward(const ListaInputs& inputs, TileRange tile, float* code) {
  iterate(inputs, tile, plan_.num_iterations);
  const float* result = code_at(plan_.num_iterations);
  for (int64_t i = 0; i < tile.count; ++i)
    std::copy_n(result + i * plan_.atom_stride, plan_.atoms, code + (tile.first + i) * plan_.atoms);
}

void ListaTile::backward(const ListaInputs& inputs, TileRange tile, const ListaGradientRows& gradients,
                         const ListaSums& sums) {
  wants_threshold_ = gradients.threshold || sums.threshold;
  iterate(inputs, tile, plan_.num_iterations - 1);
  pass_steps(gradients, tile, sums);
  if (sums.drive_dot) *sums.drive_dot += drive_dot(tile);
  if (gradients.features || sums.dictionary) pass_correlations(gradients, tile, sums);
  if (wants_threshold_) pass_threshold(gradients, tile, sums);
}

void ListaTile::pass_steps(const ListaGradientRows& gradients, TileRange tile, const ListaSums& sums) {
  const int64_t stride = plan_.atom_stride, count = rows_ * stride, last = plan_.num_iterations;
  for (Buffer* buffer : {&drive_gradient_, &direct_gradient_, &threshold_gradient_})
    std::fill_n(buffer->data(), count, 0.0F);
  // What enters v(0) = x D directly, and what enters all later ones as y = x D / L.
  const auto sum_of = [&](int64_t t) { return t == 0 ? direct_gradient_.data() : drive_gradient_.data(); };
  load_rows(gradients.code, tile, plan_.atoms, scratch_.data(), stride);
  load_rows(gradients.code_gradient, tile, plan_.atoms, outer(), stride);
  plan_.simd->mask_gradient(outer(), {scratch_.data(), outer(), sum_of(last), threshold_gradient()}, count);
  outer_is_ready();
  for (int64_t t = last - 1; t >= plan_.first_code; --t) {
    if (sums.inhibition) add_weight_gradient(t, sums.inhibition);
    step_back(t, sum_of(t));
  }
  if (sums.inhibition) finish_weight_gradient(sums.inhibition);
}

double ListaTile::drive_dot(TileRange tile) const {
  double sums[8] = {};
  for (int64_t i = 0; i < tile.count; ++i) {
    const float* a = drive_gradient_.data() + i * plan_.atom_stride;
    const float* b = drive_.data() + i * plan_.atom_stride;
    for (int64_t k = 0; k < plan_.padded_atoms; k += 8)
      for (int64_t j = 0; j < 8; ++j) sums[j] += double{a[k + j]} * double{b[k + j]};
  }
  double sum = 0;
  for (const double part : sums) sum += part;
  return sum;
}

void ListaTile::pass_correlations(const ListaGradientRows& gradients, TileRange tile, const ListaSums& sums) {
  const int64_t stride = plan_.atom_stride, width = plan_.simd->panel_width;
  float* correlations = scratch_.data();
  plan_.simd->scale(plan_.inverse_lipschitz, drive_gradient_.data(), direct_gradient_.data(), correlations,
                    rows_ * stride);
  if (sums.dictionary)
    plan_.simd->multiply({Left::kTransposed, features_.data(), plan_.dim_stride, correlations, width, stride, plan_.dim,
                          tile.count, plan_.padded_atoms / width},
                         sums.dictionary, stride, true);
  if (!gradients.features) return;
  float* result = features_.data();  // not needed any more
  multiply_panels(plan_, Left::kPlain, correlations, stride, weights_.transpose, tile.count, plan_.atoms,
                  plan_.padded_dim, result, plan_.dim_stride);
  for (int64_t i = 0; i < tile.count; ++i)
    std::copy_n(result + i * plan_.dim_stride, plan_.dim, gradients.features + (tile.first + i) * plan_.dim);
}

void ListaTile::pass_threshold(const ListaGradientRows& gradients, TileRange tile, const ListaSums& sums) const {
  for (int64_t i = 0; i < tile.count; ++i) {
    const float* row = threshold_gradient_.data() + i * plan_.atom_stride;
    if (sums.threshold)
      for (int64_t k = 0; k < plan_.atoms; ++k) sums.threshold[k] += row[k];
    if (!gradients.threshold) continue;
    float* to = gradients.threshold + (tile.first + i) * gradients.threshold_columns;
    if (gradients.threshold_columns == plan_.atoms) {
      std::copy_n(row, plan_.atoms, to);
    } else {
      double sum = 0;
      for (int64_t k = 0; k < plan_.atoms; ++k) sum += double{row[k]};
      *to = static_cast<float>(sum);
    }
  }
}

bool is_factored(int64_t dim, int64_t atoms, Precision precision) {
  return precision == Precision::kFloat32 && 4 * dim <= atoms;
}

std::unique_ptr<ListaTile> make_tile(const ListaPlan& plan, const ListaWeights& weights) {
#ifdef SSCVAE_X86
  if (plan.precision == Precision::kBfloat16) return make_bfloat16_tile(plan, weights);
#endif
  return make_float32_tile(plan, weights);
}

}  // namespace sscvae::kernels
