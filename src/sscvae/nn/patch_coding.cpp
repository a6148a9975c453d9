#include "sscvae/nn/patch_coding.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <torch/csrc/autograd/custom_function.h>

#include "sscvae/core/error.h"
#include "sscvae/kernels/patches.h"
#include "sscvae/nn/map_rows.h"
#include "sscvae/nn/recorded.h"

namespace sscvae::nn {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// [K,C,k,k] -> [K,k k C].
at::Tensor matrix_of(const at::Tensor& filters) { return filters.permute({0, 2, 3, 1}).reshape({filters.size(0), -1}); }

at::Tensor windows_of(const at::Tensor& map, int64_t side) {
  const at::Tensor x = channels_last(map);
  const kernels::PatchGrid grid{x.size(0), x.size(2), x.size(3), x.size(1), side};
  at::Tensor patches = at::empty({grid.positions(), grid.numbers()});
  kernels::gather_patches(grid, x.const_data_ptr<float>(), patches.mutable_data_ptr<float>());
  return patches;
}

/// A map [N,C,h,w] of windows.
at::Tensor sum_of_windows(const at::Tensor& patches, at::IntArrayRef size, int64_t channels, int64_t side) {
  const kernels::PatchGrid grid{size[0], size[2], size[3], channels, side};
  at::Tensor map = at::empty({size[0], size[2], size[3], channels});
  kernels::sum_patches(grid, patches.const_data_ptr<float>(), map.mutable_data_ptr<float>());
  return map.permute({0, 3, 1, 2});
}

int64_t side_of(const at::Tensor& matrix, int64_t channels) {
  int64_t side = 1;
  while (side * side * channels < matrix.size(1)) ++side;
  return side;
}

struct Analysis : torch::autograd::Function<Analysis> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& matrix,
                            const std::optional<at::Tensor>& previous) {
    const at::Tensor windows = windows_of(x, side_of(matrix, x.size(1)));
    const at::Tensor rows = previous ? at::addmm(rows_of(*previous), windows, matrix.t()) : at::mm(windows, matrix.t());
    context->save_for_backward({x, matrix});
    context->saved_data["adds"] = previous.has_value();
    return map_of_rows(rows, x.sizes());
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &matrix = saved[1];
    const int64_t side = side_of(matrix, x.size(1));
    const at::Tensor rows = rows_of(gradients[0]);
    const int64_t wanted = (context->needs_input_grad(0) ? 1 : 0) + (context->needs_input_grad(1) ? 1 : 0);
    const Recorded recorded("sscvae::analysis_backward", matrix, wanted * rows.size(0) * matrix.numel());
    at::Tensor towards_x, towards_matrix;
    if (context->needs_input_grad(0)) towards_x = sum_of_windows(at::mm(rows, matrix), x.sizes(), x.size(1), side);
    if (context->needs_input_grad(1)) towards_matrix = at::mm(rows.t(), windows_of(x, side));
    return {towards_x, towards_matrix, context->saved_data["adds"].toBool() ? gradients[0] : at::Tensor()};
  }
};

struct Synthesis : torch::autograd::Function<Synthesis> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& code, const at::Tensor& matrix,
                            int64_t channels) {
    const at::Tensor rows = rows_of(code);
    context->save_for_backward({code, matrix});
    context->saved_data["channels"] = channels;
    return sum_of_windows(at::mm(rows, matrix), code.sizes(), channels, side_of(matrix, channels));
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &code = saved[0], &matrix = saved[1];
    const at::Tensor windows = windows_of(gradients[0], side_of(matrix, gradients[0].size(1)));
    const int64_t wanted = (context->needs_input_grad(0) ? 1 : 0) + (context->needs_input_grad(1) ? 1 : 0);
    const Recorded recorded("sscvae::synthesis_backward", matrix, wanted * windows.size(0) * matrix.numel());
    at::Tensor towards_code, towards_matrix;
    if (context->needs_input_grad(0)) towards_code = map_of_rows(at::mm(windows, matrix.t()), code.sizes());
    if (context->needs_input_grad(1)) towards_matrix = at::mm(rows_of(code).t(), windows);
    return {towards_code, towards_matrix, {}};
  }
};

/// A convolution whose windows begin `before` pixels up and left, and which keeps the size.
at::Tensor convolution_from(const at::Tensor& x, const at::Tensor& weight, int64_t before) {
  const int64_t side = weight.size(2), after = side - 1 - before;
  if (before == after) return at::conv2d(x, weight, {}, 1, before);
  return at::conv2d(at::constant_pad_nd(x, {before, after, before, after}), weight);
}

int64_t filter_macs(const at::Tensor& map, const at::Tensor& filters) {
  return map.size(0) * map.size(2) * map.size(3) * filters.numel();
}

}  // namespace

at::Tensor analyse(const at::Tensor& x, const at::Tensor& filters, const at::Tensor& previous) {
  SSCVAE_ASSERT(x.size(1) == filters.size(1) && filters.size(2) == filters.size(3));
  if (is_plain_float(x)) {
    const Recorded recorded("sscvae::analysis", filters, filter_macs(x, filters));
    return Analysis::apply(x, matrix_of(filters), if_defined(previous));
  }
  const at::Tensor step = convolution_from(x, filters, (filters.size(2) - 1) / 2);
  return previous.defined() ? previous + step : step;
}

at::Tensor synthesise(const at::Tensor& code, const at::Tensor& filters) {
  SSCVAE_ASSERT(code.size(1) == filters.size(1) && filters.size(2) == filters.size(3));
  if (is_plain_float(code)) {
    const Recorded recorded("sscvae::synthesis", filters, filter_macs(code, filters));
    return Synthesis::apply(code, matrix_of(filters.transpose(0, 1).flip({2, 3})), filters.size(0));
  }
  return convolution_from(code, filters, filters.size(2) / 2);
}

}  // namespace sscvae::nn
