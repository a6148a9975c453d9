#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "sscvae/array/array.h"
#include "sscvae/engine/steps.h"

namespace sscvae::engine {

/// Where a pass spends its time.
struct StepTime {
  std::string name, operation;
  double seconds = 0;
  int64_t macs = 0;  ///< multiply-adds of the model as written; the step may take fewer
};

/// Inputs of a pass other than the images.
struct RunSettings {
  std::optional<double> sigma_8bit;        ///< noise level of all images; if absent, the graph's or an estimate of each
  std::vector<StepTime>* times = nullptr;  ///< if set, receives the time of each step
};

/// A network bound for inference (networks/bind.h): fused steps, packed weights, memory kept from pass to pass. Not for
/// several threads at once. Results differ from graph::run_plain's by rounding: bounds are tested for every model in
/// engine_test.cpp.
class Engine {
 public:
  /// Errors: UsageError for kBf16 on a processor without AVX512_BF16.
  Engine(const graph::Graph& bound, Precision precision);
  ~Engine();

  /// Shapes: images float [N,C,H,W] in [0,1], H and W multiples of the network's. Gives all named values but alpha.
  /// Errors: ShapeError.
  graph::PassValues run(const Array& images, const RunSettings& settings = {});

  int64_t size_multiple() const;
  /// Memory that is held for maps, in bytes.
  int64_t arena_bytes() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sscvae::engine
