#include "sscvae/nn/soft_threshold.h"

#include <ATen/ExpandUtils.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/sign.h>
#include <ATen/ops/sub.h>
#include <torch/csrc/autograd/custom_function.h>

namespace sscvae::nn {

namespace {

/// Keeps only the result: its sign is both the support and the sign of v there.
struct SoftThreshold : torch::autograd::Function<SoftThreshold> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& v, const at::Tensor& theta) {
    at::Tensor result = at::sub(at::abs(v), theta).relu_().mul_(at::sign(v));
    context->save_for_backward({result});
    context->saved_data["theta_sizes"] = theta.sizes();
    return result;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const at::Tensor sign = context->get_saved_variables()[0].sign();
    const at::Tensor towards_theta = at::mul(gradients[0], sign).neg_();
    at::Tensor gradient_theta;
    if (context->needs_input_grad(1))
      gradient_theta = at::sum_to(towards_theta, context->saved_data["theta_sizes"].toIntVector());
    at::Tensor gradient_v;
    if (context->needs_input_grad(0)) gradient_v = at::mul(towards_theta, sign).neg_();
    return {gradient_v, gradient_theta};
  }
};

}  // namespace

at::Tensor soft_threshold(const at::Tensor& v, const at::Tensor& theta) { return SoftThreshold::apply(v, theta); }

}  // namespace sscvae::nn
