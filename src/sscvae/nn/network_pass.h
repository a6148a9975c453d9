#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sscvae/graph/graph.h"
#include "sscvae/networks/network.h"

namespace sscvae::nn {

/// How a pass goes.
struct PassManner {
  bool training = false;    ///< statistics of the batch, draws of Gaussian codes
  bool recompute = false;   ///< regions are computed once more in the backward pass instead of being kept
  bool plain_code = false;  ///< iterations of sparse codes by LibTorch's operations (nn/sparse_coding.h)
  uint64_t noise_seed = 0;  ///< of the draws
  double strength = 1;
  std::vector<double> sigma_8bit;  ///< networks::PassSettings
  at::Tensor noise_levels;         ///< [N,1,1,1] in the image's units, read in place of sigma_8bit where it is defined
};

/// The way through a network with gradients: which operations go together, and how they are computed on this machine.
/// Codes, thresholds and normalised features are computed in float32 inside a pass of half precision.
class NetworkPass {
 public:
  explicit NetworkPass(const networks::Network& network);

  /// Values by number; those that are not wanted may be undefined.
  struct Result {
    std::vector<at::Tensor> values;
    at::Tensor indices;  ///< of the nearest codes, where there are some: int64 [N,h,w]
  };
  /// Computes the wanted values from the given ones, by number: the image is value 0. `live` is the network's graph
  /// with values of its weights.
  Result run(std::shared_ptr<const graph::Graph> live, std::vector<std::pair<graph::Value, at::Tensor>> given,
             const std::vector<graph::Value>& wanted, const PassManner& manner) const;

 private:
  enum class Kind { kSingle, kResidual, kNorm, kAnalysis };
  /// Nodes first ... last, computed as one; only the last one's value is there.
  struct Step {
    Kind kind = Kind::kSingle;
    graph::Value first = 0, last = 0;
    std::vector<graph::Value> inputs;
  };
  struct Region {
    size_t first_step = 0, last_step = 0;
    graph::Value input = 0;
  };
  class Runner;
  friend class Runner;
  Step step_at(const graph::Graph& graph, const std::vector<int>& uses, graph::Value first) const;
  void add_region(const networks::NodeRange& range);

  std::vector<Step> steps_;
  std::vector<Region> regions_;
  std::vector<bool> is_named_;
};

}  // namespace sscvae::nn
