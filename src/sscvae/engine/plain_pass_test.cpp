#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>

#include "sscvae/array/parallel.h"
#include "sscvae/array/reductions.h"
#include "sscvae/engine/engine.h"
#include "sscvae/graph/interpreter.h"
#include "sscvae/kernels/isa.h"
#include "sscvae/networks/bind.h"
#include "sscvae/networks/table.h"
#include "support/random_arrays.h"

/// The engine against the meaning of a graph's operations, without LibTorch: what runs where there is none, under an
/// emulator of another processor for example.
namespace sscvae::engine {
namespace {

/// Wide enough for every kernel.
networks::ModelOptions wide_options(const networks::ModelEntry& entry, const std::string& profile) {
  networks::ModelOptions options;
  FieldList fields;
  fields.add_section("model", options);
  for (const auto& value : entry.values(profile))
    if (value.first.starts_with("model.")) assign(fields, {value}, "test");
  options.name = entry.name;
  options.lite.width = 32;
  options.reference.hidden_channels_1 = 32;
  options.reference.hidden_channels_2 = 64;
  options.reference.num_groups = 4;
  options.backbone = profile == "sound" ? networks::Backbone::kLite : networks::Backbone::kReference;
  options.sparse_coder.num_atoms = 64;
  options.sparse_coder.atom_dim = 16;
  options.sparse_coder.num_iterations = 6;
  options.quantizer.num_codes = 64;
  options.quantizer.code_dim = options.vae.latent_dim = 16;
  options.sparse_coder.grid_height = options.sparse_coder.grid_width = 8;
  return options;
}

/// Numbers of the size that a trained network has; those that start as ones (scales, variances) stay positive.
graph::Graph random_network(const networks::Network& network) {
  testing::RandomArrays random(5);
  std::map<std::string, Array> values;
  for (const networks::Declared& weight : network.weights) {
    const Sizes& sizes = weight.placeholder.sizes();
    const double ins = sizes.empty() ? 1 : static_cast<double>(sizes.product()) / static_cast<double>(sizes[0]);
    Array value = random.normal(sizes) * (1 / std::sqrt(std::max(ins, 1.0)));
    if (weight.start.rule == networks::Start::Rule::kOnes) value = 1.0 + 0.2 * random.uniform(sizes);
    if (weight.start.rule == networks::Start::Rule::kZeros) value = 0.1 * random.normal(sizes);
    if (weight.role == networks::Role::kCounter) value = Array::zeros(sizes, weight.placeholder.type());
    values[weight.name] = value;
  }
  return networks::bind(network, [&](const std::string& name) { return values.at(name); });
}

class EveryNetwork : public ::testing::TestWithParam<std::tuple<std::string, std::string>> {
 protected:
  graph::Graph graph() const {
    const networks::ModelEntry& entry = networks::find_model(std::get<0>(GetParam()));
    return random_network(entry.network(wide_options(entry, std::get<1>(GetParam()))));
  }
};

double distance(const Array& found, const Array& wanted) { return max(abs(found - wanted)); }

TEST_P(EveryNetwork, RunsAsItsOperationsSay) {
  const graph::Graph bound = graph();
  Engine engine(bound, Precision::kFp32);
  testing::RandomArrays random(6);
  for (const Sizes& sizes : {Sizes{1, 1, 32, 32}, Sizes{2, 1, 24, 56}}) {
    const Array images = random.uniform(sizes);
    const std::vector<Array> plain = graph::run_plain(bound, images);
    const graph::PassValues found = engine.run(images);
    const Array wanted = plain.at(static_cast<size_t>(bound.reconstruction));
    ASSERT_EQ(found.reconstruction.sizes(), wanted.sizes());
    EXPECT_TRUE(all(isfinite(wanted)));
    EXPECT_LT(distance(found.reconstruction, wanted), 2e-4 * std::max(1.0, max(abs(wanted))));
  }
}

TEST_P(EveryNetwork, ThreadsChangeLittle) {
  Engine engine(graph(), Precision::kFp32);
  const Array images = testing::RandomArrays(7).uniform({1, 1, 40, 56});
  const int threads = num_threads();
  set_num_threads(1);
  const Array one = engine.run(images).reconstruction.clone();
  set_num_threads(3);
  EXPECT_LT(distance(engine.run(images).reconstruction, one), 1e-6 * std::max(1.0, max(abs(one))));
  set_num_threads(threads);
}

INSTANTIATE_TEST_SUITE_P(Table, EveryNetwork,
                         ::testing::Combine(::testing::ValuesIn(networks::model_names()),
                                            ::testing::Values("sound", "reference")),
                         [](const auto& entry) {
                           std::string name = std::get<0>(entry.param) + "_" + std::get<1>(entry.param);
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace sscvae::engine
