#include "sscvae/nn/norm_activation.h"

#include <ATen/Context.h>
#include <ATen/ops/batch_norm.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/group_norm.h>
#include <ATen/ops/max_pool2d.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/autograd/grad_mode.h>

#include "sscvae/core/error.h"
#include "sscvae/nn/recorded.h"

namespace sscvae::nn {

namespace {

using kernels::Act;
using kernels::NormActForm;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// The statistics that x is normalised with: mean and 1 / sqrt(variance + epsilon), float64 [N,C].
struct Statistics {
  at::Tensor mean, inverse_deviation;
};

/// Whose pixels share a mean and a variance.
struct Sharing {
  int64_t groups = 0;  ///< of channels within an image; 0: each channel over the whole batch
  bool fixed = false;  ///< the statistics are constants (running ones)
};

/// Averages float64 [N,C] over what shares statistics; the result is [N,C], too.
at::Tensor shared_mean(const at::Tensor& values, const Sharing& sharing) {
  const int64_t images = values.size(0), channels = values.size(1);
  if (sharing.groups == 0) return values.mean({0}, true).expand({images, channels});
  const at::Tensor grouped = values.view({images, sharing.groups, channels / sharing.groups});
  return grouped.mean({2}, true).expand_as(grouped).reshape({images, channels});
}

/// Mean and variance of x, float64 [N,C]. Sums are taken about each channel's first value, so that nothing cancels.
std::pair<at::Tensor, at::Tensor> mean_and_variance(const at::Tensor& x, const Sharing& sharing, kernels::Isa isa) {
  const at::Tensor first = x.select(0, 0).select(1, 0).select(1, 0).to(at::kFloat);
  const at::Tensor centre = first.unsqueeze(0).expand({x.size(0), x.size(1)}).contiguous();
  const at::Tensor means = kernels::channel_moments(x, centre, isa) / static_cast<double>(x.size(2) * x.size(3));
  const at::Tensor shift = centre.to(at::kDouble), own_mean = means[0] + shift;
  const at::Tensor own_variance = (means[1] - means[0].square()).clamp_min(0);
  const at::Tensor mean = shared_mean(own_mean, sharing);
  return {mean, shared_mean(own_variance + (own_mean - mean).square(), sharing)};
}

struct Affine {
  at::Tensor scale, shift;  ///< float32 [N,C]
};

Affine affine_of(const Statistics& statistics, const at::Tensor& weight, const at::Tensor& bias) {
  const at::Tensor scale = weight.to(at::kDouble) * statistics.inverse_deviation;
  const at::Tensor shift = bias.to(at::kDouble) - scale * statistics.mean;
  return {scale.to(at::kFloat).contiguous(), shift.to(at::kFloat).contiguous()};
}

/// With g = weight dz and n = (x - mean) / deviation: dx = (g - mean(g) - n mean(g n)) / deviation, means over what
/// shares statistics. `sums`: of dz and of dz (x - centre).
kernels::GradientLine gradient_line(const Statistics& statistics, const at::Tensor& weight, const at::Tensor& dz_mean,
                                    const at::Tensor& dz_n_mean, const at::Tensor& centre, const Sharing& sharing) {
  const at::Tensor &inverse = statistics.inverse_deviation, wide = weight.to(at::kDouble);
  const auto in_float = [](const at::Tensor& t) { return t.to(at::kFloat).contiguous(); };
  const at::Tensor gain = in_float(wide * inverse);
  if (sharing.fixed) return {gain, at::zeros_like(gain), centre, at::zeros_like(gain)};
  const at::Tensor slope = -inverse.square() * shared_mean(wide * dz_n_mean, sharing);
  const at::Tensor constant = -inverse * shared_mean(wide * dz_mean, sharing);
  return {gain, in_float(slope), centre, in_float(constant + slope * (centre.to(at::kDouble) - statistics.mean))};
}

struct NormActivation : torch::autograd::Function<NormActivation> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const at::Tensor& bias, const Statistics& statistics, const Sharing& sharing,
                            const NormActForm& form) {
    const Recorded recorded("sscvae::norm_activation", weight, 0);
    const Affine affine = affine_of(statistics, weight, bias);
    context->save_for_backward({x, weight, bias, statistics.mean, statistics.inverse_deviation});
    context->saved_data["groups"] = sharing.groups;
    context->saved_data["fixed"] = sharing.fixed;
    context->saved_data["activation"] = static_cast<int64_t>(form.activation);
    context->saved_data["pool"] = form.pool;
    context->saved_data["isa"] = static_cast<int64_t>(form.isa);
    return kernels::norm_act(x, affine.scale, affine.shift, form);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    if (at::GradMode::is_enabled()) throw UsageError("fused normalisation has no second derivatives");
    auto& data = context->saved_data;
    const Sharing sharing{data["groups"].toInt(), data["fixed"].toBool()};
    const NormActForm form{static_cast<Act>(data["activation"].toInt()), data["pool"].toBool(),
                           static_cast<kernels::Isa>(data["isa"].toInt())};
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1];
    const Recorded recorded("sscvae::norm_activation_backward", weight, 0);
    const Statistics statistics{saved[3], saved[4]};
    const at::Tensor dy = gradients[0].to(x.scalar_type()).contiguous(at::MemoryFormat::ChannelsLast);
    const Affine affine = affine_of(statistics, weight, saved[2]);
    const at::Tensor centre = statistics.mean.to(at::kFloat).contiguous();
    const at::Tensor sums = kernels::norm_act_gradient_sums(x, dy, affine.scale, affine.shift, centre, form);
    const at::Tensor offset = centre.to(at::kDouble) - statistics.mean;
    const at::Tensor n_sums = (sums[1] + offset * sums[0]) * statistics.inverse_deviation;
    const double pixels = static_cast<double>(x.size(2) * x.size(3));
    at::Tensor dx;
    if (context->needs_input_grad(0))
      dx = kernels::norm_act_gradient(
          x, dy, affine.scale, affine.shift,
          gradient_line(statistics, weight, sums[0] / pixels, n_sums / pixels, centre, sharing), form);
    const auto over_images = [&](const at::Tensor& t) { return t.sum({0}).to(weight.scalar_type()); };
    return {dx, over_images(n_sums), over_images(sums[0]), at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

at::Tensor run_norm_activation(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                               const Statistics& statistics, const Sharing& sharing, const NormActForm& form) {
  if (at::GradMode::is_enabled() && (x.requires_grad() || weight.requires_grad() || bias.requires_grad()))
    return NormActivation::apply(x, weight, bias, statistics, sharing, form);
  const Affine affine = affine_of(statistics, weight, bias);
  return kernels::norm_act(x, affine.scale, affine.shift, form);
}

bool takes_plain_path(const at::Tensor& x, const at::Tensor& weight) {
  if (!at::GradMode::is_enabled()) return true;
  return !kernels::can_norm_act(x) || !weight.defined() || weight.scalar_type() != at::kFloat;
}

/// From `count` values per channel. The handles share memory with the module's buffers, which change with them.
void update_running_statistics(const live::BatchNorm& norm, const at::Tensor& mean, const at::Tensor& variance,
                               int64_t count) {
  at::Tensor batches = norm.batches, running_mean = norm.mean, running_variance = norm.variance;
  batches += 1;
  const double unbiased = static_cast<double>(count) / static_cast<double>(std::max<int64_t>(1, count - 1));
  running_mean.lerp_(mean.to(running_mean.scalar_type()), norm.momentum);
  running_variance.lerp_((variance * unbiased).to(running_variance.scalar_type()), norm.momentum);
}

at::Tensor plain_batch_norm(const live::BatchNorm& norm, const at::Tensor& x, bool training) {
  if (training) {
    const at::NoGradGuard no_grad;
    at::Tensor batches = norm.batches;
    batches += 1;
  }
  return at::batch_norm(x, norm.weight, norm.bias, norm.mean, norm.variance, training, norm.momentum, norm.epsilon,
                        at::globalContext().userEnabledCuDNN());
}

Statistics statistics_of(const at::Tensor& mean, const at::Tensor& variance, double epsilon) {
  return {mean.contiguous(), (variance + epsilon).rsqrt().contiguous()};
}

}  // namespace

at::Tensor plain_activation(const at::Tensor& x, const NormActForm& form) {
  SSCVAE_ASSERT(!form.pool || form.activation == Act::kRelu);
  if (form.pool) return at::max_pool2d(at::relu(x), {2, 2}, {2, 2});
  return form.activation == Act::kRelu ? at::relu(x) : form.activation == Act::kSilu ? at::silu(x) : x;
}

at::Tensor norm_activation(const live::BatchNorm& norm, const at::Tensor& x, const NormActForm& form, bool training) {
  if (takes_plain_path(x, norm.weight) || x.size(0) * x.size(2) * x.size(3) < 2)
    return plain_activation(plain_batch_norm(norm, x, training), form);
  Statistics statistics;
  const Sharing sharing{0, !training};
  {
    const at::NoGradGuard no_grad;
    if (sharing.fixed) {
      const auto rows = [&](const at::Tensor& t) { return t.to(at::kDouble).unsqueeze(0).expand({x.size(0), -1}); };
      statistics = statistics_of(rows(norm.mean), rows(norm.variance), norm.epsilon);
    } else {
      const auto [mean, variance] = mean_and_variance(x, sharing, form.isa);
      update_running_statistics(norm, mean[0], variance[0], x.size(0) * x.size(2) * x.size(3));
      statistics = statistics_of(mean, variance, norm.epsilon);
    }
  }
  return run_norm_activation(x, norm.weight, norm.bias, statistics, sharing, form);
}

at::Tensor norm_activation(const live::GroupNorm& norm, const at::Tensor& x, const NormActForm& form) {
  if (takes_plain_path(x, norm.weight))
    return plain_activation(
        at::group_norm(x, norm.groups, norm.weight, norm.bias, norm.epsilon, at::globalContext().userEnabledCuDNN()),
        form);
  const Sharing sharing{norm.groups, false};
  Statistics statistics;
  {
    const at::NoGradGuard no_grad;
    const auto [mean, variance] = mean_and_variance(x, sharing, form.isa);
    statistics = statistics_of(mean, variance, norm.epsilon);
  }
  return run_norm_activation(x, norm.weight, norm.bias, statistics, sharing, form);
}

}  // namespace sscvae::nn
