#pragma once

#include "sscvae/array/array.h"
#include "sscvae/kernels/lista_loops.h"

/// Unfolded iterative shrinkage on tiles of positions: a tile stays in the cache through all iterations.
///   y = x D / L,   S = I - D^T D / L,   z(t+1) = S_theta(v(t+1)),   v(t+1) = z(t) S + y = z(t) + (x - z(t) D^T) D / L
/// The plain version, and what the quantities mean, is in nn/lista.h. Results do not depend on the number of threads,
/// bit for bit; they do depend, within rounding, on the instruction set. A GPU's way is nn/lista_matrix.h.
namespace sscvae::kernels {

enum class Precision {
  kFloat32,
  /// x D / L, codes and sums in float32; in the products with D^T D / L and in those of its gradient both factors are
  /// rounded to bfloat16. The code is off by about 2.5e-3 of its norm. Needs AVX512_BF16 or AMX_BF16.
  kBfloat16,
};

/// Can this processor run it?
bool supports(Precision precision);

/// Does the kernel multiply by D^T and D in each step, 2 d K multiplications, instead of by S, K^2? It does so in
/// float32 where that is at most half: z S + y = z + (x - z D^T) D / L.
bool is_factored(int64_t dim, int64_t atoms, Precision precision);

/// Shapes: features [P,d], dictionary [d,K], lipschitz [] (a single number), threshold broadcastable to [P,K] with at
/// most two dimensions. All float32, any strides.
struct ListaProblem {
  Array features, dictionary, lipschitz, threshold;
  int64_t num_iterations = 0;
  bool projected_start = false;  ///< z(0) = S_theta(x D) instead of 0
  Precision precision = Precision::kFloat32;
  Isa isa = best_isa();  ///< of the float32 loops
};

/// Errors: ShapeError unless these are the shapes of a problem. Does not read the numbers.
void check_lista_shapes(const Array& features, const Array& dictionary, const Array& threshold);

/// The code [P,K]. Errors: ShapeError, also for another type; UsageError for a precision that the processor does not
/// support.
Array lista_forward(const ListaProblem& problem);

/// One gradient for each input, undefined where it was not asked for.
struct ListaGradients {
  Array features, dictionary, lipschitz, threshold;
};
struct ListaGradientMask {
  bool features = true, dictionary = true, lipschitz = true, threshold = true;
};

/// Gradients from the forward result `code` and its gradient, both [P,K]. Memory beyond inputs and results
/// is that of one tile for each thread and of at most 64 partial sums of weight gradients: codes of earlier iterations
/// are computed again, tile by tile.
ListaGradients lista_backward(const ListaProblem& problem, const Array& code, const Array& code_gradient,
                              const ListaGradientMask& wanted);

}  // namespace sscvae::kernels
