#include "sscvae/metrics/lpips.h"

#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "sscvae/core/atomic_file.h"
#include "sscvae/core/error.h"
#include "sscvae/core/random.h"
#include "sscvae/image/image.h"
#include "sscvae/metrics/protocol.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/serialization/safetensors.h"
#include "support/gradient_check.h"
#include "support/paths.h"

namespace sscvae::metrics {
namespace {

constexpr double kFloat32 = 1e-5, kFloat64 = 1e-6;  ///< against the published implementation, absolute

/// The weights of this source tree.
class LpipsTest : public ::testing::TestWithParam<LpipsNet> {
 protected:
  void SetUp() override { ::setenv("SSCVAE_MODELS", (testing::source_folder() / "models").c_str(), 1); }
  void TearDown() override { ::unsetenv("SSCVAE_MODELS"); }

  static Lpips load(at::ScalarType dtype = at::kFloat) {
    Lpips network = load_lpips(GetParam(), testing::source_folder() / "models" / weights_file(GetParam()));
    network->to(dtype);
    return network;
  }
  static at::Tensor noise(uint64_t seed, at::IntArrayRef shape, at::ScalarType dtype = at::kDouble) {
    Random random(seed);
    at::Tensor image = at::zeros(shape, at::kDouble);
    for (int64_t i = 0; i < image.numel(); ++i) image.mutable_data_ptr<double>()[i] = 2 * random.uniform() - 1;
    return image.to(dtype);
  }
};

Array read_pair_image(const std::string& name) {
  return image::to_array(image::read_image(testing::parity_folder() / "metrics" / name)).unsqueeze(0);
}

TEST_P(LpipsTest, PublishedValues) {
  Lpips narrow = load(), wide = load(at::kDouble);
  const auto document = nlohmann::json::parse(read_file(testing::parity_folder() / "metrics" / "expected.json"));
  const std::string which = GetParam() == LpipsNet::kAlex ? "lpips_alex" : "lpips_squeeze";
  int64_t pairs = 0;
  for (const auto& [name, row] : document["pairs"].items()) {
    SCOPED_TRACE(name);
    const at::Tensor a = three_channels(read_pair_image(name + "_a.png")),
                     b = three_channels(read_pair_image(name + "_b.png"));
    for (const bool centred : {true, false}) {
      const std::string key = centred ? "range_minus1_1" : "range_0_1_as_reference";
      const auto fed = [centred](const at::Tensor& x) { return centred ? 2 * x - 1 : x; };
      const auto exact = [](const at::Tensor& x) { return (x * 255).round().to(at::kDouble) / 255; };
      const double in64 = wide->forward(fed(exact(a)), fed(exact(b))).item<double>();
      const double in32 = narrow->forward(fed(a), fed(b)).item<double>();
      EXPECT_NEAR(in64, row[which][key], kFloat64);
      EXPECT_NEAR(in32, row[which][key + "_float32"], kFloat32);
      const auto maps = narrow->distance_maps(fed(a), fed(b));
      const auto& layers = row[which][key + "_layers_float32"];
      ASSERT_EQ(maps.size(), layers.size());
      for (size_t i = 0; i < maps.size(); ++i) EXPECT_NEAR(maps[i].mean().item<double>(), layers[i], kFloat32) << i;
      EXPECT_NEAR(lpips(a, b, GetParam(), centred), row[which][key], kFloat32);
    }
    ++pairs;
  }
  EXPECT_EQ(pairs, 7);
}

TEST_P(LpipsTest, EqualImagesAreAtZeroAndOrderDoesNotMatter) {
  Lpips network = load(at::kDouble);
  const at::Tensor a = noise(1, {2, 3, 40, 52}), b = noise(2, {2, 3, 40, 52});
  const at::Tensor distance = network->forward(a, b);
  ASSERT_EQ(distance.sizes(), at::IntArrayRef({2}));
  EXPECT_EQ(network->forward(a, a).abs().max().item<double>(), 0);
  EXPECT_GT(distance.min().item<double>(), 0);
  EXPECT_NEAR((distance - network->forward(b, a)).abs().max().item<double>(), 0, 1e-14);
  EXPECT_NEAR(distance[1].item<double>(), network->forward(a.narrow(0, 1, 1), b.narrow(0, 1, 1)).item<double>(), 1e-14)
      << "each image of a batch for itself";
}

TEST_P(LpipsTest, TilesGiveTheSameNumberAsTheWhole) {
  Lpips network = load(at::kDouble);
  struct Case {
    int64_t height, width, tile;
  };
  for (const auto& [height, width, tile] : {Case{140, 300, 128}, {31, 400, 144}, {97, 64, 48}}) {
    const at::Tensor a = noise(3, {1, 3, height, width}), b = 0.8 * a + 0.2 * noise(4, {1, 3, height, width});
    EXPECT_NEAR(network->tiled_distance(a, b, tile).item<double>(), network->forward(a, b).item<double>(), 1e-12)
        << height << "x" << width << " in tiles of " << tile;
  }
}

TEST_P(LpipsTest, GradientsReachBothImagesAndNotTheWeights) {
  Lpips network = load(at::kDouble);
  const int64_t side = smallest_side(GetParam()) + 4;
  const at::Tensor a = noise(5, {1, 3, side, side}).requires_grad_(), b = noise(6, {1, 3, side, side}).requires_grad_();
  EXPECT_TRUE(testing::gradients_match([&] { return network->forward(a, b).sum(); }, {a, b}, 1e-7, 60, 1e-5));
  for (const at::Tensor& weight : network->parameters()) EXPECT_FALSE(weight.requires_grad());
}

TEST_P(LpipsTest, GradientsAreFiniteWhereAllFeaturesAreZero) {
  Lpips network = load();
  const at::Tensor a = at::zeros({1, 3, 48, 48}).requires_grad_();
  network->forward(a, noise(7, {1, 3, 48, 48}, at::kFloat)).sum().backward();
  EXPECT_TRUE(a.grad().isfinite().all().item<bool>());
  const at::Tensor same = noise(8, {1, 3, 48, 48}, at::kFloat).requires_grad_();
  network->forward(same, same.detach()).sum().backward();
  EXPECT_EQ(same.grad().abs().max().item<double>(), 0) << "a minimum";
}

TEST_P(LpipsTest, WorksFromExactlyTheSmallestSideAndNamesSmallerOnes) {
  Lpips network = load();
  const int64_t side = smallest_side(GetParam());
  EXPECT_EQ(network->forward(at::zeros({1, 3, side, side}), at::zeros({1, 3, side, side})).item<double>(), 0);
  EXPECT_NO_THROW(network->tiled_distance(at::zeros({1, 3, side, side}), at::zeros({1, 3, side, side})));
  try {
    network->forward(at::zeros({1, 3, side, side - 1}), at::zeros({1, 3, side, side - 1}));
    FAIL() << "too narrow";
  } catch (const ShapeError& error) {
    const std::string least = std::to_string(side);
    EXPECT_EQ(error.what(), "lpips: expected images of at least " + least + "x" + least + " pixels, got " +
                                std::to_string(side - 1) + "x" + least);
  }
  EXPECT_THROW(network->forward(at::zeros({1, 1, 64, 64}), at::zeros({1, 1, 64, 64})), ShapeError);
  EXPECT_THROW(network->forward(at::zeros({1, 3, 64, 64}), at::zeros({1, 3, 64, 65})), ShapeError);
}

TEST_P(LpipsTest, LoadingDrawsNothing) {
  at::manual_seed(11);
  const at::Tensor expected = at::rand({3});
  at::manual_seed(11);
  load();
  EXPECT_TRUE(at::rand({3}).equal(expected));
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
  const at::Tensor grey = (noise(1, {1, 40, 40}) + 1) / 2, other = (noise(2, {1, 40, 40}) + 1) / 2;
  const double one = lpips(grey, other, GetParam());
  EXPECT_EQ(lpips(grey.expand({3, 40, 40}), other.expand({3, 40, 40}), GetParam()), one);
  EXPECT_NEAR(lpips(at::stack({grey, grey}), at::stack({other, grey}), GetParam()), one / 2, 1e-7);
  EXPECT_THROW(three_channels(at::zeros({1, 2, 40, 40})), ShapeError);
  EXPECT_THROW(lpips(grey, other.narrow(1, 0, 39), GetParam()), ShapeError);
}

INSTANTIATE_TEST_SUITE_P(Networks, LpipsTest, ::testing::Values(LpipsNet::kAlex, LpipsNet::kSqueeze),
                         [](const auto& instance) { return instance.param == LpipsNet::kAlex ? "Alex" : "Squeeze"; });

class LpipsInTheTable : public ::testing::Test {
 protected:
  void TearDown() override { ::unsetenv("SSCVAE_MODELS"); }
  const at::Tensor image_ = at::zeros({3, 40, 40}, at::kDouble), other_ = image_ + 0.25;
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
  EXPECT_THROW(shipped_lpips(LpipsNet::kAlex), IoError);
}

TEST_F(LpipsInTheTable, SmallImagesGiveNanAndANote) {
  ::setenv("SSCVAE_MODELS", (testing::source_folder() / "models").c_str(), 1);
  std::vector<std::string> notes;
  const auto small = [](const at::Tensor& x) { return x.narrow(1, 0, 20).narrow(2, 0, 30); };
  const auto values =
      compare_images(small(image_), small(other_), find_protocol("sound"), {"lpips", "lpips_squeeze"}, &notes);
  EXPECT_TRUE(std::isnan(values.at("lpips")));
  EXPECT_GT(values.at("lpips_squeeze"), 0);
  EXPECT_EQ(notes, std::vector<std::string>{"lpips: expected images of at least 31x31 pixels, got 30x20"});
}

TEST_F(LpipsInTheTable, TheProtocolDecidesTheScalingAndNotTheChannels) {
  ::setenv("SSCVAE_MODELS", (testing::source_folder() / "models").c_str(), 1);
  at::Tensor green = image_.clone();
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
