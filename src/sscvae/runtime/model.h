#pragma once

#include <map>
#include <string>

#include "sscvae/networks/model_options.h"
#include "sscvae/networks/network.h"
#include "sscvae/serialization/state_dict.h"

namespace sscvae::runtime {

enum class CodeKind { kNone, kSparse, kDiscrete, kGaussian };

/// A network and its weights. Does not change.
class Model {
 public:
  /// `weights` holds a value of the declared shape for each weight of the model's network. Errors: UsageError for
  /// options that contradict each other.
  Model(const networks::ModelOptions& options, std::map<std::string, Array> weights);
  /// With the weights that training starts from.
  Model(const networks::ModelOptions& options, uint64_t seed);

  const networks::ModelOptions& options() const { return options_; }
  const networks::Network& network() const { return network_; }
  int64_t in_channels() const { return network_.graph.in_channels; }
  /// Height and width of images must be multiples of this.
  int64_t size_multiple() const { return network_.graph.size_multiple; }

  const Array& weight(const std::string& name) const { return weights_.at(name); }
  /// All weights, in the order of their declaration.
  serialization::StateDict state() const;
  int64_t parameters() const;  ///< numbers that training changes
  int64_t buffers() const;     ///< numbers that are stored but not trained

  CodeKind code_kind() const;
  /// Channels of the code: atoms of a sparse one.
  int64_t code_channels() const;
  /// K of a model whose code is one of K vectors at each position, else 0.
  int64_t num_codes() const;
  /// Does the noise level of an image decide its thresholds?
  bool knows_noise_levels() const;

  /// The network with its weights, for inference. `strength` multiplies all thresholds.
  graph::Graph bound(double strength = 1) const;
  /// From a code [N,K,h,w] to coded features and reconstruction.
  graph::Graph decoder() const;
  /// The reconstruction of codes [N,K,h,w], float32 [N,C,H,W]. Errors: ShapeError.
  Array decode(const Array& code) const;
  /// The vectors of codes by number: int64 [N,h,w] -> [N,d,h,w]. Errors: UsageError for a model without such codes and
  /// for numbers outside 0 ... K - 1; ShapeError.
  Array codes_by_number(const Array& indices) const;

 private:
  networks::ModelOptions options_;
  networks::Network network_;
  std::map<std::string, Array> weights_;
};

}  // namespace sscvae::runtime
