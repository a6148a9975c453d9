#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

#include "sscvae/metrics/perceptual.h"

/// The networks of perceptual.h.
namespace sscvae::metrics {

/// d(a, b) = sum_l mean_hw sum_c w_lc (u_l(a) - u_l(b))_c^2,   u_l = F_l / (|F_l| + 1e-10) along channels,
/// F_l the features after the ReLU of layer l (AlexNet 5 layers, SqueezeNet 7) of (x - shift) / scale by channel,
/// w_l >= 0 the learned heads.
///
/// A differentiable module: gradients reach both images; the weights are frozen and take none. As a training loss keep
/// it outside the trained model, so that its weights are not saved with it. `to(device)` and `to(at::kDouble)` work.
class LpipsImpl : public torch::nn::Module {
 public:
  /// Weights are zero until load_lpips fills them.
  explicit LpipsImpl(LpipsNet net);

  /// a, b: [N,3,H,W] of the module's dtype in [-1,1] (how they are scaled is the caller's business: the SSC-VAE release
  /// feeds [0,1]) -> [N]. Errors: ShapeError for unequal shapes, other than 3 channels, or sides below smallest_side.
  at::Tensor forward(const at::Tensor& a, const at::Tensor& b);
  /// The sum over channels at every position, layer by layer: [N,h_l,w_l]. forward is the sum of their means.
  std::vector<at::Tensor> distance_maps(const at::Tensor& a, const at::Tensor& b);
  /// The same number as forward without gradients, computed in overlapping tiles whose own part is `tile` pixels wide
  /// (a multiple of 16), so that memory does not grow with the images. Exact: tiles overlap by more than what a
  /// position of the last layer sees, and positions are counted once.
  at::Tensor tiled_distance(const at::Tensor& a, const at::Tensor& b, int64_t tile = 768);

  LpipsNet net() const { return net_; }

 private:
  struct Step {
    std::function<at::Tensor(const at::Tensor&)> run;
    int64_t stride = 0;  ///< pixels between positions, where the output is a layer that is compared; else 0
  };
  void add_step(Step step);
  void build_alex();
  void build_squeeze();
  void check(const at::Tensor& a, const at::Tensor& b) const;

  LpipsNet net_;
  at::Tensor shift_, scale_;
  std::vector<at::Tensor> heads_;
  std::vector<int64_t> strides_;
  std::vector<Step> steps_;
  std::shared_ptr<torch::nn::Module> features_;
};
TORCH_MODULE(Lpips);

/// float32 on the CPU, in eval mode. Errors: IoError, FormatError (damaged, foreign, of the other network).
Lpips load_lpips(LpipsNet net, const std::filesystem::path& path);

/// The network with the weights that came with the program, loaded once and kept. For measuring only: do not move or
/// change it. Errors: IoError naming the file where it is not there; FormatError.
Lpips shipped_lpips(LpipsNet net);

}  // namespace sscvae::metrics
