#include "cli/program.h"
#include "sscvae/image/image.h"
#include "sscvae/image/synthetic.h"

namespace sscvae::testing {
namespace {

image::Image ramp_16bit(int64_t width, int64_t height) {
  image::Image picture;
  picture.width = width;
  picture.height = height;
  picture.bit_depth = 16;
  picture.bytes.resize(static_cast<size_t>(2 * width * height));
  for (size_t i = 0; i < picture.bytes.size(); ++i) picture.bytes[i] = static_cast<uint8_t>(i * 7);
  return picture;
}

void expect_same_size_and_depth(const std::filesystem::path& original, const std::filesystem::path& result,
                                int64_t channels) {
  const image::Image a = image::read_image(original), b = image::read_image(result);
  EXPECT_EQ(b.width, a.width) << original;
  EXPECT_EQ(b.height, a.height) << original;
  EXPECT_EQ(b.bit_depth, a.bit_depth) << original;
  EXPECT_EQ(b.channels, channels) << original;
}

TEST(Reconstruct, EveryKindOfImageComesBackAtItsSizeAndDepth) {
  const TemporaryFolder folder;
  const std::string weights = write_tiny_weights(folder / "w.safetensors");
  std::filesystem::create_directories(folder / "in/deep");
  image::write_image(folder / "in/photo.jpg", image::dead_leaves(1, 481, 321, 3));
  image::write_image(folder / "in/deep/dot.png", image::dead_leaves(1, 1, 1, 1));
  image::write_image(folder / "in/deep/fine.png", ramp_16bit(37, 53));
  const Outcome outcome = run({"reconstruct", (folder / "in").string(), "--weights", weights, "--out",
                               (folder / "out").string(), "--json", (folder / "r.json").string()});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  for (const char* name : {"photo.jpg", "deep/dot.png", "deep/fine.png"})
    expect_same_size_and_depth(folder / "in" / name, folder / "out" / name, 1);
  const auto json = nlohmann::json::parse(slurp(folder / "r.json"));
  ASSERT_EQ(json["images"].size(), 3u);
  for (const auto& image : json["images"]) {
    EXPECT_GE(image["nnz"].get<double>(), 0) << image;
    EXPECT_TRUE(image.contains("psnr_db") && image.contains("zero_fraction") && image.contains("hoyer") &&
                image.contains("fit_error"));
  }
  EXPECT_NE(outcome.err.find("1 of 3 images were converted"), std::string::npos) << outcome.err;
}

TEST(Reconstruct, PhotographSizeInTiles) {
  const TemporaryFolder folder;
  const std::string weights = write_tiny_weights(folder / "w.safetensors");
  image::write_image(folder / "big.png", image::with_channels(image::dead_leaves(1, 3001, 2003, 1), 1));
  const Outcome outcome = run({"reconstruct", (folder / "big.png").string(), "--weights", weights, "--out",
                               (folder / "out").string(), "--json", "-"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  expect_same_size_and_depth(folder / "big.png", folder / "out/big.png", 1);
  EXPECT_GT(nlohmann::json::parse(outcome.out)["images"][0]["tile"], 0);
}

TEST(Reconstruct, ColourWeightsGiveColour) {
  const TemporaryFolder folder;
  const std::string weights = write_tiny_weights(folder / "w.safetensors", 3);
  image::write_image(folder / "grey.png", image::dead_leaves(2, 20, 9, 1));
  image::write_image(folder / "colour.png", image::dead_leaves(2, 20, 9, 3));
  const Outcome outcome =
      run({"reconstruct", (folder / "*.png").string(), "--weights", weights, "--out", (folder / "out").string()});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  for (const char* name : {"grey.png", "colour.png"})
    expect_same_size_and_depth(folder.path() / name, folder / "out" / name, 3);
}

TEST(Denoise, EstimatesTheNoiseAndKnowsTheCleanImage) {
  const TemporaryFolder folder;
  const std::string weights = write_tiny_weights(folder / "w.safetensors", 1, "denoise");
  image::write_image(folder / "clean.png", image::dead_leaves(3, 160, 128, 1));
  const std::vector<std::string> common{
      "denoise", (folder / "clean.png").string(), "--weights", weights, "--add-noise", "30", "--json", "-", "--out"};
  std::vector<std::string> arguments = common;
  arguments.push_back((folder / "out").string());
  const Outcome outcome = run(arguments);
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const auto image = nlohmann::json::parse(outcome.out)["images"][0];
  EXPECT_NEAR(image["sigma_8bit"].get<double>(), 30, 4);
  EXPECT_NEAR(image["noisy_psnr_db"].get<double>(), 20 * std::log10(255 / 30.0), 0.7);  // clipped when measured
  EXPECT_TRUE(image.contains("psnr_db"));

  arguments = common;
  arguments.insert(arguments.end(), {(folder / "strong").string(), "--strength", "4"});
  const Outcome strong = run(arguments);
  ASSERT_EQ(strong.code, 0) << strong.err;
  EXPECT_LT(nlohmann::json::parse(strong.out)["images"][0]["nnz"].get<double>(), image["nnz"].get<double>());
}

}  // namespace
}  // namespace sscvae::testing
