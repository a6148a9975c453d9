#include "sscvae/nn/sparse_coding.h"

#include <ATen/ops/abs.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/sort.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>

#include "sscvae/array/shape.h"
#include "sscvae/kernels/lista_kernel.h"
#include "sscvae/nn/lista.h"
#include "sscvae/nn/lista_fused.h"
#include "sscvae/nn/lista_matrix.h"
#include "sscvae/nn/map_rows.h"

namespace sscvae::nn {

namespace {

/// On the CPU few steps do not repay what the kernel computes beforehand, and few positions fit the cache anyway.
bool is_worth_fusing(int64_t positions, int64_t num_iterations) { return positions >= 256 && num_iterations >= 4; }

at::Tensor iterate(const live::SparseCode& coder, const at::Tensor& rows, const at::Tensor& threshold, bool plain) {
  const int64_t count = coder.num_iterations;
  if (coder.filters.empty()) {
    const bool can_fuse = !plain && lista_runs_on(rows.device().type()) && rows.scalar_type() == at::kFloat &&
                          coder.dictionary.scalar_type() == at::kFloat;
    if (!can_fuse || (rows.device().is_cpu() && !is_worth_fusing(rows.size(0), count)))
      return lista(rows, coder.dictionary, coder.lipschitz, threshold, count, coder.initial_code);
    return lista_fused(rows, coder.dictionary, coder.lipschitz, threshold, count, coder.initial_code);
  }
  at::Tensor code = at::zeros({rows.size(0), coder.dictionary.size(1)}, rows.options());
  for (int64_t i = 0; i < count; ++i) {
    const size_t layer = coder.filters.size() == 1 ? 0 : static_cast<size_t>(i);
    code = lista_step(code, at::linear(rows, coder.filters[layer]), coder.inhibitions[layer], threshold);
  }
  return code;
}

}  // namespace

at::Tensor sparse_code(const live::SparseCode& coder, const at::Tensor& features, const at::Tensor& threshold,
                       bool plain) {
  check_shape(features, "features", "N,d,h,w", {-1, coder.dictionary.size(0), -1, -1});
  const int64_t images = features.size(0), height = features.size(2), width = features.size(3);
  // Threshold rows: one for each position, or a single row that all positions share.
  const bool is_shared = threshold.size(0) == 1 && threshold.size(2) == 1 && threshold.size(3) == 1;
  const at::Tensor rows =
      is_shared ? threshold.reshape({1, -1}) : rows_of(threshold.expand({images, threshold.size(1), height, width}));
  return map_of_rows(iterate(coder, rows_of(features), rows, plain), features.sizes());
}

double offset_for_survivors(const at::Tensor& features, const at::Tensor& dictionary, double survivors,
                            graph::ThresholdActivation activation) {
  const at::Tensor correlations = at::mm(rows_of(features), dictionary).abs().flatten();
  const at::Tensor sorted = std::get<0>(at::sort(correlations));
  const auto index = static_cast<int64_t>((1.0 - survivors) * static_cast<double>(sorted.numel() - 1));
  const double wished = std::max(1e-3, sorted.select(0, index).item<double>());
  // expm1 overflows for large arguments, where softplus is the identity.
  const bool is_softplus = activation == graph::ThresholdActivation::kSoftplus;
  return is_softplus && wished < 30 ? std::log(std::expm1(wished)) : wished;
}

}  // namespace sscvae::nn
