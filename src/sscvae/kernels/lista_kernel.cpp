#include "sscvae/kernels/lista_kernel.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "sscvae/array/array.h"
#include "sscvae/array/parallel.h"
#include "sscvae/array/shape.h"
#include "sscvae/core/error.h"
#include "sscvae/core/text.h"
#include "sscvae/kernels/bfloat16_unit.h"
#include "sscvae/kernels/lista_tile.h"

namespace sscvae::kernels {

namespace {

void check_type(const Array& array, const char* name) {
  if (array.type() != kFloat32 || array.is_placeholder())
    throw ShapeError(std::string(name) + ": expected float32 in memory, got " + name_of(array.type()) +
                     (array.is_placeholder() ? " elsewhere" : ""));
}

/// Checks, makes rows contiguous and gives the threshold two dimensions.
ListaProblem checked(ListaProblem problem) {
  check_lista_shapes(problem.features, problem.dictionary, problem.threshold);
  check_type(problem.features, "features");
  check_type(problem.dictionary, "dictionary");
  check_type(problem.threshold, "threshold");
  if (!supports(problem.precision))
    throw UsageError("bfloat16 iterations: this processor has neither AVX512_BF16 nor AMX_BF16");
  problem.features = problem.features.contiguous();
  problem.dictionary = problem.dictionary.contiguous();
  while (problem.threshold.dim() < 2) problem.threshold = problem.threshold.unsqueeze(0);
  problem.threshold = problem.threshold.contiguous();
  return problem;
}

ListaInputs inputs_of(const ListaProblem& problem) {
  const Array& theta = problem.threshold;
  return {problem.features.data<float>(), theta.data<float>(), theta.size(0) == 1 ? 0 : theta.size(1),
          theta.size(1) == 1 ? 0 : 1};
}

TileRange tile_range(const ListaPlan& plan, int64_t tile) {
  const int64_t first = tile * plan.tile_rows;
  return {first, std::min(plan.tile_rows, plan.positions - first)};
}

/// Sums over positions, one set for each chunk of tiles. Chunks depend on the problem alone, and they are added up in
/// order: so the sums do not depend on the number of threads.
class ChunkSums {
 public:
  struct Wanted {
    bool inhibition, dictionary, threshold, drive_dot;
  };
  ChunkSums(const ListaPlan& plan, Wanted wanted)
      : wanted_(wanted),
        inhibition_size_(
            wanted.inhibition ? ListaPlan::padded_rows(plan.factored ? plan.dim : plan.atoms) * plan.atom_stride : 0),
        dictionary_size_(wanted.dictionary ? ListaPlan::padded_rows(plan.dim) * plan.atom_stride : 0),
        threshold_size_(wanted.threshold ? plan.padded_atoms : 0),
        count_(number_of_chunks(plan.num_tiles())),
        memory_(count_ * size()),
        drive_dots_(static_cast<size_t>(count_)) {}

  int64_t count() const { return count_; }
  ListaSums of(int64_t chunk) {
    float* at = memory_.data() + chunk * size();
    ListaSums sums;
    if (wanted_.inhibition) sums.inhibition = at;
    if (wanted_.dictionary) sums.dictionary = at + inhibition_size_;
    if (wanted_.threshold) sums.threshold = at + inhibition_size_ + dictionary_size_;
    if (wanted_.drive_dot) sums.drive_dot = &drive_dots_[static_cast<size_t>(chunk)];
    return sums;
  }
  /// The sums of all chunks, which become the first one's.
  ListaSums total() {
    float* sum = memory_.data();
    parallel_for(0, size(), 1 << 16, [&](int64_t begin, int64_t end) {
      for (int64_t chunk = 1; chunk < count_; ++chunk)
        for (int64_t i = begin; i < end; ++i) sum[i] += sum[chunk * size() + i];
    });
    drive_dots_[0] = std::accumulate(drive_dots_.begin(), drive_dots_.end(), 0.0);
    return of(0);
  }

 private:
  /// A power of two; each has at least 8 tiles, which take several times the memory of its sums.
  static int64_t number_of_chunks(int64_t tiles) {
    int64_t count = 1;
    while (count < 64 && tiles >= 16 * count) count *= 2;
    return count;
  }
  int64_t size() const { return inhibition_size_ + dictionary_size_ + threshold_size_; }

  const Wanted wanted_;
  const int64_t inhibition_size_, dictionary_size_, threshold_size_, count_;
  Buffer memory_;
  std::vector<double> drive_dots_;
};

void backward_over_tiles(const ListaPlan& plan, const ListaWeights& weights, const ListaInputs& inputs,
                         const ListaGradientRows& rows, ChunkSums& sums) {
  const int64_t tiles = plan.num_tiles(), chunks = sums.count();
  parallel_for(0, chunks, 1, [&](int64_t begin, int64_t end) {
    const auto tile = make_tile(plan, weights);
    for (int64_t chunk = begin; chunk < end; ++chunk)
      for (int64_t i = chunk * tiles / chunks; i < (chunk + 1) * tiles / chunks; ++i)
        tile->backward(inputs, tile_range(plan, i), rows, sums.of(chunk));
  });
}

/// D (M + M^T), rows of atom_stride, with M the gradient of S.
Buffer through_gram(const ListaPlan& plan, const ListaWeights& weights, const float* inhibition) {
  const int64_t atoms = plan.atoms, width = plan.padded_atoms, stride = plan.atom_stride;
  Buffer symmetric(atoms * width), result(ListaPlan::padded_rows(plan.dim) * stride);
  for (int64_t i = 0; i < atoms; ++i)
    for (int64_t k = 0; k < atoms; ++k)
      symmetric.data()[i * width + k] = inhibition[i * stride + k] + inhibition[k * stride + i];
  const Buffer panels = pack_panels(plan, symmetric.data(), width, atoms, atoms);
  multiply_panels(plan, Left::kPlain, weights.rows.data(), stride, panels, plan.dim, atoms, width, result.data(),
                  stride);
  return result;
}

/// x^T gradient(x D) - D (M + M^T) / L.
Array gradient_of_dictionary(const ListaPlan& plan, const ListaWeights& weights, const ListaSums& sums) {
  const int64_t atoms = plan.atoms, stride = plan.atom_stride;
  Array gradient = Array::empty({plan.dim, atoms}, kFloat32);
  auto* to = gradient.data<float>();
  for (int64_t i = 0; i < plan.dim; ++i) std::copy_n(sums.dictionary + i * stride, atoms, to + i * atoms);
  if (!sums.inhibition) return gradient;
  const Buffer made = plan.factored ? Buffer() : through_gram(plan, weights, sums.inhibition);
  const float* product = plan.factored ? sums.inhibition : made.data();
  for (int64_t i = 0; i < plan.dim; ++i)
    for (int64_t k = 0; k < atoms; ++k) to[i * atoms + k] -= plan.inverse_lipschitz * product[i * stride + k];
  return gradient;
}

/// The inner product of [rows,K] matrices with rows of atom_stride.
double dot_of_rows(const ListaPlan& plan, const float* a, const float* b, int64_t rows) {
  double dot = 0;
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t k = 0; k < plan.atoms; ++k)
      dot += double{a[i * plan.atom_stride + k]} * double{b[i * plan.atom_stride + k]};
  return dot;
}

/// L divides in y = x D / L and in G = D^T D / L, and S = I - G:  (<M, G> - <gradient(y), y>) / L, where
/// <M, G> = <D (M + M^T), D> / 2 L.
Array gradient_of_lipschitz(const ListaPlan& plan, const ListaWeights& weights, const ListaSums& sums,
                            const Array& lipschitz) {
  double dot = -*sums.drive_dot;
  if (sums.inhibition)
    dot += plan.factored
               ? dot_of_rows(plan, sums.inhibition, weights.rows.data(), plan.dim) * plan.inverse_lipschitz / 2
               : dot_of_rows(plan, sums.inhibition, weights.gram.data(), plan.atoms);
  return full_like(lipschitz, dot * plan.inverse_lipschitz);
}

/// Of a threshold that all positions share; [1,K] or [1,1].
void write_shared_threshold(const ListaPlan& plan, const ListaSums& sums, const Array& gradient) {
  auto* to = gradient.data<float>();
  if (gradient.size(1) == plan.atoms) std::copy_n(sums.threshold, plan.atoms, to);
  else *to = static_cast<float>(std::accumulate(sums.threshold, sums.threshold + plan.atoms, 0.0));
}

}  // namespace

void check_lista_shapes(const Array& features, const Array& dictionary, const Array& threshold) {
  check_shape(dictionary, "dictionary", "d,K", {-1, -1});
  check_shape(features, "features", "P,d", {-1, dictionary.size(0)});
  const Sizes code{features.size(0), dictionary.size(1)};
  bool fits = threshold.defined() && threshold.dim() <= 2;
  for (int64_t axis = -1; fits && axis >= -threshold.dim(); --axis)
    fits = threshold.size(axis) == 1 || threshold.size(axis) == code[static_cast<size_t>(axis + 2)];
  if (!fits)
    throw ShapeError("threshold: expected a shape that broadcasts to " + to_string(code) + ", got " +
                     shape_text(threshold));
}

bool supports(Precision precision) { return precision == Precision::kFloat32 || has_bfloat16_kernels(); }

Array lista_forward(const ListaProblem& unchecked) {
  const ListaProblem problem = checked(unchecked);
  const ListaPlan plan(problem);
  const ListaInputs inputs = inputs_of(problem);
  if (plan.num_iterations < plan.first_code) return Array::zeros({plan.positions, plan.atoms});
  Array code = Array::empty({plan.positions, plan.atoms});
  auto* to = code.data<float>();
  const ListaWeights weights(plan, problem.dictionary, false);
  parallel_for(0, plan.num_tiles(), 1, [&](int64_t begin, int64_t end) {
    const auto tile = make_tile(plan, weights);
    for (int64_t i = begin; i < end; ++i) tile->forward(inputs, tile_range(plan, i), to);
  });
  return code;
}

ListaGradients lista_backward(const ListaProblem& unchecked, const Array& code, const Array& code_gradient,
                              const ListaGradientMask& wanted) {
  const ListaProblem problem = checked(unchecked);
  const ListaPlan plan(problem);
  check_shape(code, "code", "P,K", {plan.positions, plan.atoms});
  check_shape(code_gradient, "code gradient", "P,K", {plan.positions, plan.atoms});
  SSCVAE_ASSERT(plan.num_iterations >= plan.first_code);  // otherwise the code is constant
  const Array code_rows = code.contiguous(), gradient_rows = code_gradient.contiguous();
  const bool has_products = plan.num_iterations > plan.first_code, shared = problem.threshold.size(0) == 1;

  ListaGradients result;
  ListaGradientRows rows{code_rows.data<float>(), gradient_rows.data<float>()};
  if (wanted.features) {
    result.features = empty_like(problem.features);
    rows.features = result.features.data<float>();
  }
  if (wanted.threshold) {
    result.threshold = empty_like(problem.threshold);
    rows.threshold_columns = problem.threshold.size(1);
    if (!shared) rows.threshold = result.threshold.data<float>();
  }
  const ListaWeights weights(plan, problem.dictionary, true);
  ChunkSums chunks(plan, {has_products && (wanted.dictionary || wanted.lipschitz), wanted.dictionary,
                          wanted.threshold && shared, wanted.lipschitz});
  backward_over_tiles(plan, weights, inputs_of(problem), rows, chunks);
  const ListaSums sums = chunks.total();
  if (wanted.dictionary) result.dictionary = gradient_of_dictionary(plan, weights, sums);
  if (wanted.lipschitz) result.lipschitz = gradient_of_lipschitz(plan, weights, sums, problem.lipschitz);
  if (wanted.threshold && shared) write_shared_threshold(plan, sums, result.threshold);
  if (wanted.threshold) result.threshold = result.threshold.reshape(unchecked.threshold.sizes());
  return result;
}

}  // namespace sscvae::kernels
