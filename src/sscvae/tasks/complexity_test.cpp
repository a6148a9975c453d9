#include "sscvae/tasks/complexity.h"

#include <gtest/gtest.h>

#include <map>

#include "sscvae/experiments/experiment.h"
#include "sscvae/networks/scope.h"
#include "sscvae/networks/table.h"

namespace sscvae::tasks {
namespace {

using graph::CountingRule;

/// Convolution 1 -> 4 (3x3), halved by maximum; a sparse code of 6 atoms of length 4 in 3 iterations from the projected
/// start; transposed convolution 4 -> 1 (2x2, stride 2).
networks::Network tiny_network() {
  const networks::Scope s;
  s.graph().size_multiple = 2;
  const networks::Value features = s.max_pool(s.convolution("down", s.image(1), {.out = 4}));
  const networks::Value threshold = s.add(graph::Constant{s.declare("alpha", {1, 6, 1, 1}, {})}, {features}, 6);
  graph::SparseCode code;
  code.dictionary = s.declare("matrix", {4, 6}, {});
  code.lipschitz = s.declare("bound", {}, {}, networks::Role::kBuffer);
  code.num_iterations = 3;
  code.initial_code = graph::InitialCode::kProjected;
  const networks::Value z = s.add(code, {features, threshold}, 6, "code");
  s.graph().reconstruction = s.expansion("up", z, 1);
  return std::move(s.network());
}

TEST(Complexity, CountsWhatIsComputed) {
  const Complexity cost = measure_complexity(tiny_network(), 8, 12, CountingRule::kExact);
  const int64_t pixels = 8 * 12, positions = 4 * 6;
  EXPECT_EQ(cost.parameters, 4 * 9 + 4 + 6 + 24 + 6 * 4 + 1);
  EXPECT_EQ(cost.buffers, 1);
  ASSERT_EQ(cost.layers.size(), 5u);
  EXPECT_EQ(cost.layers[0].name, "down");
  EXPECT_EQ(cost.layers[0].macs, pixels * 36);
  EXPECT_EQ(cost.layers[0].parameters, 40);
  EXPECT_EQ(cost.layers[0].output_bytes, pixels * 4 * 4);
  EXPECT_EQ(cost.layers[1].macs, positions * 4 * 6) << "D^T x";
  EXPECT_EQ(cost.layers[2].macs, 6 * 4 * 6) << "D^T D";
  EXPECT_EQ(cost.layers[3].calls, 3);
  EXPECT_EQ(cost.layers[3].macs, 3 * positions * 6 * 6);
  EXPECT_EQ(cost.layers[4].operation, "transposed convolution");
  EXPECT_EQ(cost.layers[4].macs, positions * 24);
  EXPECT_EQ(cost.macs, pixels * 36 + positions * (24 + 108 + 24) + 144);
  EXPECT_EQ(cost.flops, 2 * cost.macs);
  EXPECT_EQ(cost.peak_bytes, 4 * (pixels * 4 + positions * 4)) << "while the map is halved";
}

TEST(Complexity, OtherRuleCountsTransposedConvolutionsAtTheirOutputAndBiases) {
  const int64_t exact = measure_complexity(tiny_network(), 8, 12, CountingRule::kExact).macs;
  const int64_t pixels = 8 * 12, positions = 4 * 6, biases = 4 * pixels + pixels, pooling = 2 * 4 * pixels;
  EXPECT_EQ(measure_complexity(tiny_network(), 8, 12, CountingRule::kPtflops).macs - exact,
            (pixels - positions) * 24 + biases + pooling);
}

/// One grey image of 256x256 through the paper's networks. The expected figures are what ptflops 0.7.4 prints for these
/// networks written in PyTorch (soft thresholds as a maximum with zero, SiLU as a product with a sigmoid); the paper
/// has 160.42, 156.52 and, with the look-up written as a product with a one-hot matrix (0.134 G), 152.16.
TEST(Complexity, OtherRuleGivesThePublishedFigures) {
  const std::map<std::string, double> gmacs{{"ssc-vae", 160.4168}, {"sc-vae", 156.5207}, {"vq-vae", 152.0244}};
  for (const auto& [name, expected] : gmacs) {
    const auto options =
        experiments::resolve_experiment("", {"profile=\"reference\"", "model.name=\"" + name + "\""}).options.model;
    const networks::Network network = networks::find_model(name).network(options);
    EXPECT_NEAR(static_cast<double>(measure_complexity(network, 256, 256, CountingRule::kPtflops).macs) / 1e9, expected,
                1e-3)
        << name;
  }
}

TEST(Complexity, PaddedSizeCounts) {
  EXPECT_EQ(measure_complexity(tiny_network(), 7, 11, CountingRule::kExact).macs,
            measure_complexity(tiny_network(), 8, 12, CountingRule::kExact).macs);
}

}  // namespace
}  // namespace sscvae::tasks
