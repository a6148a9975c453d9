#include "sscvae/nn/convolution.h"

#include <ATen/autocast_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/conv_transpose2d.h>
#include <ATen/ops/convolution_backward.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/relu.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <algorithm>
#include <array>

#include "sscvae/core/error.h"
#include "sscvae/graph/arithmetic.h"
#include "sscvae/kernels/bfloat16_weight_gradient.h"
#include "sscvae/kernels/convolution.h"
#include "sscvae/nn/recorded.h"

namespace sscvae::nn {

namespace {

using kernels::convolution_weight_gradient;
using kernels::Epilogue;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr auto kChannelsLast = at::MemoryFormat::ChannelsLast;
constexpr int64_t kVector = 16;        // channels that the kernels want a multiple of
constexpr int64_t kImageChannels = 3;  // at most

at::Tensor as_map(const at::Tensor& x) { return x.to(at::kBFloat16).contiguous(kChannelsLast); }

at::Tensor empty_map(const at::Tensor& like, int64_t channels) {
  return at::empty({like.size(0), channels, like.size(2), like.size(3)}, at::kBFloat16, kChannelsLast);
}

/// w * x for bfloat16 maps.
at::Tensor run(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias = {},
               const Epilogue& epilogue = {}) {
  at::Tensor out = empty_map(x, weight.size(0));
  kernels::Convolution({weight, bias, kBFloat16}).run(x, out, epilogue);
  return out;
}

/// The weight whose convolution is the gradient with respect to the input.
at::Tensor turned(const at::Tensor& weight) { return weight.flip({2, 3}).transpose(0, 1); }

Epilogue masked(const at::Tensor& mask, const at::Tensor& residual = {}) {
  Epilogue epilogue;
  epilogue.mask = mask;
  epilogue.residual = residual;
  return epilogue;
}

Epilogue after_relu(const at::Tensor& residual = {}) {
  Epilogue epilogue;
  epilogue.input_relu = true;
  epilogue.residual = residual;
  return epilogue;
}

/// Saves what every backward pass of this file wants to know of its input.
void save_type(AutogradContext* context, const at::Tensor& x) {
  context->saved_data["type"] = static_cast<int64_t>(x.scalar_type());
}
at::Tensor in_saved_type(AutogradContext* context, const at::Tensor& gradient) {
  return gradient.to(static_cast<at::ScalarType>(context->saved_data["type"].toInt()));
}
void refuse_second_derivatives() {
  if (at::GradMode::is_enabled()) throw UsageError("bfloat16 convolutions have no second derivatives");
}

/// Multiply-adds of a weight at every pixel.
int64_t macs_of(const at::Tensor& weight, const at::Tensor& map) {
  return weight.numel() * map.size(0) * map.size(2) * map.size(3);
}
/// Backwards: the same for each wanted gradient of input and weight.
int64_t gradients_of(AutogradContext* context) {
  return int64_t{context->needs_input_grad(0)} + int64_t{context->needs_input_grad(1)};
}

/// Functions of the autograd engine take no undefined tensors: an empty one stands for no bias.
at::Tensor present(const at::Tensor& bias, const at::Tensor& weight) {
  return bias.defined() ? bias : at::empty({0}, weight.options());
}
at::Tensor absent_if_empty(const at::Tensor& bias) { return bias.numel() > 0 ? bias : at::Tensor(); }

/// w * x + b that keeps x and w for the backward pass.
at::Tensor forward_keeping_input(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                                 const at::Tensor& bias) {
  const at::AutoDispatchBelowAutograd below;
  const Recorded recorded("sscvae::convolution", weight, macs_of(weight, x));
  const at::Tensor map = as_map(x);
  context->save_for_backward({map, weight});
  save_type(context, x);
  return run(map, weight, absent_if_empty(bias));
}

struct Convolve : torch::autograd::Function<Convolve> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const at::Tensor& bias) {
    return forward_keeping_input(context, x, weight, bias);
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    refuse_second_derivatives();
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1];
    const Recorded recorded("sscvae::convolution_backward", weight,
                            gradients_of(context) * macs_of(weight, gradients[0]));
    const at::Tensor dy = as_map(gradients[0]);
    at::Tensor dx, dw, db;
    if (context->needs_input_grad(0)) dx = in_saved_type(context, run(dy, turned(weight)));
    if (context->needs_input_grad(1)) dw = convolution_weight_gradient(x, dy, weight.size(2), false);
    if (context->needs_input_grad(2)) db = kernels::bfloat16_channel_sums(dy);
    return {dx, dw, db};
  }
};

/// 3x3 in float32, by Winograd.
struct ConvolveFloat32 : torch::autograd::Function<ConvolveFloat32> {
  static at::Tensor run_winograd(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
    at::Tensor out =
        at::empty({x.size(0), weight.size(0), x.size(2), x.size(3)}, at::TensorOptions(at::kFloat), kChannelsLast);
    kernels::Convolution({weight, bias, kFloat32}).run(x, out);
    return out;
  }
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const at::Tensor& bias) {
    const at::AutoDispatchBelowAutograd below;
    const Recorded recorded("sscvae::convolution", weight, macs_of(weight, x));
    context->save_for_backward({x, weight});
    return run_winograd(x.contiguous(kChannelsLast), weight, absent_if_empty(bias));
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1], &dy = gradients[0];
    const std::array<bool, 3> wanted{context->needs_input_grad(0), context->needs_input_grad(1),
                                     context->needs_input_grad(2)};
    if (at::GradMode::is_enabled()) {  // second derivatives
      auto [dx, dw, db] = at::convolution_backward(dy, x, weight, at::IntArrayRef{weight.size(0)}, {1, 1}, {1, 1},
                                                   {1, 1}, false, {0, 0}, 1, wanted);
      return {dx, dw, db};
    }
    const Recorded recorded("sscvae::convolution_backward", weight, gradients_of(context) * macs_of(weight, dy));
    const at::Tensor map = dy.contiguous(kChannelsLast);
    at::Tensor dx, dw, db;
    if (wanted[0]) dx = run_winograd(map, turned(weight), {});
    if (wanted[1]) dw = convolution_weight_gradient(x.contiguous(kChannelsLast), map, 3, false);
    if (wanted[2]) db = map.sum({0, 2, 3});
    return {dx, dw, db};
  }
};

/// The 3x3 window of each pixel as channels: few channels [N,C,H,W] -> bfloat16 [N,16 n,H,W], tap by tap, then zeros.
at::Tensor windows(const at::Tensor& image) {
  const int64_t channels = image.size(1), height = image.size(2), width = image.size(3);
  const int64_t depth = (9 * channels + kVector - 1) / kVector * kVector;
  const at::Tensor padded = at::constant_pad_nd(image.to(at::kBFloat16), {1, 1, 1, 1});
  at::Tensor taps = empty_map(image, depth);
  for (int64_t tap = 0; tap < 9; ++tap)
    taps.narrow(1, tap * channels, channels).copy_(padded.narrow(2, tap / 3, height).narrow(3, tap % 3, width));
  if (depth > 9 * channels) taps.narrow(1, 9 * channels, depth - 9 * channels).zero_();
  return taps;
}

/// [C',C,3,3] -> [C',16 n,1,1], for windows.
at::Tensor weight_for_windows(const at::Tensor& weight) {
  const int64_t outs = weight.size(0), ins = 9 * weight.size(1), depth = (ins + kVector - 1) / kVector * kVector;
  return at::constant_pad_nd(weight.permute({0, 2, 3, 1}).reshape({outs, ins}), {0, depth - ins})
      .reshape({outs, depth, 1, 1});
}

/// The other way round, for gradients [C',16 n,1,1].
at::Tensor weight_from_windows(const at::Tensor& laid, int64_t channels) {
  return laid.reshape({laid.size(0), -1})
      .narrow(1, 0, 9 * channels)
      .reshape({laid.size(0), 3, 3, channels})
      .permute({0, 3, 1, 2});
}

/// 3x3 from an image.
struct ConvolveImage : torch::autograd::Function<ConvolveImage> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const at::Tensor& bias) {
    const at::AutoDispatchBelowAutograd below;
    const Recorded recorded("sscvae::convolution", weight, macs_of(weight, x));
    const at::Tensor taps = windows(x);
    context->save_for_backward({taps, weight});
    save_type(context, x);
    return run(taps, weight_for_windows(weight), absent_if_empty(bias));
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    refuse_second_derivatives();
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &taps = saved[0], &weight = saved[1];
    const Recorded recorded("sscvae::convolution_backward", weight,
                            gradients_of(context) * macs_of(weight, gradients[0]));
    const at::Tensor dy = as_map(gradients[0]);
    at::Tensor dx, dw, db;
    if (context->needs_input_grad(0)) dx = in_saved_type(context, run(dy, turned(weight)));
    if (context->needs_input_grad(1))
      dw = weight_from_windows(convolution_weight_gradient(taps, dy, 1, false), weight.size(1));
    if (context->needs_input_grad(2)) db = kernels::bfloat16_channel_sums(dy);
    return {dx, dw, db};
  }
};

/// 3x3 to an image. Its gradients are those of the turned convolution, from the image's gradient.
struct ConvolveToImage : torch::autograd::Function<ConvolveToImage> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const at::Tensor& bias) {
    return forward_keeping_input(context, x, weight, bias);
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    refuse_second_derivatives();
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1];
    const Recorded recorded("sscvae::convolution_backward", weight,
                            gradients_of(context) * macs_of(weight, gradients[0]));
    const at::Tensor taps = windows(gradients[0]);
    at::Tensor dx, dw, db;
    if (context->needs_input_grad(0)) dx = in_saved_type(context, run(taps, weight_for_windows(turned(weight))));
    if (context->needs_input_grad(1))
      dw = turned(weight_from_windows(convolution_weight_gradient(taps, x, 1, false), weight.size(0)));
    if (context->needs_input_grad(2)) db = gradients[0].sum({0, 2, 3}, false, at::kFloat);
    return {dx, dw, db};
  }
};

struct ResidualConvolutions : torch::autograd::Function<ResidualConvolutions> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& narrow,
                            const at::Tensor& widen) {
    const at::AutoDispatchBelowAutograd below;
    const Recorded recorded("sscvae::residual_convolutions", narrow, macs_of(narrow, x) + macs_of(widen, x));
    const at::Tensor map = as_map(x), inner = run(map, narrow, {}, after_relu());
    context->save_for_backward({map, inner, narrow, widen});
    save_type(context, x);
    return run(inner, widen, {}, after_relu(map));
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    refuse_second_derivatives();
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &inner = saved[1], &narrow = saved[2], &widen = saved[3];
    const Recorded recorded("sscvae::residual_convolutions_backward", narrow,
                            2 * (macs_of(narrow, x) + macs_of(widen, x)));
    const at::Tensor dy = as_map(gradients[0]);
    const at::Tensor d_inner = run(dy, turned(widen), {}, masked(inner));
    at::Tensor dx, d_narrow, d_widen;
    if (context->needs_input_grad(0)) dx = in_saved_type(context, run(d_inner, turned(narrow), {}, masked(x, dy)));
    if (context->needs_input_grad(1)) d_narrow = convolution_weight_gradient(x, d_inner, 3, true);
    if (context->needs_input_grad(2)) d_widen = convolution_weight_gradient(inner, dy, 1, true);
    return {dx, d_narrow, d_widen};
  }
};

/// The pixels (2y + row, 2x + column) of a map.
at::Tensor phase_of(const at::Tensor& map, int64_t i) {
  return map.slice(2, i / 2, map.size(2), 2).slice(3, i % 2, map.size(3), 2);
}

/// Kernel 2x2, stride 2: a 1x1 convolution for each of the four phases of the result.
struct Expand : torch::autograd::Function<Expand> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const at::Tensor& bias) {
    const at::AutoDispatchBelowAutograd below;
    const Recorded recorded("sscvae::transposed_convolution", weight, macs_of(weight, x));
    const at::Tensor map = as_map(x);
    context->save_for_backward({map, weight});
    save_type(context, x);
    at::Tensor out = at::empty({x.size(0), weight.size(1), 2 * x.size(2), 2 * x.size(3)}, at::kBFloat16, kChannelsLast);
    for (int64_t i = 0; i < 4; ++i) {
      const at::Tensor part = weight.select(3, i % 2).select(2, i / 2).t().unsqueeze(2).unsqueeze(3);
      at::Tensor phase = phase_of(out, i);
      kernels::Convolution({part, absent_if_empty(bias), kBFloat16}).run(map, phase);
    }
    return out;
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    refuse_second_derivatives();
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1];
    const Recorded recorded("sscvae::transposed_convolution_backward", weight,
                            gradients_of(context) * macs_of(weight, x));
    const at::Tensor dy = as_map(gradients[0]);
    const int64_t ins = weight.size(0), outs = weight.size(1);
    at::Tensor blocks = empty_map(x, 4 * outs);  // the phases side by side
    for (int64_t i = 0; i < 4; ++i) blocks.narrow(1, i * outs, outs).copy_(phase_of(dy, i));
    at::Tensor dx, dw, db;
    if (context->needs_input_grad(0)) {
      const at::Tensor laid = weight.permute({0, 2, 3, 1}).reshape({ins, 4 * outs, 1, 1});
      dx = in_saved_type(context, run(blocks, laid));
    }
    if (context->needs_input_grad(1))
      dw = convolution_weight_gradient(blocks, x, 1, false).reshape({ins, 2, 2, outs}).permute({0, 3, 1, 2});
    if (context->needs_input_grad(2)) db = kernels::bfloat16_channel_sums(dy);
    return {dx, dw, db};
  }
};

/// A pass of training with weights in float32 on the CPU.
bool is_training(const at::Tensor& weight, const at::Tensor& x) {
  return at::GradMode::is_enabled() && x.device().is_cpu() && x.dim() == 4 && weight.scalar_type() == at::kFloat &&
         weight.requires_grad();
}

bool is_ours(const at::Tensor& weight, const at::Tensor& x) {
  return kernels::has_bfloat16_kernels() && at::autocast::is_autocast_enabled(at::kCPU) &&
         at::autocast::get_autocast_dtype(at::kCPU) == at::kBFloat16 && is_training(weight, x);
}

/// Is a 3x3 convolution in float32 faster by Winograd? Not with few channels or tiles, where transforms weigh more.
bool is_for_winograd(const at::Tensor& weight, const at::Tensor& x) {
  constexpr int64_t kLeastChannels = 32, kLeastPixels = 1024;
  return !at::autocast::is_autocast_enabled(at::kCPU) && x.scalar_type() == at::kFloat && is_training(weight, x) &&
         std::min(weight.size(0), weight.size(1)) >= kLeastChannels &&
         x.size(0) * x.size(2) * x.size(3) >= kLeastPixels;
}

/// Square kernel of that size, stride 1, keeps the size.
bool is_plain(const live::Convolution& convolution, int64_t kernel) {
  return convolution.weight.size(2) == kernel && convolution.is_square() && convolution.stride == 1 &&
         convolution.padding == kernel / 2 && convolution.more_at_end == 0 && convolution.groups == 1;
}

bool is_vectors(int64_t channels) { return channels % kVector == 0; }

}  // namespace

at::Tensor convolve(const live::Convolution& convolution, const at::Tensor& x) {
  const at::Tensor& weight = convolution.weight;
  const int64_t ins = weight.size(1), outs = weight.size(0);
  const bool wide = is_plain(convolution, 3);
  if (wide && is_vectors(ins) && is_vectors(outs) && is_for_winograd(weight, x))
    return ConvolveFloat32::apply(x, weight, present(convolution.bias, weight));
  if (!is_ours(weight, x)) return graph::convolve(convolution, x);
  const at::Tensor bias = present(convolution.bias, weight);
  if ((wide || is_plain(convolution, 1)) && is_vectors(ins) && is_vectors(outs))
    return Convolve::apply(x, weight, bias);
  if (wide && ins <= kImageChannels && is_vectors(outs)) return ConvolveImage::apply(x, weight, bias);
  if (wide && outs <= kImageChannels && is_vectors(ins)) return ConvolveToImage::apply(x, weight, bias);
  return graph::convolve(convolution, x);
}

at::Tensor residual_convolutions(const live::Convolution& narrow, const live::Convolution& widen, const at::Tensor& x) {
  const bool fits = is_plain(narrow, 3) && is_plain(widen, 1) && !narrow.bias.defined() && !widen.bias.defined() &&
                    is_vectors(narrow.weight.size(0)) && is_vectors(widen.weight.size(0));
  if (fits && is_ours(narrow.weight, x) && is_ours(widen.weight, x))
    return ResidualConvolutions::apply(x, narrow.weight, widen.weight);
  return x + graph::convolve(widen, at::relu(nn::convolve(narrow, at::relu(x))));
}

at::Tensor expand(const live::TransposedConvolution& expansion, const at::Tensor& x) {
  const at::Tensor& weight = expansion.weight;
  if (is_vectors(weight.size(0)) && is_vectors(weight.size(1)) && is_ours(weight, x))
    return Expand::apply(x, weight, present(expansion.bias, weight));
  return at::conv_transpose2d(x, weight, expansion.bias, {2, 2});
}

}  // namespace sscvae::nn
