#pragma once

#include <optional>
#include <variant>

#include "sscvae/kernels/bfloat16_convolution.h"
#include "sscvae/kernels/pointwise.h"
#include "sscvae/kernels/winograd.h"

/// The one place that knows which kernel a convolution takes: inference and training describe what they want, and get
/// an object that runs it.
namespace sscvae::kernels {

/// Stride 1, and a result as large as the input.
struct ConvolutionKind {
  Array weight;                   ///< [C',C,1,1], or [C',C,3,3] with a border of one pixel; C a multiple of 16
  Array bias;                     ///< [C'] or undefined
  DataType maps = kFloat32;       ///< what it reads; bfloat16 where has_bfloat16_kernels(), and only then the rest:
  std::optional<Taps> taps = {};  ///< where a weight of another shape reads
  Array edge_biases = {};         ///< in the place of the bias (Bfloat16Convolution)
  Array appended_weight = {};     ///< of a 1x1 convolution of the activated result (Bfloat16Convolution::append)
  Array appended_bias = {};       ///< of that, or undefined
};

/// A convolution with packed weights: bfloat16 on tiles or vectors, by Winograd's transforms where those pay
/// (bfloat16_convolution.h); float32 by Winograd's transforms (3x3) or as a product of matrices (1x1).
class Convolution {
 public:
  /// Errors: InternalError for what no kernel computes.
  explicit Convolution(const ConvolutionKind& form);
  /// Shapes: x [N,C,H,W] channels-last, `out` and the epilogue's arrays as the kernel's own run says.
  void run(const Array& x, const Array& out, const Epilogue& epilogue = {}) const;

 private:
  std::variant<Bfloat16Convolution, Winograd, Pointwise> kernel_;
};

/// The gradient of the weight [C',C,k,k], k = 1 or 3, of y = w * x or, with `input_relu`, w * relu(x), in the type of
/// the maps: float32 (k = 3) or bfloat16. Channels-last, C and C' multiples of 16.
Array convolution_weight_gradient(const Array& x, const Array& gradient, int64_t kernel, bool input_relu);

}  // namespace sscvae::kernels
