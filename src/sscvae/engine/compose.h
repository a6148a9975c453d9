#pragma once

#include <array>

#include "sscvae/array/array.h"
#include "sscvae/graph/graph.h"

namespace sscvae::engine {

/// One of the four phases of a transposed convolution (2x2, stride 2) followed by a 3x3 convolution with padding 1: the
/// pixels (2y + row, 2x + column) of the result, as a 2x2 convolution of the low-resolution map whose first tap is at
/// (y - 1 + row, x - 1 + column).
struct Phase {
  int64_t row, column;
  Array weight;       ///< [C',C,2,2]
  Array edge_biases;  ///< [2,2,C']: [r][c] with r = 1 where a tap row lies outside of the map, c likewise
};

/// Exact up to rounding (computed in double), borders and biases included.
std::array<Phase, 4> compose(const graph::TransposedConvolution& expansion, const graph::Convolution& convolution);

/// Does it take fewer multiplications than the two one after the other?
bool pays_to_compose(const graph::TransposedConvolution& expansion, const graph::Convolution& convolution);

}  // namespace sscvae::engine
