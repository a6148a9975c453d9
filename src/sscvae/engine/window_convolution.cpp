#include <algorithm>
#include <optional>

#include "sscvae/array/array.h"
#include "sscvae/array/elementwise.h"
#include "sscvae/array/parallel.h"
#include "sscvae/array/selection.h"
#include "sscvae/engine/steps.h"
#include "sscvae/graph/arithmetic.h"
#include "sscvae/kernels/layout.h"
#include "sscvae/kernels/patches.h"
#include "sscvae/kernels/pointwise.h"

// Convolutions of any side, stride and padding, in float32, as products with rows of numbers.
namespace sscvae::engine {

namespace {

using graph::Value;

constexpr int64_t kDepthMultiple = 16;  // numbers of a row that the product wants a multiple of
constexpr int64_t kRowsOfProduct = 64;  // positions that are worth a thread

/// [outs, numbers] as the weight of a product, filled up with zeros to a depth that the kernel takes.
kernels::Pointwise product_with(const Array& rows, const Array& bias) {
  const int64_t depth = kernels::round_up(rows.size(1), kDepthMultiple);
  const Array weight = Array::zeros({rows.size(0), depth, 1, 1});
  weight.narrow(1, 0, rows.size(1)).copy_(rows.unsqueeze(2).unsqueeze(3));
  return kernels::Pointwise(weight, bias);
}

/// The window of each result as a row [k k C], times the filters.
class WindowConvolutionStep : public Step {
 public:
  WindowConvolutionStep(const graph::Node& node, Value makes)
      : Step(node.name, "convolution by windows", node.inputs, makes),
        op_(std::get<graph::Convolution>(node.operation)),
        side_(op_.weight.size(2)),
        width_(op_.weight.size(3)),
        product_(product_with(op_.weight.permute({0, 2, 3, 1}).reshape({op_.weight.size(0), -1}), op_.bias)) {}
  void run(Pass& pass) const override {
    const Array x = pass.map(inputs[0], kFloat32);
    const int64_t height = (x.size(2) + 2 * op_.padding + op_.more_at_end - side_) / op_.stride + 1,
                  width = (x.size(3) + 2 * op_.side_padding() + op_.more_at_end - width_) / op_.stride + 1;
    const Array out = pass.arena.map({x.size(0), op_.weight.size(0), height, width}, kFloat32);
    const int64_t depth = kernels::round_up(side_ * width_ * x.size(1), kDepthMultiple);
    parallel_for(0, x.size(0) * height, std::max<int64_t>(1, kRowsOfProduct / width), [&](int64_t begin, int64_t end) {
      const Array windows = Array::zeros({width, depth}), scratch = Array::empty({product_.scratch_floats()});
      for (int64_t i = begin; i < end; ++i) {
        const float* image = x.data<float>() + i / height * x.size(1) * x.size(2) * x.size(3);
        for (int64_t column = 0; column < width; ++column)
          gather(x, image, i % height, column, windows.data<float>() + column * depth);
        product_.run_rows(windows.data<float>(), nullptr, width, out.data<float>() + i * width * out.size(1),
                          scratch.data<float>());
      }
    });
    pass.values[static_cast<size_t>(output)] = out;
  }
  int64_t macs(const Array& result) const override { return op_.weight.numel() * positions_of(result); }

 private:
  /// One window [k][k][C], zeros where it leaves the map.
  void gather(const Array& x, const float* image, int64_t row, int64_t column, float* to) const {
    const int64_t channels = x.size(1), height = x.size(2), width = x.size(3);
    const int64_t left = column * op_.stride - op_.side_padding();
    const int64_t first = std::clamp<int64_t>(-left, 0, width_),
                  last = std::clamp<int64_t>(width - left, first, width_);
    for (int64_t r = 0; r < side_; ++r, to += width_ * channels) {
      const int64_t y = row * op_.stride - op_.padding + r;
      if (y < 0 || y >= height) {
        std::fill_n(to, width_ * channels, 0.0F);
        continue;
      }
      std::fill_n(to, first * channels, 0.0F);
      if (last > first)
        std::copy_n(image + (y * width + left + first) * channels, (last - first) * channels, to + first * channels);
      std::fill_n(to + last * channels, (width_ - last) * channels, 0.0F);
    }
  }
  graph::Convolution op_;
  int64_t side_, width_;
  kernels::Pointwise product_;
};

/// What each position adds to its window, then the sum of the windows: fewer numbers to move where there are more
/// channels than results.
class SpreadingStep : public Step {
 public:
  SpreadingStep(const graph::Node& node, Value makes)
      : Step(node.name, "convolution by spreading", node.inputs, makes),
        op_(std::get<graph::Convolution>(node.operation)),
        product_(product_with(flip(op_.weight, {2, 3}).permute({2, 3, 0, 1}).reshape({-1, op_.weight.size(1)}), {})) {}
  void run(Pass& pass) const override {
    const Array x = pass.map(inputs[0], kFloat32);
    const kernels::PatchGrid grid{x.size(0), x.size(2), x.size(3), op_.weight.size(0), op_.weight.size(2)};
    const Array out = pass.arena.map({x.size(0), op_.weight.size(0), x.size(2), x.size(3)}, kFloat32);
    const Array windows = Array::empty({grid.positions(), grid.numbers()});
    const int64_t channels = x.size(1), depth = kernels::round_up(channels, kDepthMultiple);
    parallel_for(0, grid.positions(), kRowsOfProduct, [&](int64_t begin, int64_t end) {
      const int64_t most = product_.rows_at_once();
      const Array rows = Array::zeros({most, depth}), scratch = Array::empty({product_.scratch_floats()});
      for (int64_t first = begin; first < end; first += most) {
        const int64_t count = std::min(most, end - first);
        for (int64_t i = 0; i < count; ++i)
          std::copy_n(x.data<float>() + (first + i) * channels, channels, rows.data<float>() + i * depth);
        product_.run_rows(rows.data<float>(), nullptr, count, windows.data<float>() + first * grid.numbers(),
                          scratch.data<float>());
      }
    });
    kernels::sum_patches(grid, windows.data<float>(), out.data<float>());
    if (op_.bias.defined()) out += graph::per_channel(op_.bias);
    pass.values[static_cast<size_t>(output)] = out;
  }
  int64_t macs(const Array& result) const override { return op_.weight.numel() * positions_of(result); }

 private:
  graph::Convolution op_;
  kernels::Pointwise product_;
};

/// With groups: as graph/arithmetic.h has it.
class GroupedConvolutionStep : public Step {
 public:
  GroupedConvolutionStep(const graph::Node& node, Value makes)
      : Step(node.name, "grouped convolution", node.inputs, makes), op_(std::get<graph::Convolution>(node.operation)) {}
  void run(Pass& pass) const override {
    pass.values[static_cast<size_t>(output)] = graph::convolve(op_, pass.map(inputs[0], kFloat32));
  }
  int64_t macs(const Array& result) const override { return op_.weight.numel() * positions_of(result); }

 private:
  graph::Convolution op_;
};

bool can_spread(const graph::Convolution& op) {
  const int64_t side = op.weight.size(2);
  return op.stride == 1 && op.is_square() && op.padding == side / 2 && op.more_at_end == (side % 2 == 0 ? -1 : 0) &&
         op.weight.size(0) < op.weight.size(1);
}

}  // namespace

StepPtr make_window_convolution(const graph::Node& node, Value output) {
  const auto& op = std::get<graph::Convolution>(node.operation);
  if (op.groups != 1) return std::make_unique<GroupedConvolutionStep>(node, output);
  if (can_spread(op)) return std::make_unique<SpreadingStep>(node, output);
  return std::make_unique<WindowConvolutionStep>(node, output);
}

}  // namespace sscvae::engine
