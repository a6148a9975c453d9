#include "sscvae/graph/passes.h"
#include "sscvae/graph/interpreter.h"
#include "sscvae/models/frozen.h"
#include "sscvae/models/registry.h"
#include "sscvae/nn/arrays.h"

#include <gtest/gtest.h>
#include <torch/types.h>

namespace sscvae::graph {
namespace {

TEST(Passes, FoldedGraphComputesTheSameWithoutNormalisation) {
  models::ModelOptions options;
  options.backbone = models::Backbone::kReference;
  options.reference.hidden_channels_1 = 8;
  options.reference.hidden_channels_2 = 16;
  options.reference.num_groups = 4;
  options.reference.normalization = models::Normalization::kBatch;
  options.sparse_coder.num_atoms = 32;
  options.sparse_coder.atom_dim = 16;
  torch::manual_seed(3);
  const auto model = models::make_autoencoder(options, 1);
  {
    const at::NoGradGuard no_grad;
    for (int i = 0; i < 3; ++i) model->forward(torch::rand({2, 1, 32, 32}) * 2);
  }
  model->eval();
  const Graph graph = models::frozen(*model), folded = fold_channel_affine(graph);
  const auto affines = [](const Graph& g) {
    return std::count_if(g.nodes.begin(), g.nodes.end(),
                         [](const Node& node) { return std::holds_alternative<ChannelAffine>(node.operation); });
  };
  EXPECT_EQ(affines(graph), 6);
  EXPECT_EQ(affines(folded), 0);
  EXPECT_EQ(folded.nodes.size() + 6, graph.nodes.size());
  const c10::InferenceMode no_gradients;
  const at::Tensor images = torch::rand({1, 1, 32, 40});
  const at::Tensor before = run_plain(graph, images).at(static_cast<size_t>(graph.reconstruction));
  const at::Tensor after = run_plain(folded, images).at(static_cast<size_t>(folded.reconstruction));
  EXPECT_TRUE(at::allclose(before, after, 1e-4, 1e-5));
  EXPECT_TRUE(at::allclose(run_plain(graph, images).at(static_cast<size_t>(graph.code)),
                           run_plain(folded, images).at(static_cast<size_t>(folded.code)), 1e-3, 1e-4));
}

}  // namespace
}  // namespace sscvae::graph
