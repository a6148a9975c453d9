#include "sscvae/metrics/lpips.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "sscvae/array/elementwise.h"
#include "sscvae/array/reductions.h"
#include "sscvae/array/selection.h"
#include "sscvae/core/atomic_file.h"
#include "sscvae/core/error.h"
#include "sscvae/core/random.h"
#include "sscvae/graph/run_values.h"
#include "sscvae/image/image.h"
#include "sscvae/metrics/protocol.h"
#include "sscvae/networks/filled_graph.h"
#include "sscvae/serialization/safetensors.h"
#include "support/paths.h"

namespace sscvae::metrics {
namespace {

constexpr double kInFloat = 1e-5, kInDouble = 1e-6;  ///< against the published implementation, absolute

/// The weights of this source tree.
class LpipsTest : public ::testing::TestWithParam<LpipsNet> {
 protected:
  void SetUp() override { ::setenv("SSCVAE_MODELS", (testing::source_folder() / "models").c_str(), 1); }
  void TearDown() override { ::unsetenv("SSCVAE_MODELS"); }

  static LpipsWeights weights() {
    return load_lpips(GetParam(), testing::source_folder() / "models" / weights_file(GetParam()));
  }
  static Array noise(uint64_t seed, const Sizes& shape) {
    Random random(seed);
    const Array image = Array::zeros(shape);
    for (int64_t i = 0; i < image.numel(); ++i) image.data<float>()[i] = static_cast<float>(2 * random.uniform() - 1);
    return image;
  }
  /// The sum over layers of the mean distance, operation by operation in float64, and what each layer adds.
  static std::pair<double, std::vector<double>> in_double(const LpipsWeights& weights, const Array& a, const Array& b) {
    const auto lookup = [&](const std::string& name) { return weights.tensors.at(name).to(kFloat64); };
    const graph::Graph graph = networks::with_values<Array>(weights.network, lookup, {});
    const auto values_of = [&](const Array& image) {
      const Array x = image.to(kFloat64).clone();
      for (int64_t c = 0; c < 3; ++c) x.select(1, c).copy_((x.select(1, c) - kLpipsShift[c]) / kLpipsScale[c]);
      return graph::run_values(graph, x);
    };
    const std::vector<Array> x = values_of(a), y = values_of(b);
    std::pair<double, std::vector<double>> distance;
    for (size_t layer = 0; layer < graph.outputs.size(); ++layer) {
      const auto value = static_cast<size_t>(graph.outputs[layer]);
      distance.second.push_back(mean(lpips_map(x[value], y[value], weights.head(layer).to(kFloat64))));
      distance.first += distance.second.back();
    }
    return distance;
  }
};

Array read_pair_image(const std::string& name) {
  return image::to_array(image::read_image(testing::parity_folder() / "metrics" / name)).unsqueeze(0);
}

TEST_P(LpipsTest, PublishedValues) {
  const LpipsWeights known = weights();
  Lpips network(known);
  const auto document = nlohmann::json::parse(read_file(testing::parity_folder() / "metrics" / "expected.json"));
  const std::string which = GetParam() == LpipsNet::kAlex ? "lpips_alex" : "lpips_squeeze";
  int64_t pairs = 0;
  for (const auto& [name, row] : document["pairs"].items()) {
    SCOPED_TRACE(name);
    const Array a = three_channels(read_pair_image(name + "_a.png")),
                b = three_channels(read_pair_image(name + "_b.png"));
    for (const bool centred : {true, false}) {
      const std::string key = centred ? "range_minus1_1" : "range_0_1_as_reference";
      const auto fed = [centred](const Array& x) { return centred ? 2 * x - 1 : x; };
      const auto exact = [](const Array& x) { return round(x * 255).to(kFloat64) / 255; };
      const auto [in64, of_layers] = in_double(known, fed(exact(a)), fed(exact(b)));
      EXPECT_NEAR(in64, row[which][key], kInDouble);
      EXPECT_NEAR(network.distance(fed(a), fed(b)).item<double>(), row[which][key + "_float32"], kInFloat);
      const auto& layers = row[which][key + "_layers_float32"];
      ASSERT_EQ(of_layers.size(), layers.size());
      for (size_t i = 0; i < layers.size(); ++i) EXPECT_NEAR(of_layers[i], layers[i], kInFloat) << i;
      EXPECT_NEAR(lpips(a, b, GetParam(), centred), row[which][key], kInFloat);
    }
    ++pairs;
  }
  EXPECT_EQ(pairs, 7);
}

TEST_P(LpipsTest, EqualImagesAreAtZeroAndOrderDoesNotMatter) {
  Lpips network(weights());
  const Array a = noise(1, {2, 3, 40, 52}), b = noise(2, {2, 3, 40, 52});
  const Array distance = network.distance(a, b);
  ASSERT_EQ(distance.sizes(), Sizes({2}));
  EXPECT_EQ(max(abs(network.distance(a, a))), 0);
  EXPECT_GT(min(distance), 0);
  EXPECT_TRUE(equal(distance, network.distance(b, a)));
  EXPECT_NEAR(distance.select(0, 1).item<double>(),
              network.distance(a.narrow(0, 1, 1), b.narrow(0, 1, 1)).item<double>(), 1e-6)
      << "each image of a batch for itself";
}

TEST_P(LpipsTest, TilesGiveTheSameNumberAsTheWhole) {
  Lpips network(weights());
  struct Case {
    int64_t height, width, tile;
  };
  for (const auto& [height, width, tile] : {Case{140, 300, 128}, {31, 400, 144}, {97, 64, 48}}) {
    const Array a = noise(3, {1, 3, height, width}), b = 0.8 * a + 0.2 * noise(4, {1, 3, height, width});
    EXPECT_NEAR(network.tiled_distance(a, b, tile).item<double>(), network.distance(a, b).item<double>(), 1e-7)
        << height << "x" << width << " in tiles of " << tile;
  }
}

TEST_P(LpipsTest, WorksFromExactlyTheSmallestSideAndNamesSmallerOnes) {
  Lpips network(weights());
  const int64_t side = smallest_side(GetParam());
  EXPECT_EQ(network.distance(Array::zeros({1, 3, side, side}), Array::zeros({1, 3, side, side})).item<double>(), 0);
  EXPECT_NO_THROW(network.tiled_distance(Array::zeros({1, 3, side, side}), Array::zeros({1, 3, side, side})));
  try {
    network.distance(Array::zeros({1, 3, side, side - 1}), Array::zeros({1, 3, side, side - 1}));
    FAIL() << "too narrow";
  } catch (const ShapeError& error) {
    const std::string least = std::to_string(side);
    EXPECT_EQ(error.what(), "lpips: expected images of at least " + least + "x" + least + " pixels, got " +
                                std::to_string(side - 1) + "x" + least);
  }
  EXPECT_THROW(network.distance(Array::zeros({1, 1, 64, 64}), Array::zeros({1, 1, 64, 64})), ShapeError);
  EXPECT_THROW(network.distance(Array::zeros({1, 3, 64, 64}), Array::zeros({1, 3, 64, 65})), ShapeError);
}

TEST_P(LpipsTest, DamagedAndForeignFilesAreFormatErrors) {
  const testing::TemporaryFolder folder;
  const auto source = testing::source_folder() / "models" / weights_file(GetParam());
  const std::string bytes = read_file(source);
  for (const size_t size : {size_t{0}, size_t{7}, size_t{400}, bytes.size() / 2, bytes.size() - 1}) {
    write_atomically(folder / "short.safetensors", std::string_view(bytes).substr(0, size));
    EXPECT_THROW(load_lpips(GetParam(), folder / "short.safetensors"), FormatError) << size;
  }
  const LpipsNet other = GetParam() == LpipsNet::kAlex ? LpipsNet::kSqueeze : LpipsNet::kAlex;
  EXPECT_THROW(load_lpips(other, source), FormatError);
  EXPECT_THROW(load_lpips(GetParam(), folder / "none.safetensors"), IoError);
  serialization::StateDict state = serialization::read_safetensors(source).tensors, changed;
  for (const auto& [name, tensor] : state) changed.add(name, name == "lin2.weight" ? tensor.narrow(0, 0, 5) : tensor);
  serialization::write_safetensors(folder / "changed.safetensors", changed);
  try {
    load_lpips(GetParam(), folder / "changed.safetensors");
    FAIL() << "lin2 is too short";
  } catch (const FormatError& error) {
    EXPECT_NE(std::string(error.what()).find("tensor 'lin2.weight': expected shape"), std::string::npos)
        << error.what();
  }
}

TEST_P(LpipsTest, GreyIsRepeatedAndBatchesAreAveraged) {
  const Array grey = (noise(1, {1, 40, 40}) + 1) / 2, other = (noise(2, {1, 40, 40}) + 1) / 2;
  const double one = lpips(grey, other, GetParam());
  EXPECT_EQ(lpips(grey.expand({3, 40, 40}), other.expand({3, 40, 40}), GetParam()), one);
  EXPECT_NEAR(lpips(stack({grey, grey}), stack({other, grey}), GetParam()), one / 2, 1e-7);
  EXPECT_THROW(three_channels(Array::zeros({1, 2, 40, 40})), ShapeError);
  EXPECT_THROW(lpips(grey, other.narrow(1, 0, 39), GetParam()), ShapeError);
}

INSTANTIATE_TEST_SUITE_P(Networks, LpipsTest, ::testing::Values(LpipsNet::kAlex, LpipsNet::kSqueeze),
                         [](const auto& instance) { return instance.param == LpipsNet::kAlex ? "Alex" : "Squeeze"; });

class LpipsInTheTable : public ::testing::Test {
 protected:
  void TearDown() override { ::unsetenv("SSCVAE_MODELS"); }
  const Array image_ = Array::zeros({3, 40, 40}, kFloat64), other_ = image_ + 0.25;
};

TEST_F(LpipsInTheTable, MissingWeightsGiveNanAndANoteThatNamesTheFile) {
  const testing::TemporaryFolder empty;
  ::setenv("SSCVAE_MODELS", empty.path().c_str(), 1);
  std::vector<std::string> notes;
  const auto values = compare_images(image_, other_, find_protocol("sound"), {"psnr", "lpips"}, &notes);
  EXPECT_TRUE(std::isnan(values.at("lpips")));
  EXPECT_NEAR(values.at("psnr"), 20 * std::log10(255.0 / 64), 1e-9);
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_NE(notes[0].find("lpips/lpips_alex_v0.1.safetensors"), std::string::npos) << notes[0];
  EXPECT_EQ(missing_weights(find_metric("psnr")), "");
  EXPECT_THROW(lpips(image_, other_, LpipsNet::kAlex), IoError);
}

TEST_F(LpipsInTheTable, SmallImagesGiveNanAndANote) {
  ::setenv("SSCVAE_MODELS", (testing::source_folder() / "models").c_str(), 1);
  std::vector<std::string> notes;
  const auto small = [](const Array& x) { return x.narrow(1, 0, 20).narrow(2, 0, 30); };
  const auto values =
      compare_images(small(image_), small(other_), find_protocol("sound"), {"lpips", "lpips_squeeze"}, &notes);
  EXPECT_TRUE(std::isnan(values.at("lpips")));
  EXPECT_GT(values.at("lpips_squeeze"), 0);
  EXPECT_EQ(notes, std::vector<std::string>{"lpips: expected images of at least 31x31 pixels, got 30x20"});
}

TEST_F(LpipsInTheTable, TheProtocolDecidesTheScalingAndNotTheChannels) {
  ::setenv("SSCVAE_MODELS", (testing::source_folder() / "models").c_str(), 1);
  const Array green = image_.clone();
  green.select(0, 1).fill_(0.6);
  const Protocol &authors = find_protocol("authors"), &paper = find_protocol("paper");
  EXPECT_EQ(compare_images(image_, green, authors, {"mse"}).at("mse"), 0) << "sees red alone";
  EXPECT_EQ(compare_images(image_, green, authors, {"lpips"}).at("lpips"),
            lpips(image_, green, LpipsNet::kAlex, false));
  EXPECT_EQ(compare_images(image_, green, paper, {"lpips"}).at("lpips"), lpips(image_, green, LpipsNet::kAlex, true));
  EXPECT_EQ(find_metric("lpips").better, Direction::kLower);
}

}  // namespace
}  // namespace sscvae::metrics
