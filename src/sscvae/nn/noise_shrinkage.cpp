#include "sscvae/nn/noise_shrinkage.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/rsqrt.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

#include "sscvae/kernels/group_shrink.h"
#include "sscvae/kernels/noise_shrink.h"
#include "sscvae/nn/map_rows.h"
#include "sscvae/nn/soft_threshold.h"

namespace sscvae::nn {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Positions of a map in parts that never cross images, the same for any number of threads; each part has its own sum
/// of what is a gradient towards one number for each atom.
class Parts {
 public:
  explicit Parts(const at::Tensor& map)
      : images_(map.size(0)), atoms_(map.size(1)), positions_(map.size(2) * map.size(3)) {}

  at::Tensor zero_sums() const { return at::zeros({images_, per_image(), atoms_}); }

  /// work(part, image, offset of its first number, positions).
  template <typename Work>
  void run(const Work& work) const {
    at::parallel_for(0, images_ * per_image(), 1, [&](int64_t begin, int64_t end) {
      for (int64_t part = begin; part < end; ++part) {
        const int64_t image = part / per_image(), first = part % per_image() * kPositions;
        work(part, image, (image * positions_ + first) * atoms_, std::min(kPositions, positions_ - first));
      }
    });
  }

 private:
  static constexpr int64_t kPositions = 256;
  int64_t per_image() const { return (positions_ + kPositions - 1) / kPositions; }
  int64_t images_, atoms_, positions_;
};

/// Gradients towards floor and slope from sums [N,parts,K] of those towards theta.
std::pair<at::Tensor, at::Tensor> line_gradients(const at::Tensor& sums, const at::Tensor& sigma) {
  const at::Tensor by_image = sums.sum(1);
  return {by_image.sum(0), (by_image * sigma.view({-1, 1})).sum(0)};
}

const float* data_or_null(const at::Tensor& x, int64_t offset) {
  return x.defined() ? x.const_data_ptr<float>() + offset : nullptr;
}

struct NoiseShrinkage : torch::autograd::Function<NoiseShrinkage> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& step, const at::Tensor& floor,
                            const at::Tensor& slope, const at::Tensor& sigma,
                            const std::optional<at::Tensor>& factors) {
    const at::Tensor rows = channels_last(step), levels = sigma.contiguous();
    const at::Tensor scales = factors ? channels_last(*factors) : at::Tensor();
    const at::Tensor floors = floor.contiguous(), slopes = slope.contiguous();
    at::Tensor code = at::empty_like(rows);
    Parts(rows).run([&](int64_t, int64_t image, int64_t offset, int64_t positions) {
      const kernels::NoiseShrink shrink{rows.const_data_ptr<float>() + offset,
                                        nullptr,
                                        data_or_null(scales, offset),
                                        floors.const_data_ptr<float>(),
                                        slopes.const_data_ptr<float>(),
                                        levels.const_data_ptr<float>()[image],
                                        rows.size(1)};
      kernels::noise_shrink(shrink, code.mutable_data_ptr<float>() + offset, positions);
    });
    context->save_for_backward({code, floors, slopes, levels, scales});
    return code;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &code = saved[0], &floors = saved[1], &slopes = saved[2], &levels = saved[3], &scales = saved[4];
    const at::Tensor gradient = channels_last(gradients[0]);
    at::Tensor towards_step = at::empty_like(code), towards_factors;
    if (scales.defined()) towards_factors = at::empty_like(code);
    const Parts parts(code);
    at::Tensor sums = parts.zero_sums();
    parts.run([&](int64_t part, int64_t image, int64_t offset, int64_t positions) {
      const kernels::NoiseShrinkGradient shrink{
          code.const_data_ptr<float>() + offset,
          gradient.const_data_ptr<float>() + offset,
          data_or_null(scales, offset),
          floors.const_data_ptr<float>(),
          slopes.const_data_ptr<float>(),
          levels.const_data_ptr<float>()[image],
          code.size(1),
          towards_step.mutable_data_ptr<float>() + offset,
          scales.defined() ? towards_factors.mutable_data_ptr<float>() + offset : nullptr,
          sums.mutable_data_ptr<float>() + part * code.size(1)};
      kernels::noise_shrink_gradient(shrink, positions);
    });
    const auto [towards_floor, towards_slope] = line_gradients(sums, levels);
    return {towards_step, towards_floor, towards_slope, {}, towards_factors};
  }
};

struct GroupShrinkage : torch::autograd::Function<GroupShrinkage> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& step, const at::Tensor& floor,
                            const at::Tensor& slope, const at::Tensor& sigma, const at::Tensor& own,
                            const at::Tensor& pooled) {
    const variable_list saved{channels_last(step), floor.contiguous(), slope.contiguous(),
                              sigma.contiguous(),  own.contiguous(),   channels_last(pooled)};
    at::Tensor code = at::empty_like(saved[0]);
    Parts(code).run([&](int64_t, int64_t image, int64_t offset, int64_t positions) {
      kernels::group_shrink(part_of(saved, image, offset), code.mutable_data_ptr<float>() + offset, positions);
    });
    context->save_for_backward(saved);
    return code;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor gradient = channels_last(gradients[0]);
    at::Tensor towards_step = at::empty_like(gradient), towards_pooled = at::empty_like(gradient);
    const Parts parts(gradient);
    at::Tensor own_sums = parts.zero_sums(), threshold_sums = parts.zero_sums();
    const int64_t atoms = gradient.size(1);
    parts.run([&](int64_t part, int64_t image, int64_t offset, int64_t positions) {
      const kernels::GroupShrinkGradient written{
          gradient.const_data_ptr<float>() + offset, towards_step.mutable_data_ptr<float>() + offset,
          towards_pooled.mutable_data_ptr<float>() + offset, own_sums.mutable_data_ptr<float>() + part * atoms,
          threshold_sums.mutable_data_ptr<float>() + part * atoms};
      kernels::group_shrink_gradient(part_of(saved, image, offset), written, positions);
    });
    const auto [towards_floor, towards_slope] = line_gradients(threshold_sums, saved[3]);
    return {towards_step, towards_floor, towards_slope, {}, own_sums.sum(1).sum(0), towards_pooled};
  }

 private:
  static kernels::GroupShrink part_of(const variable_list& saved, int64_t image, int64_t offset) {
    return {saved[0].const_data_ptr<float>() + offset,
            saved[5].const_data_ptr<float>() + offset,
            saved[4].const_data_ptr<float>(),
            saved[1].const_data_ptr<float>(),
            saved[2].const_data_ptr<float>(),
            saved[3].const_data_ptr<float>()[image],
            saved[0].size(1)};
  }
};

at::Tensor threshold_of(const ThresholdLine& line) {
  return line.floor.view({1, -1, 1, 1}) + line.sigma * line.slope.view({1, -1, 1, 1});
}

}  // namespace

at::Tensor shrink_by_noise(const at::Tensor& step, const ThresholdLine& line, const at::Tensor& factors) {
  if (is_plain_float(step)) return NoiseShrinkage::apply(step, line.floor, line.slope, line.sigma, if_defined(factors));
  at::Tensor threshold = threshold_of(line);
  if (factors.defined()) threshold = threshold * factors;
  return soft_threshold(step, threshold.to(step.scalar_type()));
}

at::Tensor shrink_by_group(const at::Tensor& step, const ThresholdLine& line, const at::Tensor& own,
                           const at::Tensor& pooled) {
  if (is_plain_float(step)) return GroupShrinkage::apply(step, line.floor, line.slope, line.sigma, own, pooled);
  const at::Tensor energy = own.view({1, -1, 1, 1}) * step.square() + pooled + kernels::kLeastEnergy;
  return step * at::relu(1 - threshold_of(line) * at::rsqrt(energy));
}

}  // namespace sscvae::nn
