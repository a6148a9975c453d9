#include "sscvae/nn/convolution.h"

#include <ATen/autocast_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/threshold_backward.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/autograd/grad_mode.h>

#include "sscvae/core/error.h"
#include "sscvae/kernels/amx_convolution.h"
#include "sscvae/kernels/amx_weight_gradient.h"

namespace sscvae::nn {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr auto kChannelsLast = at::MemoryFormat::ChannelsLast;

at::Tensor as_map(const at::Tensor& x) { return x.to(at::kBFloat16).contiguous(kChannelsLast); }

kernels::Taps taps_of(const at::Tensor& weight) {
  return weight.size(2) == 3 ? kernels::Taps{3, 3, -1, -1} : kernels::Taps{};
}

at::Tensor run(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, bool input_relu) {
  at::Tensor out = at::empty({x.size(0), weight.size(0), x.size(2), x.size(3)}, x.options(), kChannelsLast);
  kernels::Epilogue epilogue;
  epilogue.input_relu = input_relu;
  kernels::AmxConvolution(weight, bias, taps_of(weight)).run(x, out, epilogue);
  return out;
}

/// `bias` is empty for a convolution without one: functions of the autograd engine take no undefined tensors.
struct AmxConvolve : torch::autograd::Function<AmxConvolve> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const at::Tensor& bias, bool input_relu) {
    const at::AutoDispatchBelowAutograd below;
    const at::Tensor map = as_map(x);
    context->save_for_backward({map, weight});
    context->saved_data["input_relu"] = input_relu;
    context->saved_data["input_type"] = static_cast<int64_t>(x.scalar_type());
    return run(map, weight, bias.numel() > 0 ? bias : at::Tensor(), input_relu);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    if (at::GradMode::is_enabled()) throw UsageError("bfloat16 convolutions have no second derivatives");
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1];
    const bool input_relu = context->saved_data["input_relu"].toBool();
    const at::Tensor gradient = as_map(gradients[0]);
    at::Tensor dx, dw, db;
    if (context->needs_input_grad(0)) {
      dx = run(gradient, weight.flip({2, 3}).transpose(0, 1), {}, false);
      if (input_relu) dx = at::threshold_backward(dx, x, 0);
      dx = dx.to(static_cast<at::ScalarType>(context->saved_data["input_type"].toInt()));
    }
    if (context->needs_input_grad(1)) dw = kernels::amx_weight_gradient(x, gradient, weight.size(2), input_relu);
    if (context->needs_input_grad(2)) db = gradient.sum({0, 2, 3}, false, at::kFloat);
    return {dx, dw, db, at::Tensor()};
  }
};

bool is_autocast_to_bfloat16() {
  return at::autocast::is_autocast_enabled(at::kCPU) && at::autocast::get_autocast_dtype(at::kCPU) == at::kBFloat16;
}

bool fits(const torch::nn::Conv2dImpl& convolution, const at::Tensor& x) {
  const at::Tensor& weight = convolution.weight;
  if (!kernels::has_amx() || !at::GradMode::is_enabled() || !is_autocast_to_bfloat16()) return false;
  if (!x.device().is_cpu() || weight.scalar_type() != at::kFloat || !weight.requires_grad()) return false;
  const int64_t kernel = weight.size(2);
  const auto all_are = [](const auto& values, int64_t wanted) {
    return (*values)[0] == wanted && (*values)[1] == wanted;
  };
  const auto* padding = std::get_if<torch::ExpandingArray<2>>(&convolution.options.padding());
  return (kernel == 1 || kernel == 3) && weight.size(3) == kernel && padding && all_are(*padding, kernel / 2) &&
         all_are(convolution.options.stride(), 1) && all_are(convolution.options.dilation(), 1) &&
         convolution.options.groups() == 1 && weight.size(0) % 16 == 0 && weight.size(1) % 16 == 0 && x.dim() == 4;
}

}  // namespace

at::Tensor convolve(torch::nn::Conv2d& convolution, const at::Tensor& x, Before before) {
  const bool relu = before == Before::kRelu;
  if (fits(*convolution, x)) {
    const at::Tensor& weight = convolution->weight;
    const at::Tensor bias = convolution->bias.defined() ? convolution->bias : at::empty({0}, weight.options());
    return AmxConvolve::apply(x, weight, bias, relu);
  }
  return convolution->forward(relu ? at::relu(x) : x);
}

}  // namespace sscvae::nn
