#include "sscvae/engine/compose.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "sscvae/nn/arrays.h"

namespace sscvae::engine {
namespace {

/// The phases as convolutions of the map with a border of zeros, the bias of each pixel chosen by its place.
at::Tensor apply_phases(const std::array<Phase, 4>& phases, const at::Tensor& x) {
  const int64_t height = x.size(2), width = x.size(3);
  at::Tensor out = at::empty({x.size(0), phases[0].weight.size(0), 2 * height, 2 * width});
  const at::Tensor padded = at::constant_pad_nd(x, {1, 1, 1, 1});
  for (const Phase& phase : phases) {
    at::Tensor y = at::conv2d(padded, phase.weight).narrow(2, phase.row, height).narrow(3, phase.column, width).clone();
    for (int64_t r = 0; r < height; ++r)
      for (int64_t c = 0; c < width; ++c) {
        const bool row_edge = phase.row == 0 ? r == 0 : r == height - 1;
        const bool column_edge = phase.column == 0 ? c == 0 : c == width - 1;
        y.select(3, c).select(2, r) += as_tensor(phase.edge_biases)[row_edge][column_edge];
      }
    out.slice(2, phase.row, 2 * height, 2).slice(3, phase.column, 2 * width, 2).copy_(y);
  }
  return out;
}

TEST(Compose, EqualsBothConvolutionsBordersIncluded) {
  torch::manual_seed(1);
  for (const auto& [height, width] : {std::pair{1, 1}, {2, 3}, {5, 4}}) {
    const graph::TransposedConvolution expansion{torch::randn({6, 5, 2, 2}), torch::randn({5})};
    const graph::Convolution convolution{torch::randn({7, 5, 3, 3}), torch::randn({7}), 1, 1};
    const at::Tensor x = torch::randn({2, 6, height, width});
    const at::Tensor wanted = at::conv2d(at::conv_transpose2d(x, expansion.weight, expansion.bias, 2),
                                         convolution.weight, convolution.bias, 1, 1);
    EXPECT_LT((apply_phases(compose(expansion, convolution), x) - wanted).abs().max().item<double>(), 1e-4);
  }
}

TEST(Compose, PaysWhereTheInputIsNarrow) {
  const auto pays = [](int64_t ins, int64_t outs) {
    return pays_to_compose({at::zeros({ins, outs, 2, 2}), at::zeros({outs})},
                           {at::zeros({outs, outs, 3, 3}), {}, 1, 1});
  };
  EXPECT_TRUE(pays(128, 128));
  EXPECT_FALSE(pays(512, 128));
}

}  // namespace
}  // namespace sscvae::engine
