#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "sscvae/engine/engine.h"
#include "sscvae/graph/functions.h"
#include "sscvae/metrics/perceptual.h"
#include "sscvae/networks/network.h"
#include "sscvae/serialization/state_dict.h"

/// The networks of perceptual.h.
namespace sscvae::metrics {

/// d(a, b) = sum_l mean_hw sum_c w_lc (u_l(a) - u_l(b))_c^2,   u_l = F_l / (|F_l| + 1e-10) along channels,
/// F_l the features after the ReLU of layer l (AlexNet 5 layers, SqueezeNet 7) of (x - shift) / scale by channel,
/// w_l >= 0 the learned heads.
struct LpipsWeights {
  networks::Network network;         ///< of the features
  serialization::StateDict tensors;  ///< float32, under the names of the file
  LpipsNet net;
  const Array& head(size_t layer) const { return tensors.at("lin" + std::to_string(layer) + ".weight"); }
};
/// Errors: IoError, FormatError (damaged, foreign, of the other network).
LpipsWeights load_lpips(LpipsNet net, const std::filesystem::path& path);

/// Constants of the method: shift and scale of red, green and blue.
inline constexpr double kLpipsShift[] = {-0.030, -0.088, -0.188}, kLpipsScale[] = {0.458, 0.448, 0.450};

/// The sum over channels at every position [N,h,w] of one layer, from the features of both images [N,c,h,w] and its
/// head [c], for all kinds of tensors (graph/functions.h).
template <class T>
T lpips_map(const T& a, const T& b, const T& head) {
  using F = graph::Functions<T>;
  constexpr double kLittle = 1e-20;  // the root has no slope at 0
  const auto unit = [](const T& features) {
    return features / (sqrt(F::sum(square(features), 1) + kLittle).unsqueeze(1) + 1e-10);
  };
  return F::sum(square(unit(a) - unit(b)) * graph::per_channel(head), 1);
}

/// Errors: ShapeError for unequal shapes, other than 3 channels, or sides below smallest_side.
void check_lpips_images(LpipsNet net, const Array& a, const Array& b);

/// The network that measures.
class Lpips {
 public:
  explicit Lpips(const LpipsWeights& weights);

  /// a, b: float32 [N,3,H,W] in [-1,1] (how they are scaled is the caller's business: the SSC-VAE release feeds [0,1])
  /// -> [N] in float64. Errors: ShapeError as check_lpips_images.
  Array distance(const Array& a, const Array& b);
  /// The same number, computed in overlapping tiles whose own part is `tile` pixels wide (a multiple of 16), so that
  /// memory does not grow with the images. Exact: tiles overlap by more than what a position of the last layer sees,
  /// and positions are counted once.
  Array tiled_distance(const Array& a, const Array& b, int64_t tile = 768);

 private:
  std::vector<Array> distance_maps(const Array& a, const Array& b);
  LpipsNet net_;
  std::vector<int64_t> strides_;  // pixels between positions of each layer
  std::vector<Array> heads_;
  engine::Engine engine_;
};

}  // namespace sscvae::metrics
