#include "sscvae/nn/lista_matrix.h"

#include <ATen/ExpandUtils.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/dot.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <string>
#include <vector>

#include "sscvae/array/shape.h"
#include "sscvae/core/error.h"
#include "sscvae/core/text.h"
#include "sscvae/nn/arrays.h"

namespace sscvae::nn {

namespace {

float* data_or_null(const at::Tensor& tensor) { return tensor.defined() ? tensor.mutable_data_ptr<float>() : nullptr; }

int64_t number_of_codes(const ListaTensors& problem) {
  return problem.num_iterations + (problem.projected_start ? 1 : 0);
}

/// Checks shapes and that all is float32 on one device. The threshold becomes [1 or P, 1 or K].
ListaTensors checked(ListaTensors problem) {
  kernels::check_lista_shapes(problem.features, problem.dictionary, problem.threshold);
  const auto check_input = [&](const at::Tensor& tensor, const char* name) {
    if (tensor.scalar_type() != at::kFloat || tensor.device() != problem.features.device())
      throw ShapeError(std::string(name) + ": expected float32 on " + problem.features.device().str() + ", got " +
                       tensor.toString());
  };
  check_input(problem.features, "features");
  check_input(problem.dictionary, "dictionary");
  check_input(problem.threshold, "threshold");
  problem.features = problem.features.contiguous();
  problem.dictionary = problem.dictionary.contiguous();
  while (problem.threshold.dim() < 2) problem.threshold = problem.threshold.unsqueeze(0);
  problem.threshold = problem.threshold.contiguous();
  return problem;
}

/// As `checked`, with L as a float32 scalar beside the rest.
ListaTensors prepared(const ListaTensors& unchecked) {
  ListaTensors problem = checked(unchecked);
  problem.lipschitz = problem.lipschitz.to(problem.features.options()).reshape({});
  return problem;
}

at::Tensor inhibition_of(const ListaTensors& problem) {
  const at::Tensor& dictionary = problem.dictionary;
  return at::eye(dictionary.size(1), dictionary.options()) - at::mm(dictionary.t(), dictionary) / problem.lipschitz;
}

struct Range {
  int64_t first, count;
  at::Tensor of(const at::Tensor& rows) const { return rows.narrow(0, first, count); }
  at::Tensor of_shared(const at::Tensor& rows) const { return rows.size(0) == 1 ? rows : of(rows); }
};

/// The iterations of some positions, forwards and backwards.
class Iterations {
 public:
  Iterations(const ListaTensors& problem, const ListaSteps& steps, const at::Tensor& inhibition, Range range)
      : problem_(problem),
        steps_(steps),
        inhibition_(inhibition),
        range_(range),
        threshold_(range.of_shared(problem.threshold)),
        shape_{range.count, problem.dictionary.size(1), threshold_.size(0) == 1 ? 0 : threshold_.size(1),
               threshold_.size(1) == 1 ? 0 : 1} {}

  /// codes[i] becomes what i + 1 shrinkages make; each of them [count,K] without gaps, no two neighbours the same.
  void run(const std::vector<at::Tensor>& codes) {
    drive_ = at::mm(range_.of(problem_.features), problem_.dictionary);
    const bool projected = problem_.projected_start && !codes.empty();
    if (projected) shrink(codes[0], false);
    drive_.div_(problem_.lipschitz);
    for (size_t i = projected ? 1 : 0; i < codes.size(); ++i) {
      at::Tensor product = codes[i];
      if (i > 0) at::mm_out(product, codes[i - 1], inhibition_);
      shrink(codes[i], i > 0);
    }
  }

  struct Back {
    at::Tensor outer;           ///< of the first shrinkage's argument
    at::Tensor drive_gradient;  ///< without `outer` where that is z(0) = S_theta(x D)
  };

  /// After `run`. Adds to the gradients that are defined: of S [K,K] and of the threshold [count,K].
  Back run_back(const std::vector<at::Tensor>& codes, at::Tensor gradient, at::Tensor inhibition_gradient,
                const at::Tensor& threshold_gradient) const {
    Back back{at::empty_like(codes[0]), at::zeros_like(codes[0])};
    at::Tensor product = at::empty_like(codes[0]);
    for (size_t i = codes.size(); i-- > 0;) {
      const bool is_projection = problem_.projected_start && i == 0;
      steps_.gradient(
          codes[i].device(), shape_,
          {codes[i].const_data_ptr<float>(), gradient.const_data_ptr<float>(), back.outer.mutable_data_ptr<float>(),
           is_projection ? nullptr : back.drive_gradient.mutable_data_ptr<float>(), data_or_null(threshold_gradient)});
      if (i == 0) break;
      if (inhibition_gradient.defined()) inhibition_gradient.addmm_(codes[i - 1].t(), back.outer);
      gradient = at::mm_out(product, back.outer, inhibition_);  // S is symmetric
    }
    return back;
  }

  const at::Tensor& drive() const { return drive_; }

 private:
  void shrink(const at::Tensor& code, bool has_product) const {
    auto* data = code.mutable_data_ptr<float>();
    steps_.shrink(
        code.device(), shape_,
        {has_product ? data : nullptr, drive_.const_data_ptr<float>(), threshold_.const_data_ptr<float>(), data});
  }

  const ListaTensors& problem_;
  const ListaSteps& steps_;
  const at::Tensor& inhibition_;
  const Range range_;
  const at::Tensor threshold_;
  const MatrixShape shape_;
  at::Tensor drive_;  // x D / L
};

/// Collects gradients range by range, in order.
class MatrixGradients {
 public:
  MatrixGradients(const ListaTensors& problem, const ListaSteps& steps, const kernels::ListaGradientMask& wanted)
      : problem_(problem), steps_(steps), inhibition_(inhibition_of(problem)) {
    if (wanted.features) result_.features = at::empty(problem.features.sizes(), problem.features.options());
    if (wanted.dictionary) result_.dictionary = at::zeros_like(problem.dictionary);
    if (wanted.lipschitz) result_.lipschitz = at::zeros_like(problem.lipschitz);
    if (wanted.threshold) result_.threshold = at::zeros_like(problem.threshold);
    if (wanted.dictionary || wanted.lipschitz) inhibition_gradient_ = at::zeros_like(inhibition_);
  }

  void add(Range range, const at::Tensor& code, const at::Tensor& code_gradient) {
    Iterations iterations(problem_, steps_, inhibition_, range);
    std::vector<at::Tensor> codes(static_cast<size_t>(number_of_codes(problem_) - 1));
    for (at::Tensor& earlier : codes) earlier = at::empty(code.sizes(), code.options());
    iterations.run(codes);
    codes.push_back(code);
    const at::Tensor threshold_rows = rows_for_threshold(range, code);
    const auto [outer, drive_gradient] =
        iterations.run_back(codes, code_gradient, inhibition_gradient_, threshold_rows);
    if (threshold_rows.defined() && problem_.threshold.sizes() != code_shape())
      range.of_shared(result_.threshold).add_(at::sum_to(threshold_rows, range.of_shared(problem_.threshold).sizes()));
    if (result_.lipschitz.defined())
      result_.lipschitz.sub_(at::dot(drive_gradient.flatten(), iterations.drive().flatten()));
    // What is left is the gradient of x D.
    at::Tensor correlations = drive_gradient.div_(problem_.lipschitz);
    if (problem_.projected_start) correlations.add_(outer);
    add_products(range, correlations);
  }

  /// With dS of S = I - D^T D / L, and the sum over positions of -dy y for the L of y = x D / L.
  ListaTensorGradients finish() {
    if (result_.dictionary.defined())
      result_.dictionary.sub_(at::mm(problem_.dictionary, inhibition_gradient_ + inhibition_gradient_.t()) /
                              problem_.lipschitz);
    if (result_.lipschitz.defined()) {
      const at::Tensor gram = at::eye(inhibition_.size(0), inhibition_.options()) - inhibition_;  // D^T D / L
      result_.lipschitz.add_(at::dot(inhibition_gradient_.flatten(), gram.flatten())).div_(problem_.lipschitz);
    }
    return result_;
  }

 private:
  std::vector<int64_t> code_shape() const { return {problem_.features.size(0), problem_.dictionary.size(1)}; }

  /// Where the threshold's gradient is added up element by element: the result itself if it has one for each.
  at::Tensor rows_for_threshold(Range range, const at::Tensor& code) const {
    if (!result_.threshold.defined()) return {};
    return problem_.threshold.sizes() == code_shape() ? range.of(result_.threshold) : at::zeros_like(code);
  }

  void add_products(Range range, const at::Tensor& correlations) {
    if (result_.features.defined()) {
      at::Tensor rows = range.of(result_.features);
      at::mm_out(rows, correlations, problem_.dictionary.t());
    }
    if (result_.dictionary.defined()) result_.dictionary.addmm_(range.of(problem_.features).t(), correlations);
  }

  const ListaTensors& problem_;
  const ListaSteps& steps_;
  const at::Tensor inhibition_;
  at::Tensor inhibition_gradient_;
  ListaTensorGradients result_;
};

/// Codes of 512 MiB at a time; but products of few rows would leave a GPU idle.
int64_t rows_within_bounds(const ListaTensors& problem) {
  constexpr int64_t kElements = int64_t{1} << 27, kFewestRows = 1024;
  const int64_t elements_of_row = std::max<int64_t>(1, problem.dictionary.size(1) * number_of_codes(problem));
  return std::max(kFewestRows, kElements / elements_of_row);
}

}  // namespace

bool lista_runs_on(c10::DeviceType device) {
  return device == c10::kCPU || (device == c10::kCUDA && cuda_steps() != nullptr);
}

at::Tensor lista_matrix_forward(const ListaTensors& unchecked, const ListaSteps& steps) {
  const at::NoGradGuard no_grad;
  const ListaTensors problem = prepared(unchecked);
  const int64_t positions = problem.features.size(0), atoms = problem.dictionary.size(1);
  const int64_t count = number_of_codes(problem);
  if (count == 0) return at::zeros({positions, atoms}, problem.features.options());
  const at::Tensor code = at::empty({positions, atoms}, problem.features.options());
  const at::Tensor other = at::empty(code.sizes(), code.options());
  std::vector<at::Tensor> codes(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) codes[static_cast<size_t>(i)] = (count - 1 - i) % 2 == 0 ? code : other;
  const at::Tensor inhibition = inhibition_of(problem);
  Iterations(problem, steps, inhibition, {0, positions}).run(codes);
  return code;
}

ListaTensorGradients lista_matrix_backward(const ListaTensors& unchecked, const at::Tensor& code,
                                           const at::Tensor& code_gradient, const kernels::ListaGradientMask& wanted,
                                           const ListaSteps& steps, int64_t rows_at_once) {
  const at::NoGradGuard no_grad;
  const ListaTensors problem = prepared(unchecked);
  const int64_t positions = problem.features.size(0), atoms = problem.dictionary.size(1);
  check_shape(code, "code", "P,K", {positions, atoms});
  check_shape(code_gradient, "code gradient", "P,K", {positions, atoms});
  SSCVAE_ASSERT(number_of_codes(problem) > 0);  // otherwise the code is constant
  if (rows_at_once <= 0) rows_at_once = rows_within_bounds(problem);

  MatrixGradients gradients(problem, steps, wanted);
  for (int64_t first = 0; first < positions; first += rows_at_once) {
    const Range range{first, std::min(rows_at_once, positions - first)};
    gradients.add(range, range.of(code).contiguous(), range.of(code_gradient).contiguous());
  }
  ListaTensorGradients result = gradients.finish();
  if (result.lipschitz.defined())
    result.lipschitz = result.lipschitz.to(unchecked.lipschitz.options()).reshape(unchecked.lipschitz.sizes());
  if (result.threshold.defined()) result.threshold = result.threshold.reshape(unchecked.threshold.sizes());
  return result;
}

}  // namespace sscvae::nn
