#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sscvae/array/array.h"
#include "sscvae/engine/arena.h"
#include "sscvae/engine/unfolded_chain.h"
#include "sscvae/graph/graph.h"
#include "sscvae/kernels/epilogue.h"

/// What an engine does in one go: a node of the graph, or several fused.
namespace sscvae::engine {

/// fp32 everywhere; or bfloat16 maps and products with float32 sums, where codes, thresholds and everything that is not
/// a convolution or an iteration of the sparse coder stay in float32.
enum class Precision { kFp32, kBf16 };

/// What maps are stored in.
DataType map_type(Precision precision);
/// N H W of a map [N,C,H,W].
int64_t positions_of(const Array& map);

/// The values of a pass while it runs.
struct Pass {
  std::vector<Array> values;
  Array indices;  ///< of the nearest codes, int64 [N,h,w]
  Arena& arena;
  std::optional<double> noise_level;  ///< of all images, in the image's units; comes before what a node says
  /// A value in the wished type (converted where it has another), channels-last.
  Array map(graph::Value value, DataType type);
};

class Step {
 public:
  Step(std::string step_name, std::string what, std::vector<graph::Value> reads, graph::Value makes)
      : name(std::move(step_name)), operation(std::move(what)), inputs(std::move(reads)), output(makes) {}
  virtual ~Step() = default;
  /// Sets pass.values[output].
  virtual void run(Pass& pass) const = 0;
  /// Multiply-adds that the model as written takes for this result (the exact rule), whatever the step saves of them.
  virtual int64_t macs(const Array& result) const { return 0; }

  const std::string name, operation;
  const std::vector<graph::Value> inputs;
  const graph::Value output;
};
using StepPtr = std::unique_ptr<Step>;

/// A convolution with what was fused into it.
struct FusedConvolution {
  graph::Value input = -1, output = -1, residual = -1;
  std::string name;
  const graph::Convolution* convolution = nullptr;
  const graph::Convolution* appended = nullptr;  ///< 1x1, after the activation; Precision::kBf16 only
  kernels::Epilogue epilogue;                    ///< its residual is set when it runs
  bool float_output = false;                     ///< although the maps are bfloat16
};

// convolution_steps.cpp

/// Errors: InternalError for a convolution that can_fuse refuses.
StepPtr make_convolution(const FusedConvolution& fused, Precision precision);
/// Is there a kernel for it?
bool can_fuse(const graph::Convolution& convolution);

StepPtr make_expansion(const graph::Node& node, graph::Value output, Precision precision);
/// A 1x1 convolution and the pixel shuffle by 2 behind it.
StepPtr make_shuffled(const graph::Node& convolution, graph::Value output, Precision precision);
/// A 2x2 convolution of stride 2.
StepPtr make_halving(const graph::Node& node, graph::Value output, Precision precision);
bool can_halve(const graph::Convolution& convolution);
/// A transposed convolution and the convolution behind it, composed (kBf16 only).
StepPtr make_composed(const graph::Node& expansion, const FusedConvolution& fused);

// window_convolution.cpp

/// A convolution that can_fuse refuses, in float32.
StepPtr make_window_convolution(const graph::Node& node, graph::Value output);

// cbam_step.cpp

StepPtr make_cbam(const graph::Node& node, graph::Value output);

// steps.cpp

/// Group normalisation and, fused, the activation behind it.
StepPtr make_group_norm(const graph::Node& node, kernels::Act activation, graph::Value output, Precision precision);
StepPtr make_attention(const graph::Node& node, graph::Value output, Precision precision);
StepPtr make_sparse_code(const graph::Node& node, graph::Value output, Precision precision);
/// The level that the pass knows, or as graph::run_node does it.
StepPtr make_noise_level(const graph::Node& node, graph::Value output);
/// One shrinkage of a convolutional sparse coder; the code is float32.
StepPtr make_noise_shrinkage(const graph::Node& node, graph::Value output);
/// The same by the energy of groups.
StepPtr make_group_shrinkage(const graph::Node& node, graph::Value output);
/// All iterations of a convolutional sparse coder, in float32.
StepPtr make_unfolded_code(const UnfoldedChain& chain, const std::string& name);
StepPtr make_nearest_code(const graph::Node& node, graph::Value output);
/// Any node, as graph::run_node does it, in float32.
StepPtr make_plain(const graph::Node& node, graph::Value output);

}  // namespace sscvae::engine
