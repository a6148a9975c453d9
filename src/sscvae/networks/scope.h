#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sscvae/array/array.h"
#include "sscvae/array/elementwise.h"
#include "sscvae/networks/model_options.h"
#include "sscvae/networks/network.h"

/// The vocabulary that networks are written in: functions that add operations to a graph and declare their weights.
namespace sscvae::networks {

using graph::Value;

/// A square convolution that keeps the size (or, with stride 2 and kernel 2, halves it).
struct ConvolutionShape {
  int64_t out;  ///< channels
  int64_t kernel = 3;
  int64_t stride = 1;
  bool bias = true;
  double start = 1;  ///< factor on torch.nn's first values of the filters; biases start as 0 unless it is 1
};

/// A place in a network. Names below it begin with its path. Copies share the network.
class Scope {
 public:
  Scope();  ///< an empty network
  Scope in(const std::string& name) const;
  const std::string& path() const { return path_; }

  Network& network() const { return *network_; }
  graph::Graph& graph() const { return network_->graph; }
  int64_t channels(Value value) const { return network_->channels.at(static_cast<size_t>(value)); }

  /// Adds a node named after the scope, or after `name` inside it.
  Value add(graph::Operation operation, std::vector<Value> inputs, int64_t channels,
            const std::string& name = "") const;
  Array declare(const std::string& name, const Sizes& shape, const Start& start, Role role = Role::kTrained) const;
  /// Adds a derived weight of that shape, or finds the same one added before, and returns its placeholder.
  Array derive(Derived derived, const Sizes& shape) const;

  Value image(int64_t channels) const;
  Value convolution(const std::string& name, Value x, const ConvolutionShape& shape) const;
  /// Kernel 2x2, stride 2: twice the height and width.
  Value expansion(const std::string& name, Value x, int64_t out) const;
  /// `groups` must divide the channels of kGroup. Errors: UsageError.
  Value norm(const std::string& name, Value x, Normalization kind, int64_t groups) const;
  Value relu(Value x) const { return activation(x, graph::Function::kRelu); }
  Value silu(Value x) const { return activation(x, graph::Function::kSilu); }
  Value activation(Value x, graph::Function function) const;
  Value affine(Value x, double scale, double shift) const;
  Value sum(Value a, Value b) const;
  Value unshuffle(Value x, int64_t factor) const;
  Value shuffle(Value x, int64_t factor) const;
  Value max_pool(Value x) const;
  /// Channel and spatial attention; see graph::Cbam. Errors: UsageError for an even kernel.
  Value cbam(const std::string& name, Value x, int64_t reduction, int64_t kernel, graph::SpatialInput input) const;

 private:
  std::string below(const std::string& name) const;
  std::string path_;
  std::shared_ptr<Network> network_;
};

/// While it lives, what is added belongs to one region: a level of the network that training may compute once more in
/// the backward pass instead of keeping it (nn/recompute.h).
class Region {
 public:
  explicit Region(const Scope& scope);
  ~Region();
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;

 private:
  Network& network_;
  size_t first_;
};

}  // namespace sscvae::networks
