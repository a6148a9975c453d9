#pragma once

#include <memory>
#include <vector>

#include "sscvae/array/array.h"
#include "sscvae/kernels/bfloat16_unit.h"
#include "sscvae/kernels/epilogue.h"

namespace sscvae::kernels {

/// Where a convolution reads, relative to the pixel that it makes: `rows` x `columns` taps, the first at (top, left).
/// A 3x3 convolution has {3, 3, -1, -1}, a 1x1 one {1, 1, 0, 0}.
struct Taps {
  int64_t rows = 1, columns = 1, top = 0, left = 0;
};

/// A convolution, stride 1, of channels-last maps with bfloat16 inputs and weights and float32 sums, on AMX tiles or
/// AVX512_BF16. A band of rows is copied once into cache (with zeros around it, and relu where asked); results pass the
/// epilogue before they are written. Optionally followed by a 1x1 convolution of the activated result, with tiles in
/// the same band. With vectors, 3x3 convolutions go by Winograd (bfloat16_winograd.h): tiles multiply so fast that its
/// transforms would cost about what they save. Results do not depend on the number of threads.
class Bfloat16Convolution {
 public:
  /// Shapes: weight [C',C,rows,columns], bias [C'] or undefined; `edge_biases`, if given, is [2,2,C'] and replaces the
  /// bias: [r][c] is that of pixels in the first row (taps.top < 0) or else the last row (r = 1), and likewise columns.
  Bfloat16Convolution(const Array& weight, const Array& bias, Taps taps, const Array& edge_biases = {},
                      Bfloat16Unit unit = best_bfloat16_unit());
  ~Bfloat16Convolution();
  Bfloat16Convolution(Bfloat16Convolution&&) noexcept;

  /// After this, run() gives W2 act(convolution) with W2 [C'',C',1,1] and bias [C''] or undefined; the epilogue's
  /// activation belongs to the first convolution, its residual to the result. No pooling then.
  void append(const Array& weight, const Array& bias);

  /// Shapes: x [N,C,H,W] bfloat16 channels-last; out [N,C',H,W] or, pooled, [N,C',H/2,W/2], bfloat16 or float32, with
  /// channels dense (stride 1) and any other strides: a phase of a larger map, for example.
  /// `residual` bfloat16, with the strides of `out`.
  void run(const Array& x, const Array& out, const Epilogue& epilogue) const;

 private:
  struct Packed;
  std::unique_ptr<Packed> packed_;
};

}  // namespace sscvae::kernels
