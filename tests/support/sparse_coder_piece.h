#pragma once

#include <torch/csrc/autograd/grad_mode.h>

#include "sscvae/networks/bottlenecks.h"
#include "sscvae/networks/first_values.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/nn/sparse_coding.h"
#include "support/network_piece.h"

namespace sscvae::testing {

/// The sparse coder alone: features [N,d,h,w] in the place of the image. Its weights are those of a model with these
/// options.
class SparseCoderPiece : public NetworkPiece {
 public:
  struct Result {
    at::Tensor threshold_inference, threshold_refinement, threshold, code, coded_features;
  };

  SparseCoderPiece(const networks::SparseCoderOptions& options, uint64_t seed)
      : NetworkPiece(
            options.atom_dim,
            [&](const networks::Scope& s, networks::Value x) {
              return networks::sparse_coder(s.in("_LISTA"), x, options);
            },
            [&](const networks::Network& network) {
              networks::ModelOptions model;
              model.sparse_coder = options;
              return networks::first_values(network, model, seed);
            }),
        options_(options) {}

  Result code(const at::Tensor& features) {
    const std::vector<at::Tensor> values = run(features).values;
    const auto value = [&](graph::Value v) { return v < 0 ? at::Tensor() : values[static_cast<size_t>(v)]; };
    return {value(graph().threshold_inference), value(graph().threshold_refinement), value(graph().threshold),
            value(graph().code), value(graph().coded_features)};
  }
  at::Tensor dictionary() const { return coder().dictionary; }
  at::Tensor lipschitz() const { return coder().lipschitz; }
  void initialize_thresholds(const at::Tensor& features) {
    const at::NoGradGuard no_grad;
    if (at::Tensor offset = weight("_LISTA._threshold_offset"); offset.defined())
      offset.fill_(
          nn::offset_for_survivors(features, dictionary(), options_.initial_survivors, options_.threshold_activation));
  }

 private:
  nn::live::SparseCode coder() const {
    const auto graph = live();
    for (const nn::live::Node& node : graph->nodes)
      if (const auto* coder = std::get_if<nn::live::SparseCode>(&node.operation)) return *coder;
    return {};
  }
  networks::SparseCoderOptions options_;
};

}  // namespace sscvae::testing
