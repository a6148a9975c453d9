#include "sscvae/metrics/inception.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "sscvae/array/elementwise.h"
#include "sscvae/array/products.h"
#include "sscvae/array/reductions.h"
#include "sscvae/core/atomic_file.h"
#include "sscvae/core/error.h"
#include "sscvae/graph/run_values.h"
#include "sscvae/networks/feature_networks.h"
#include "sscvae/networks/filled_graph.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/serialization/safetensors.h"
#include "sscvae/serialization/torch_checkpoint.h"
#include "support/paths.h"
#include "support/tolerances.h"

namespace sscvae::metrics {
namespace {

constexpr testing::Tolerance kFeatureTolerance{2e-5, 1e-9};

uint64_t splitmix64(uint64_t v) {
  uint64_t z = v + 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

/// Scale and offset of the formula's uniform numbers in [-1,1).
std::pair<double, double> formula_range(const std::string& name, const std::vector<int64_t>& shape) {
  if (name.ends_with("conv.weight")) return {std::sqrt(6.0 / static_cast<double>(shape[1] * shape[2] * shape[3])), 0};
  if (name.ends_with("bn.weight")) return {0.2, 1};
  if (name.ends_with("bn.running_var")) return {0.5, 1};
  if (name == "fc.weight") return {std::sqrt(3.0 / 2048), 0};
  if (name == "fc.bias") return {0.1, 0};
  return {0.2, 0};  // bn.bias, bn.running_mean
}

nlohmann::json state_keys() {
  return nlohmann::json::parse(read_file(testing::parity_folder() / "fid/inception_state_keys.json"));
}

serialization::StateDict formula_state(bool with_counters) {
  serialization::StateDict state;
  uint64_t t = 0;
  for (const auto& entry : state_keys()) {
    const std::string name = entry[0];
    const std::vector<int64_t> shape = entry[1];
    if (name.ends_with("num_batches_tracked")) {
      if (with_counters) state.add(name, at::zeros(shape, at::kLong));
      continue;
    }
    const auto [scale, offset] = formula_range(name, shape);
    const at::Tensor tensor = at::empty(shape);
    for (int64_t i = 0; i < tensor.numel(); ++i) {
      const uint64_t m = splitmix64((t << 32) + static_cast<uint64_t>(i));
      const double r = 2 * (static_cast<double>(m >> 11) * 0x1p-53) - 1;
      tensor.mutable_data_ptr<float>()[i] = static_cast<float>(offset + r * scale);
    }
    state.add(name, tensor);
    ++t;
  }
  return state;
}

Array formula_image(int64_t width, int64_t height) {
  const Array image = Array::empty({1, 3, height, width});
  float* out = image.data<float>();
  for (int64_t c = 0; c < 3; ++c)
    for (int64_t y = 0; y < height; ++y)
      for (int64_t x = 0; x < width; ++x) {
        const int64_t checker = 40 * (((x >> 3) + (y >> 3)) & 1);
        *out++ = static_cast<float>((13 * x + 29 * y + 71 * c + ((x * y) >> 3) + checker) & 255) / 255.0f;
      }
  return image;
}

TEST(InceptionTest, StateHasThePublishedKeysAndShapes) {
  std::map<std::string, Sizes> own;
  for (const auto& [name, sizes] : Inception::expected()) own[name] = sizes;
  size_t compared = 0;
  for (const auto& entry : state_keys()) {
    const std::string name = entry[0];
    if (name.ends_with("num_batches_tracked")) continue;
    ASSERT_TRUE(own.contains(name)) << name;
    EXPECT_EQ(own[name], Sizes(entry[1].get<std::vector<int64_t>>())) << name;
    ++compared;
  }
  EXPECT_EQ(compared, own.size());
  EXPECT_EQ(compared, 472u);
}

/// Features and logits of the formula weights in float64, operation by operation.
std::pair<Array, Array> in_double(const Array& prepared) {
  const serialization::StateDict state = formula_state(false);
  const networks::Network network = networks::inception_features();
  const auto lookup = [&](const std::string& name) { return state.at(name).to(kFloat64); };
  const graph::Graph graph = networks::with_values<Array>(network, lookup, {});
  const auto output = static_cast<size_t>(graph.outputs.front());
  const Array features = mean(graph::run_values(graph, prepared.to(kFloat64)).at(output), {2, 3});
  return {features, linear(features, lookup("fc.weight")) + lookup("fc.bias")};
}

TEST(InceptionParity, PublishedFeatures) {
  const testing::TemporaryFolder folder;
  serialization::write_torch_checkpoint(folder / "pt_inception.pth", formula_state(true));
  Inception inception = load_inception(folder / "pt_inception.pth");
  const auto file =
      serialization::read_safetensors(testing::parity_folder() / "fid/inception_outputs.safetensors").tensors;
  size_t compared = 0;
  for (const auto& [width, height] : {std::pair<int64_t, int64_t>{96, 80}, {299, 299}, {400, 350}}) {
    const std::string name = std::to_string(width) + "x" + std::to_string(height);
    if (!file.find(name + "/logits_float64")) continue;
    ++compared;
    SCOPED_TRACE(name);
    const at::Tensor pooled = file.at(name + "/pool_features_float64"), logits = file.at(name + "/logits_float64");
    const Array features = inception.features(Inception::prepared(formula_image(width, height)));
    EXPECT_TRUE(testing::is_close(features.select(0, 0), pooled, kFeatureTolerance.float32));
    EXPECT_TRUE(testing::is_close(inception.logits(features).select(0, 0), logits, kFeatureTolerance.float32));
    const auto [exact, exact_logits] = in_double(Inception::prepared(formula_image(width, height).to(kFloat64)));
    EXPECT_TRUE(testing::is_close(exact.select(0, 0), pooled, kFeatureTolerance.float64));
    EXPECT_TRUE(testing::is_close(exact_logits.select(0, 0), logits, kFeatureTolerance.float64));
  }
  EXPECT_GE(compared, 1u);
}

TEST(InceptionTest, LoadsSafetensorsWithoutCounters) {
  const testing::TemporaryFolder folder;
  serialization::write_safetensors(folder / "w.safetensors", formula_state(false));
  const Inception network = load_inception(folder / "w.safetensors");
  EXPECT_TRUE(equal(network.logits(Array::zeros({1, 2048})).select(0, 0), formula_state(false).at("fc.bias")));
  EXPECT_THROW(Inception::prepared(Array::zeros({1, 1, 40, 40})), ShapeError);
}

std::string failure_of(const std::filesystem::path& path) {
  try {
    load_inception(path);
  } catch (const FormatError& error) {
    return error.what();
  }
  return "loaded";
}

TEST(InceptionTest, BrokenAndForeignFilesNameTheFirstWrongTensor) {
  const testing::TemporaryFolder folder;
  serialization::StateDict state;
  const auto file = folder / "w.safetensors";
  state.add("Conv2d_1a_3x3.conv.weight", at::zeros({32, 3, 3, 3}));
  serialization::write_safetensors(file, state);
  EXPECT_NE(failure_of(file).find("tensor 'Conv2d_1a_3x3.bn.weight' is missing"), std::string::npos)
      << failure_of(file);

  serialization::StateDict foreign;
  for (const auto& [name, sizes] : Inception::expected())
    foreign.add(name, name == "fc.weight" ? Array::zeros({1000, 2048}) : Array::zeros(sizes));
  serialization::write_safetensors(file, foreign);
  EXPECT_NE(failure_of(file).find("tensor 'fc.weight': expected shape [1008, 2048], got [1000, 2048]"),
            std::string::npos)
      << failure_of(file);

  const std::string bytes = read_file(file);
  write_atomically(file, std::string_view(bytes).substr(0, bytes.size() / 2));
  EXPECT_NE(failure_of(file), "loaded");
  write_atomically(folder / "w.pth", "PK and nothing more");
  EXPECT_NE(failure_of(folder / "w.pth"), "loaded");
  EXPECT_THROW(load_inception(folder / "none.pth"), IoError);
}

}  // namespace
}  // namespace sscvae::metrics
