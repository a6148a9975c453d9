#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <variant>
#include <vector>

/// The operations of networks. They take and return maps [N,C,H,W] with any N, H and W. Weights are float32 tensors on
/// the CPU or, in a network without numbers (networks/network.h), shapes without values.
namespace sscvae::graph {

/// Over which axis the scores of attention are normalised.
enum class SoftmaxAxis {
  kQueries,  ///< the authors' code: each key's weights over all queries sum to 1
  kKeys,     ///< Wang et al. 2018: each query's weights over all keys sum to 1
};
enum class InitialCode { kZero, kProjected };
enum class SpatialInput { kRefined, kInferred };
enum class ThresholdActivation { kSigned, kSoftplus, kRelu };
/// The image [N,C,H,W] in [0,1]; H and W are multiples of Graph::size_multiple.
struct Input {};
/// scale x + shift.
struct Affine {
  double scale = 1, shift = 0;
};
/// [N,C r^2,H,W] -> [N,C,rH,rW] as torch.pixel_shuffle, and back.
struct PixelShuffle {
  int64_t factor;
};
struct PixelUnshuffle {
  int64_t factor;
};
/// A hint for training, which chooses its kernels by it; results do not depend on it.
enum class ConvolutionUse {
  kMaps,     ///< between maps of features
  kPatches,  ///< few channels on one side, many atoms on the other: windows times filters
  kCode,     ///< part of a code: float32 in passes of half precision
};
/// Weight [C',C/groups,k,k]; bias [C'] or undefined.
struct Convolution {
  at::Tensor weight, bias;
  int64_t stride = 1, padding = 0;
  int64_t more_at_end = 0;  ///< zeros below and right of the map beyond `padding`: 1 or -1 where k is even, as a rule
  int64_t groups = 1;
  ConvolutionUse use = ConvolutionUse::kMaps;
};
/// Kernel 2x2, stride 2. Weight [C,C',2,2], bias [C'].
struct TransposedConvolution {
  at::Tensor weight, bias;
};
/// scale[c] x + shift[c]: batch normalisation with its running statistics.
struct ChannelAffine {
  at::Tensor scale, shift;
};
/// Batch statistics in training, running ones otherwise; then weight[c] x + bias[c]. In training the running ones move
/// by `momentum`, and `batches` counts.
struct BatchNorm {
  at::Tensor weight, bias, mean, variance, batches;
  double epsilon, momentum = 0.1;
};
/// Statistics of one image and one group of channels; then weight[c] x + bias[c].
struct GroupNorm {
  int64_t groups;
  double epsilon;
  at::Tensor weight, bias;
};
/// x / sqrt(mean over channels of x^2 + epsilon) at each position.
struct RmsNorm {
  double epsilon;
};
enum class Function { kRelu, kSilu, kSigmoid, kSoftplus };
struct Activation {
  Function function;
};
/// 2x2, stride 2; a last odd row or column is dropped.
struct MaxPool {};
/// x + y.
struct Add {};
/// Inputs queries, keys, values [N,c,H,W]: softmax(scale Q K^T) V over all positions of an image.
struct Attention {
  SoftmaxAxis axis;
  double scale = 1;
};
/// Channel attention (squeeze [C/r,C], excite [C,C/r]), then spatial attention (convolution [1,2,k,k]); SpatialInput
/// says what the latter sees.
struct Cbam {
  at::Tensor squeeze, excite, convolution;
  SpatialInput spatial_input;
};
/// A learned map that does not depend on the image: [1,C,gh,gw], resized bilinearly to the height and width of its
/// input unless gh = gw = 1 (then it broadcasts).
struct Constant {
  at::Tensor map;
};
/// Inputs features [N,d,h,w] and threshold (broadcastable to [N,K,h,w]) -> code [N,K,h,w]; see nn::lista. With free
/// weights, `filters` [K,d] and `inhibitions` [K,K] hold one of each, or one for each iteration, and start from zero.
struct SparseCode {
  at::Tensor dictionary;  ///< [d,K], atoms normalised where the model does
  at::Tensor lipschitz;   ///< []
  int64_t num_iterations;
  InitialCode initial_code;
  std::vector<at::Tensor> filters, inhibitions;
};
/// x + offset, a single learned or measured number.
struct Offset {
  at::Tensor offset;
};
/// x / (factor divisor).
struct DivideBy {
  at::Tensor divisor;
  double factor;
};
/// x times the strength that is asked for in a pass.
struct Strength {};
/// Inputs mean and log-variance [N,d,h,w]: in training a draw from that distribution, otherwise the mean.
struct GaussianCode {};
/// The nearest rows of codebook [K,d] at each position: [N,d,h,w].
struct NearestCode {
  at::Tensor codebook;
};
/// The noise level of an image [N,C,H,W] as a map [N,1,H/stride,W/stride], the same at all positions: the median over
/// channels of image::estimate_sigma_8bit's figure, in the image's units; or the given one.
struct NoiseLevel {
  int64_t stride;
  std::optional<double> sigma;
};
/// (floor + sigma slope) factors: input sigma [N,1,h,w] and, optionally, factors [N,K,h,w].
struct NoiseThreshold {
  at::Tensor floor, slope;  ///< [K], >= 0
};
/// shrink(step + previous, (floor + sigma slope) factors): inputs step [N,K,h,w], sigma, and, as the flags say, the
/// previous code and factors.
struct NoiseShrinkage {
  at::Tensor floor, slope;
  bool has_previous, has_factors;
};
/// x^2.
struct Square {};
/// step max(0, 1 - (floor + sigma slope) / sqrt(own step^2 + pooled)): inputs step [N,K,h,w], sigma, pooled like step;
/// see nn::shrink_by_group.
struct GroupShrinkage {
  at::Tensor floor, slope, own;  ///< [K], >= 0
};
using Operation = std::variant<Input, Affine, PixelShuffle, PixelUnshuffle, Convolution, TransposedConvolution,
                               ChannelAffine, BatchNorm, GroupNorm, RmsNorm, Activation, MaxPool, Add, Attention, Cbam,
                               Constant, Offset, DivideBy, Strength, SparseCode, NearestCode, GaussianCode, NoiseLevel,
                               NoiseThreshold, NoiseShrinkage, Square, GroupShrinkage>;

}  // namespace sscvae::graph
