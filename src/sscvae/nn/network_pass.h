#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sscvae/networks/network.h"
#include "sscvae/nn/live.h"

namespace sscvae::nn {

/// How a pass is run.
struct PassManner {
  networks::PassSettings settings;
  bool training = false;    ///< normalise by the batch's statistics, draw Gaussian codes
  bool recompute = false;   ///< compute regions again in the backward pass instead of keeping their values
  bool plain_code = false;  ///< iterate sparse codes by LibTorch's operations (nn/sparse_coding.h)
  uint64_t noise_seed = 0;  ///< seeds the draws
  at::Tensor noise_levels;  ///< [N,1,1,1] in the image's units; where defined, replaces settings.sigma_8bit
};

/// Runs a network with gradients: decides which operations are computed together, and by which kernels. Codes,
/// thresholds and normalised features are computed in float32 even when the pass runs in half precision.
class NetworkPass {
 public:
  explicit NetworkPass(const networks::Network& network);

  /// The values of the nodes; those that were not asked for may be undefined.
  struct Result {
    std::vector<at::Tensor> values;
    at::Tensor indices;  ///< of the nearest codes, where there are some: int64 [N,h,w]
  };
  /// Computes the wanted values from the given ones; value 0 is the image. `live` is the network's graph with its
  /// weights filled in.
  Result run(std::shared_ptr<const live::Graph> live, std::vector<std::pair<graph::Value, at::Tensor>> given,
             const std::vector<graph::Value>& wanted, const PassManner& manner) const;

 private:
  enum class Kind { kSingle, kResidual, kNorm, kAnalysis };
  /// Nodes first ... last, computed together; only the last one has a value.
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
