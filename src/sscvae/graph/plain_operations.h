#pragma once

#include <cstdint>
#include <optional>

/// The operations of networks that have no weights (see operations.h), and what operations can be told.
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
/// x / sqrt(mean over channels of x^2 + epsilon) at each position.
struct RmsNorm {
  double epsilon;
};
enum class Function { kRelu, kSilu, kSigmoid, kSoftplus };
struct Activation {
  Function function;
};
/// The largest number of each window; zeros around the map are not seen. Without `ceil` a last row or column that no
/// whole window covers is dropped.
struct MaxPool {
  int64_t side = 2, stride = 2, padding = 0;
  bool ceil = false;
  bool halves() const { return side == 2 && stride == 2 && padding == 0 && !ceil; }
};
/// The mean of each window of stride 1 that keeps the size, of what lies inside of the map.
struct MeanPool {
  int64_t side = 3;
};
/// Maps of the same size, channels behind channels.
struct Join {};
/// x + y.
struct Add {};
/// Inputs queries, keys, values [N,c,H,W]: softmax(scale Q K^T) V over all positions of an image.
struct Attention {
  SoftmaxAxis axis;
  double scale = 1;
};
/// x times the strength that is asked for in a pass.
struct Strength {};
/// Inputs mean and log-variance [N,d,h,w]: in training a draw from that distribution, otherwise the mean.
struct GaussianCode {};
/// The noise level of an image [N,C,H,W] as a map [N,1,H/stride,W/stride], the same at all positions: the median over
/// channels of image::estimate_sigma_8bit's figure, in the image's units; or the given one.
struct NoiseLevel {
  int64_t stride;
  std::optional<double> sigma;
};
/// x^2.
struct Square {};

}  // namespace sscvae::graph
