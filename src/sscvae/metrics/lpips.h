#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

/// Learned perceptual image patch similarity, version 0.1: how different two images look, told by the features of a
/// network that knows photographs. 0 for equal images, about 1 for unrelated ones; lower is nearer.
/// Source: Zhang, Isola, Efros, Shechtman, Wang, CVPR 2018.
namespace sscvae::metrics {

/// AlexNet (the usual choice for figures) and SqueezeNet 1.1.
enum class LpipsNet { kAlex, kSqueeze };

/// Smallest height and width that the network can see: 31 (AlexNet) or 17 (SqueezeNet).
int64_t smallest_side(LpipsNet net);
/// "lpips/lpips_alex_v0.1.safetensors" or "lpips/lpips_squeeze_v0.1.safetensors", see core/shipped_files.h.
std::string weights_file(LpipsNet net);

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

/// [N,1,H,W] -> [N,3,H,W] by repetition; three channels stay as they are. Errors: ShapeError for anything else.
at::Tensor three_channels(const at::Tensor& images);

/// The figure of two images [C,H,W] or the mean over [N,C,H,W] in [0,1], grey or colour, fed as 2x - 1 or, with
/// `centred` false, as they are. In float32. Errors: ShapeError as above; those of shipped_lpips.
double lpips(const at::Tensor& a, const at::Tensor& b, LpipsNet net = LpipsNet::kAlex, bool centred = true);

}  // namespace sscvae::metrics
