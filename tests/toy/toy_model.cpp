#include "sscvae/networks/scope.h"
#include "sscvae/networks/table.h"

/// All that a new model takes: a function that writes its network, and a row.
namespace sscvae::networks {

namespace {

constexpr int64_t kToyBlock = 4;

/// Blocks of 4x4 pixels as rectified sums of filters.
Network toy_network(const ModelOptions& options) {
  const Scope s;
  graph::Graph& graph = s.graph();
  graph.size_multiple = kToyBlock;
  const Value blocks = s.unshuffle(s.affine(s.image(options.in_channels), 1, -0.5), kToyBlock);
  graph.features = s.convolution("_in", blocks, {.out = options.lite.width});
  graph.code = s.relu(graph.features);
  const int64_t numbers = options.in_channels * kToyBlock * kToyBlock;
  graph.logits = s.shuffle(s.convolution("_out", graph.code, {.out = numbers}), kToyBlock);
  graph.reconstruction = s.affine(graph.logits, 1, 0.5);
  return std::move(s.network());
}

double size_of_toy(const ModelOptions& options) {
  const double numbers = static_cast<double>(options.in_channels) * kToyBlock * kToyBlock;
  const auto width = static_cast<double>(options.lite.width);
  return 2 * 9 * numbers * width + width + numbers;
}

Assignments toy_values(const std::string&) { return {{"train.loss.sparsity", std::string("none")}}; }

}  // namespace

std::vector<ModelEntry> more_model_entries() {
  return {{"toy",
           "rectified sums of filters, to show what a new model takes",
           "this test",
           "",
           toy_values,
           {"model.lite.width"},
           size_of_toy,
           toy_network}};
}

}  // namespace sscvae::networks
