#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "sscvae/array/array.h"
#include "sscvae/graph/plain_operations.h"

/// The operations of networks. They take and return maps [N,C,H,W] with any N, H and W. Weights are of type T: arrays
/// of float32 or, in a network without numbers (networks/network.h), placeholders; in training, tensors with gradients.
namespace sscvae::graph {

/// Weight [C',C/groups,kh,kw]; bias [C'] or undefined.
template <class T>
struct ConvolutionOf {
  T weight, bias;
  int64_t stride = 1, padding = 0;
  int64_t more_at_end = 0;  ///< zeros below and right of the map beyond `padding`: 1 or -1 where k is even, as a rule
  int64_t groups = 1;
  ConvolutionUse use = ConvolutionUse::kMaps;
  int64_t wider = 0;  ///< zeros left and right of the map beyond `padding`, where kw is not kh

  int64_t side_padding() const { return padding + wider; }
  bool is_square() const { return weight.size(2) == weight.size(3) && wider == 0; }
};
/// Kernel 2x2, stride 2. Weight [C,C',2,2], bias [C'].
template <class T>
struct TransposedConvolutionOf {
  T weight, bias;
};
/// scale[c] x + shift[c]: batch normalisation with its running statistics.
template <class T>
struct ChannelAffineOf {
  T scale, shift;
};
/// Batch statistics in training, running ones otherwise; then weight[c] x + bias[c]. In training the running ones move
/// by `momentum`, and `batches` counts.
template <class T>
struct BatchNormOf {
  T weight, bias, mean, variance, batches;
  double epsilon, momentum = 0.1;
};
/// Statistics of one image and one group of channels; then weight[c] x + bias[c].
template <class T>
struct GroupNormOf {
  int64_t groups;
  double epsilon;
  T weight, bias;
};
/// Channel attention (squeeze [C/r,C], excite [C,C/r]), then spatial attention (convolution [1,2,k,k]); SpatialInput
/// says what the latter sees.
template <class T>
struct CbamOf {
  T squeeze, excite, convolution;
  SpatialInput spatial_input;
};
/// A learned map that does not depend on the image: [1,C,gh,gw], resized bilinearly to the height and width of its
/// input unless gh = gw = 1 (then it broadcasts).
template <class T>
struct ConstantOf {
  T map;
};
/// Inputs features [N,d,h,w] and threshold (broadcastable to [N,K,h,w]) -> code [N,K,h,w]; see nn::lista. With free
/// weights, `filters` [K,d] and `inhibitions` [K,K] hold one of each, or one for each iteration, and start from zero.
template <class T>
struct SparseCodeOf {
  T dictionary;  ///< [d,K], atoms normalised where the model does
  T lipschitz;   ///< []
  int64_t num_iterations;
  InitialCode initial_code;
  std::vector<T> filters, inhibitions;
};
/// x + offset, a single learned or measured number.
template <class T>
struct OffsetOf {
  T offset;
};
/// x / (factor divisor).
template <class T>
struct DivideByOf {
  T divisor;
  double factor;
};
/// The nearest rows of codebook [K,d] at each position: [N,d,h,w].
template <class T>
struct NearestCodeOf {
  T codebook;
};
/// (floor + sigma slope) factors: input sigma [N,1,h,w] and, optionally, factors [N,K,h,w].
template <class T>
struct NoiseThresholdOf {
  T floor, slope;  ///< [K], >= 0
};
/// shrink(step + previous, (floor + sigma slope) factors): inputs step [N,K,h,w], sigma, and, as the flags say, the
/// previous code and factors.
template <class T>
struct NoiseShrinkageOf {
  T floor, slope;
  bool has_previous, has_factors;
};
/// step max(0, 1 - (floor + sigma slope) / sqrt(own step^2 + pooled)): inputs step [N,K,h,w], sigma, pooled like step;
/// see nn::shrink_by_group.
template <class T>
struct GroupShrinkageOf {
  T floor, slope, own;  ///< [K], >= 0
};
template <class T>
using OperationOf = std::variant<Input, Affine, PixelShuffle, PixelUnshuffle, ConvolutionOf<T>,
                                 TransposedConvolutionOf<T>, ChannelAffineOf<T>, BatchNormOf<T>, GroupNormOf<T>,
                                 RmsNorm, Activation, MaxPool, MeanPool, Join, Add, Attention, CbamOf<T>, ConstantOf<T>,
                                 OffsetOf<T>, DivideByOf<T>, Strength, SparseCodeOf<T>, NearestCodeOf<T>, GaussianCode,
                                 NoiseLevel, NoiseThresholdOf<T>, NoiseShrinkageOf<T>, Square, GroupShrinkageOf<T>>;
using Convolution = ConvolutionOf<Array>;
using TransposedConvolution = TransposedConvolutionOf<Array>;
using ChannelAffine = ChannelAffineOf<Array>;
using BatchNorm = BatchNormOf<Array>;
using GroupNorm = GroupNormOf<Array>;
using Cbam = CbamOf<Array>;
using Constant = ConstantOf<Array>;
using SparseCode = SparseCodeOf<Array>;
using Offset = OffsetOf<Array>;
using DivideBy = DivideByOf<Array>;
using NearestCode = NearestCodeOf<Array>;
using NoiseThreshold = NoiseThresholdOf<Array>;
using NoiseShrinkage = NoiseShrinkageOf<Array>;
using GroupShrinkage = GroupShrinkageOf<Array>;
using Operation = OperationOf<Array>;

}  // namespace sscvae::graph
