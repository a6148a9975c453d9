#include "sscvae/nn/lista_fused.h"

#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

#include "sscvae/core/error.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/nn/lista_matrix.h"
#include "sscvae/nn/recorded.h"

namespace sscvae::nn {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct Settings {
  int64_t num_iterations;
  bool projected_start;
  kernels::Precision precision;
  kernels::Isa isa;
  InitialCode initial_code() const { return projected_start ? InitialCode::kProjected : InitialCode::kZero; }
};

int64_t macs_of_lista(const at::Tensor& features, const at::Tensor& dictionary, const Settings& settings) {
  return lista_fused_macs(features, dictionary, settings.num_iterations, settings.initial_code(), settings.precision);
}

kernels::ListaProblem problem_of(const variable_list& inputs, const Settings& settings) {
  return {inputs[0],          inputs[1],   inputs[2], inputs[3], settings.num_iterations, settings.projected_start,
          settings.precision, settings.isa};
}

/// The steps of a problem that is not the CPU's, or null.
const ListaSteps* steps_elsewhere(const variable_list& inputs) {
  return inputs[0].device().is_cuda() ? cuda_steps() : nullptr;
}

ListaTensors tensors_of(const variable_list& inputs, const Settings& settings) {
  return {inputs[0], inputs[1], inputs[2], inputs[3], settings.num_iterations, settings.projected_start};
}

at::Tensor code_of(const variable_list& inputs, const Settings& settings) {
  if (const ListaSteps* steps = steps_elsewhere(inputs))
    return lista_matrix_forward(tensors_of(inputs, settings), *steps);
  return kernels::lista_forward(problem_of(inputs, settings));
}

variable_list gradients_of(const variable_list& inputs, const at::Tensor& code, const at::Tensor& gradient,
                           const kernels::ListaGradientMask& wanted, const Settings& settings) {
  if (const ListaSteps* steps = steps_elsewhere(inputs)) {
    const auto of = lista_matrix_backward(tensors_of(inputs, settings), code, gradient, wanted, *steps);
    return {of.features, of.dictionary, of.lipschitz, of.threshold, at::Tensor()};
  }
  const auto of = kernels::lista_backward(problem_of(inputs, settings), code, gradient, wanted);
  return {of.features, of.dictionary, of.lipschitz, of.threshold, at::Tensor()};
}

struct FusedLista : torch::autograd::Function<FusedLista> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& features, const at::Tensor& dictionary,
                            const at::Tensor& lipschitz, const at::Tensor& threshold, const Settings& settings) {
    const Recorded recorded("sscvae::lista", dictionary, macs_of_lista(features, dictionary, settings));
    at::Tensor code = code_of({features, dictionary, lipschitz, threshold}, settings);
    context->save_for_backward({features, dictionary, lipschitz, threshold, code});
    context->saved_data["steps"] = settings.num_iterations;
    context->saved_data["projected"] = settings.projected_start;
    context->saved_data["precision"] = static_cast<int64_t>(settings.precision);
    context->saved_data["isa"] = static_cast<int64_t>(settings.isa);
    return code;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    if (at::GradMode::is_enabled()) throw UsageError("fused iterations have no second derivatives");
    auto& data = context->saved_data;
    const Settings settings{data["steps"].toInt(), data["projected"].toBool(),
                            static_cast<kernels::Precision>(data["precision"].toInt()),
                            static_cast<kernels::Isa>(data["isa"].toInt())};
    const variable_list saved = context->get_saved_variables();
    const Recorded recorded("sscvae::lista_backward", saved[1], 2 * macs_of_lista(saved[0], saved[1], settings));
    return gradients_of({saved[0], saved[1], saved[2], saved[3]}, saved[4], gradients[0],
                        {context->needs_input_grad(0), context->needs_input_grad(1), context->needs_input_grad(2),
                         context->needs_input_grad(3)},
                        settings);
  }
};

}  // namespace

int64_t lista_fused_macs(const at::Tensor& features, const at::Tensor& dictionary, int64_t num_iterations,
                         InitialCode initial_code, kernels::Precision precision) {
  const int64_t length = dictionary.size(0), atoms = dictionary.size(1);
  const int64_t products = std::max<int64_t>(0, num_iterations - (initial_code == InitialCode::kProjected ? 0 : 1));
  const bool factored = features.is_cpu() && kernels::is_factored(length, atoms, precision);
  return features.size(0) * (length * atoms + products * atoms * (factored ? 2 * length : atoms)) +
         (factored ? 0 : length * atoms * atoms);
}

at::Tensor lista_fused(const at::Tensor& features, const at::Tensor& dictionary, const at::Tensor& lipschitz,
                       const at::Tensor& threshold, int64_t num_iterations, InitialCode initial_code,
                       kernels::Precision precision, kernels::Isa isa) {
  const bool projected = initial_code == InitialCode::kProjected;
  const Settings settings{num_iterations, projected, precision, isa};
  const variable_list inputs{features, dictionary, lipschitz, threshold};
  const bool needs_gradient =
      at::GradMode::is_enabled() &&
      std::any_of(inputs.begin(), inputs.end(), [](const at::Tensor& input) { return input.requires_grad(); });
  // Without a step the code is zero and depends on nothing.
  if (!needs_gradient || (num_iterations == 0 && !projected)) return code_of(inputs, settings);
  return FusedLista::apply(features, dictionary, lipschitz, threshold, settings);
}

}  // namespace sscvae::nn
