#include "sscvae/kernels/convolution.h"

#include "sscvae/core/error.h"
#include "sscvae/kernels/bfloat16_weight_gradient.h"

namespace sscvae::kernels {

namespace {

using AnyConvolution = std::variant<Bfloat16Convolution, Winograd, Pointwise>;

AnyConvolution kernel_for(const ConvolutionKind& form) {
  const bool wide = form.weight.size(2) == 3;
  if (form.maps == kBFloat16) {
    const Taps taps = form.taps.value_or(wide ? Taps{3, 3, -1, -1} : Taps{});
    Bfloat16Convolution kernel(form.weight, form.bias, taps, form.edge_biases);
    if (form.appended_weight.defined()) kernel.append(form.appended_weight, form.appended_bias);
    return kernel;
  }
  SSCVAE_ASSERT(!form.taps && !form.edge_biases.defined() && !form.appended_weight.defined());
  if (wide) return Winograd(form.weight, form.bias);
  return Pointwise(form.weight, form.bias);
}

}  // namespace

Convolution::Convolution(const ConvolutionKind& form) : kernel_(kernel_for(form)) {}

void Convolution::run(const Array& x, const Array& out, const Epilogue& epilogue) const {
  std::visit([&](const auto& kernel) { kernel.run(x, out, epilogue); }, kernel_);
}

Array convolution_weight_gradient(const Array& x, const Array& gradient, int64_t kernel, bool input_relu) {
  if (x.type() == kBFloat16) return bfloat16_weight_gradient(x, gradient, kernel, input_relu);
  SSCVAE_ASSERT(kernel == 3);
  return winograd_weight_gradient(x, gradient, input_relu);
}

}  // namespace sscvae::kernels
