#include "sscvae/engine/compose.h"

#include "sscvae/array/array.h"
#include "sscvae/array/elementwise.h"
#include "sscvae/array/products.h"

namespace sscvae::engine {

namespace {

/// Where tap k (0, 1, 2) of the convolution falls for a pixel of parity `phase`: in low-resolution row `low` (0 or 1 of
/// the window), at parity `sub` there.
struct Landing {
  int64_t low, sub;
  bool may_leave;  // at the border of the map
};

Landing land(int64_t phase, int64_t k) {
  const int64_t row = phase + k - 1;  // of the doubled map, relative to 2y
  const int64_t low = row < 0 ? -1 : row / 2;
  return {low + 1 - phase, row - 2 * low, row < 0 || row > 1};
}

}  // namespace

std::array<Phase, 4> compose(const graph::TransposedConvolution& expansion, const graph::Convolution& convolution) {
  const Array w1 = expansion.weight.to(kFloat64), w2 = convolution.weight.to(kFloat64);
  const Array b1 = expansion.bias.to(kFloat64);
  const int64_t ins = w1.size(0), outs = w2.size(0);
  std::array<Phase, 4> phases;
  for (int64_t i = 0; i < 4; ++i) {
    const int64_t row = i / 2, column = i % 2;
    Array weight = Array::zeros({outs, ins, 2, 2}, kFloat64), biases = Array::zeros({2, 2, outs}, kFloat64);
    if (convolution.bias.defined()) biases += convolution.bias.to(kFloat64);
    for (int64_t r = 0; r < 3; ++r)
      for (int64_t c = 0; c < 3; ++c) {
        const Landing y = land(row, r), x = land(column, c);
        const Array tap = w2.select(3, c).select(2, r);  // [C',M]
        weight.select(3, x.low).select(2, y.low) += mm(tap, w1.select(3, x.sub).select(2, y.sub).t());
        const Array bias = mv(tap, b1);
        for (int64_t edge_row = 0; edge_row < (y.may_leave ? 1 : 2); ++edge_row)
          for (int64_t edge_column = 0; edge_column < (x.may_leave ? 1 : 2); ++edge_column)
            biases.select(0, edge_row).select(0, edge_column) += bias;
      }
    phases[static_cast<size_t>(i)] = {row, column, weight.to(kFloat32), biases.to(kFloat32)};
  }
  return phases;
}

bool pays_to_compose(const graph::TransposedConvolution& expansion, const graph::Convolution& convolution) {
  const int64_t ins = expansion.weight.size(0), middle = expansion.weight.size(1), outs = convolution.weight.size(0);
  return 16 * ins * outs < 4 * ins * middle + 36 * middle * outs;
}

}  // namespace sscvae::engine
