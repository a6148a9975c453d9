#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "sscvae/core/error.h"
#include "sscvae/image/noise.h"
#include "sscvae/image/noise_level.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/runtime/noise_range.h"
#include "sscvae/tasks/evaluation_meters.h"
#include "sscvae/tasks/outputs.h"
#include "sscvae/tasks/report.h"
#include "sscvae/tasks/restore.h"
#include "sscvae/tasks/summary.h"
#include "support/paths.h"

namespace sscvae::tasks {
namespace {

TEST(NoiseLevel, FindsTheLevelOfWhiteNoiseOnASmoothImage) {
  const at::Tensor ramp = at::arange(256, at::kFloat).div(255).expand({1, 256, 256}).contiguous();
  for (const double sigma : {5.0, 25.0, 50.0})
    EXPECT_NEAR(image::estimate_sigma_8bit(image::add_gaussian_noise(ramp, sigma, 7, false)), sigma, 0.03 * sigma);
}

TEST(NoiseLevel, FlatBordersDoNotHideTheNoise) {
  at::Tensor image = at::full({1, 256, 256}, 0.5);
  image = image::add_gaussian_noise(image, 20, 3, false);
  image.narrow(1, 0, 160).fill_(0);
  EXPECT_NEAR(image::estimate_sigma_8bit(image), 20, 1.5);
}

TEST(NoiseLevel, NoiseThatWasCutOffDoesNotLowerIt) {
  const at::Tensor ramp = at::arange(256, at::kFloat).div(400).sub(0.2).clamp(0, 1).expand({3, 256, 256}).contiguous();
  const at::Tensor cut = image::add_gaussian_noise(ramp, 20, 3, true);
  EXPECT_GT(cut.eq(0).to(at::kFloat).mean().item<double>(), 0.15);
  EXPECT_NEAR(image::estimate_sigma_8bit(cut), 20, 0.6);
  const double in_the_dark = image::estimate_sigma_8bit(image::add_gaussian_noise(at::zeros({1, 64, 64}), 20, 3, true));
  EXPECT_GT(in_the_dark, 5);  // nothing else to go by
  EXPECT_LT(in_the_dark, 20);
}

TEST(NoiseLevel, FineTextureIsHardlyTakenForNoise) {
  torch::manual_seed(1);
  const at::Tensor texture = at::avg_pool2d(at::avg_pool2d(torch::rand({1, 258, 258}), 2, 1), 2, 1);
  const at::Tensor diagonal = texture.slice(1, 0, -1).slice(2, 0, -1) - texture.slice(1, 1).slice(2, 0, -1) -
                              texture.slice(1, 0, -1).slice(2, 1) + texture.slice(1, 1).slice(2, 1);
  const double finest_wavelet = diagonal.abs().median().item<double>() / 2 / 0.6745 * 255;
  EXPECT_GT(finest_wavelet, 5);
  EXPECT_LT(image::estimate_sigma_8bit(texture), 0.4 * finest_wavelet);
  EXPECT_GT(image::estimate_sigma_8bit(image::add_gaussian_noise(texture, 20, 3, false)), 19);
}

/// Edges are no noise: what is flat decides, or nothing where all is black and white.
TEST(NoiseLevel, CheckersOfSinglePixelsDoNotHideIt) {
  torch::manual_seed(4);
  at::Tensor checker = torch::full({1, 128, 128}, 0.3);
  for (const int64_t first : {0, 1}) checker.slice(1, first, 128, 2).slice(2, first, 128, 2).fill_(0.7);
  for (const double sigma : {2.0, 10.0})
    EXPECT_NEAR(image::estimate_sigma_8bit(checker + torch::randn_like(checker) * (sigma / 255)), sigma, 0.3 * sigma);
}

TEST(NoiseLevel, DrawingsHaveNone) {
  at::Tensor drawing = at::full({3, 200, 260}, 0.25);  // lines of one colour on another
  for (int64_t row = 20; row < 180; row += 14)
    drawing.narrow(1, row, 5)
        .narrow(2, 20, 120)
        .copy_(at::arange(120).remainder(3).eq(0).to(at::kFloat).mul(0.6).add(0.2).expand({3, 5, 120}));
  EXPECT_LT(image::estimate_sigma_8bit(drawing), 0.01);
  at::Tensor text = at::ones({1, 160, 200});  // strokes with grey edges on white paper
  for (int64_t column = 20; column < 180; column += 9) {
    text.narrow(2, column, 4).narrow(1, 20, 110).fill_(0.4);
    text.narrow(2, column + 1, 2).narrow(1, 20, 110).fill_(0);
  }
  for (int64_t row = 20; row < 130; row += 16) text.narrow(1, row, 6).fill_(1);
  EXPECT_EQ(image::estimate_sigma_8bit(text), 0);
  at::Tensor pixel = at::zeros({1, 128, 128});
  pixel[0][60][60] = 1;
  EXPECT_EQ(image::estimate_sigma_8bit(pixel), 0);
  const at::Tensor checker = at::arange(128).unsqueeze(0).add(at::arange(128).unsqueeze(1)).remainder(2);
  EXPECT_EQ(image::estimate_sigma_8bit(checker.to(at::kFloat).unsqueeze(0)), 0);
  EXPECT_EQ(image::estimate_sigma_8bit(at::ones({3, 100, 100})), 0);
}

/// Half flat, half a texture of the highest frequencies: the flat half says what the noise is.
TEST(NoiseLevel, QuietPartsDecide) {
  torch::manual_seed(2);
  at::Tensor image = at::full({1, 256, 256}, 0.5);
  image.narrow(2, 128, 128).add_(torch::rand({1, 256, 128}) * 0.3 - 0.15);
  EXPECT_NEAR(image::estimate_sigma_8bit(image::add_gaussian_noise(image, 8, 3, false)), 8, 0.6);
}

TEST(NoiseLevel, AFrameWithoutNoiseIsLeftOut) {
  at::Tensor image = image::add_gaussian_noise(at::full({1, 256, 256}, 0.5), 20, 3, false);
  image.narrow(1, 0, 40).fill_(0.125);
  image.narrow(1, 216, 40).fill_(0.125);
  EXPECT_NEAR(image::estimate_sigma_8bit(image), 20, 1.2);
}

/// Squares of 8 pixels put edges into every window, but not at every position.
TEST(NoiseLevel, PositionsBetweenEdgesDecideWherePatternsFillTheImage) {
  const at::Tensor eighths = at::arange(192).div(8, "floor");
  const at::Tensor squares = (eighths.unsqueeze(0) + eighths.unsqueeze(1)).remainder(2).to(at::kFloat).unsqueeze(0);
  for (const double sigma : {1.0, 3.0}) {
    const at::Tensor grey = image::add_gaussian_noise(squares * 0.6 + 0.2, sigma, 3, false);
    EXPECT_NEAR(image::estimate_sigma_8bit(grey), sigma, 0.7 * sigma);
    const at::Tensor cut = image::add_gaussian_noise(squares, sigma, 3, true);
    EXPECT_NEAR(image::estimate_sigma_8bit(cut), 0.8 * sigma, 0.3 * sigma);  // half of the noise is cut off
  }
}

TEST(NoiseLevel, IsZeroWhereNothingCanBeSaid) {
  EXPECT_EQ(image::estimate_sigma_8bit(at::full({3, 16, 16}, 0.25)), 0);
  EXPECT_EQ(image::estimate_sigma_8bit(at::full({1, 1, 1}, 0.25)), 0);
}

TEST(ContrastFactor, MovesTheLevelToTheNearestTrainedOne) {
  EXPECT_EQ(runtime::contrast_factor(25, {0, 50}), 1);
  EXPECT_EQ(runtime::contrast_factor(50, {25, 25}), 0.5);
  EXPECT_EQ(runtime::contrast_factor(20, {25, 25}), 1.25);
  EXPECT_EQ(runtime::contrast_factor(1, {25, 25}), 2);  // bounded
  EXPECT_EQ(runtime::contrast_factor(250, {25, 25}), 0.25);
  EXPECT_EQ(runtime::contrast_factor(0, {0, 50}), 1);
}

TEST(Reports, NumbersThatJsonCannotHoldBecomeTexts) {
  EXPECT_EQ(json_number(0.1).dump(), "0.1");
  EXPECT_EQ(json_number(std::nan("")).dump(), "\"nan\"");
  EXPECT_EQ(json_number(INFINITY).dump(), "\"inf\"");
}

TEST(Reports, ThatCannotBeWrittenAreKeptBeside) {
  const testing::TemporaryFolder folder;
  const std::string path = (folder / "a.json").string();
  EXPECT_FALSE(write_or_keep(path, "first", false));
  const auto failure = write_or_keep(path, "second", false);  // somebody made the file in the meantime
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->code(), ExitCode::kUsage);
  const auto content = [](const std::string& file) {
    std::ifstream in(file);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  EXPECT_EQ(content(path), "first");
  const std::string message = failure->what(), start = "the results are in '";
  ASSERT_NE(message.find(start), std::string::npos) << message;
  const std::string kept = message.substr(message.find(start) + start.size());
  EXPECT_EQ(content(kept.substr(0, kept.size() - 1)), "second");
  EXPECT_EQ(kept.rfind(path + ".kept-", 0), 0u) << kept;
}

TEST(Outputs, MirrorTheTreeUnderNamesThatDiffer) {
  const testing::TemporaryFolder folder;
  std::filesystem::create_directories(folder / "in/deep");
  for (const char* name : {"in/a.png", "in/deep/b.jpg", "in/deep/b.png"}) std::ofstream(folder / name) << "x";
  const std::vector<std::string> in{(folder / "in").string()};
  const auto plan = [&](const std::vector<std::string>& inputs, ImageOutputs outputs) {
    return plan_images(inputs, outputs).jobs;
  };
  const auto jobs = plan(in, {folder / "out", "", false, false, folder / "maps"});
  ASSERT_EQ(jobs.size(), 3u);
  EXPECT_EQ(jobs[1].output, folder / "out/deep/b.jpg");
  EXPECT_EQ(jobs[1].map, folder / "maps/deep/b.jpg.png");
  EXPECT_EQ(jobs[2].map, folder / "maps/deep/b.png");
  EXPECT_EQ(plan(in, {folder / "out", ".png", false, false, {}})[1].output, folder / "out/deep/b.jpg.png");
  EXPECT_THROW(plan(in, {folder / "in", "", false, false, {}}), UsageError);
  EXPECT_THROW(plan(in, {folder / "in", "", true, false, {}}), UsageError);  // never an input
  EXPECT_THROW(plan(in, {folder / "out", "", false, false, folder / "out"}), UsageError);
  EXPECT_THROW(plan({(folder / "none").string()}, {folder / "out", "", false, false, {}}), IoError);
}

TEST(Outputs, ResultsOfAnEarlierCallAreNoInput) {
  const testing::TemporaryFolder folder;
  std::filesystem::create_directories(folder / "clean");
  std::filesystem::create_directories(folder / "run/checkpoints");
  std::filesystem::create_directories(folder / "run/previews");
  for (const char* name : {"a.png", "clean/a.png", "run/config.toml", "run/split.csv", "run/previews/step_000001.png"})
    std::ofstream(folder / name) << "x";
  const auto names = [&](const std::string& input, const std::string& out) {
    std::vector<std::string> list;
    for (const ImageJob& job : plan_images({input}, {out, "", true, false, {}}).jobs) list.push_back(job.name);
    return list;
  };
  using Names = std::vector<std::string>;
  const std::string all = folder.path().string(), clean = (folder / "clean").string();
  EXPECT_EQ(names(all, clean), (Names{"a.png"}));
  EXPECT_EQ(names(all + "/**/*.png", clean), (Names{"a.png"}));
  EXPECT_EQ(names(clean, (folder / "other").string()), (Names{"a.png"}));  // named
  EXPECT_EQ(names((folder / "run/previews").string(), clean), (Names{"step_000001.png"}));
}

TEST(Outputs, OneResultGoesToStandardOutput) {
  const testing::TemporaryFolder folder;
  for (const char* name : {"a.png", "b.png"}) std::ofstream(folder / name) << "x";
  const std::string a = (folder / "a.png").string();
  const auto jobs = plan_images({a}, {"-", "", false, false, folder / "maps"}).jobs;
  ASSERT_EQ(jobs.size(), 1u);
  EXPECT_EQ(jobs[0].output, "/dev/stdout");
  EXPECT_EQ(jobs[0].map, folder / "maps/a.png");
  EXPECT_THROW(plan_images({folder.path().string()}, {"-", "", false, false, {}}), UsageError);
  EXPECT_THROW(plan_images({a}, {"/dev/stdout", "", false, true, {}}), UsageError);
  const auto piped = plan_images({"-"}, {folder / "out", "", false, false, {}}).jobs;
  ASSERT_EQ(piped.size(), 1u);
  EXPECT_EQ(piped[0].input, "/dev/stdin");
  EXPECT_EQ(piped[0].output, folder / "out/stdin.png");
}

TEST(TextTable, ColumnsAreAlignedByWhatATerminalShows) {
  EXPECT_EQ(
      text_table(
          {{"image", "PSNR"}, {"\xc3\xa4\xc3\xb6.png", "1.5"}, {"\xe7\x8c\xab.png", "10.5"}, {"a\nb.png", "2.5"}}),
      "image     PSNR\n\xc3\xa4\xc3\xb6.png     1.5\n\xe7\x8c\xab.png    10.5\na\\nb.png   2.5\n");
}

TEST(ImageTables, MeansOfAHundredThousandImagesAreKnownAfterEach) {
  ImageTable table({"psnr", "bits_per_pixel"});
  RunningMean mean;
  EXPECT_TRUE(std::isnan(mean.value()));
  for (int i = 0; i < 100000; ++i) {
    const double psnr = 30 + i % 7;
    mean.add(psnr);
    table.add("image" + std::to_string(i), {{"psnr", psnr}});
    if (i % 7 == 6) {
      ASSERT_NEAR(mean.value(), 33, 1e-9);
    }
  }
  for (size_t i = 0; i < 100000; ++i) table.set(i, "bits_per_pixel", 0.5);
  mean.add(std::nan(""));
  const Json json = table.json();
  EXPECT_EQ(json["count"], 100000);
  EXPECT_NEAR(json["mean"]["psnr_db"].get<double>(), mean.value(), 1e-9);
  EXPECT_NEAR(table.mean("psnr"), mean.value(), 1e-9);
  EXPECT_EQ(json["mean"]["bits_per_pixel"], 0.5);
  EXPECT_NE(table.text(false).find("psnr_db"), std::string::npos);
  table.set(0, "bits_per_pixel", 100000.5);
  EXPECT_NEAR(table.json()["mean"]["bits_per_pixel"].get<double>(), 1.5, 1e-9) << "a changed value counts";
}

/// A code of two atoms and four positions, one symbol of which is given.
metrics::SymbolCounts code_with(int64_t symbol) {
  metrics::SymbolCounts counts;
  counts.add(at::tensor({int64_t{0}, int64_t{0}, int64_t{1}, symbol, int64_t{2}, int64_t{2}, int64_t{2}, int64_t{2}})
                 .reshape({1, 2, 1, 4}));
  return counts;
}

std::vector<double> rates_with(size_t most_kept, int images) {
  ImageTable table({kBitsPerPixel});
  RateMeter meter(most_kept);
  for (int i = 0; i < images; ++i) {
    table.add(std::to_string(i), {});
    meter.add(code_with(i % 3), 4);
  }
  meter.fill(table);
  return table.columns().at(kBitsPerPixel);
}

TEST(RateMeter, MemoryHasALimitAndFiguresHardlyDependOnIt) {
  constexpr int kImages = 600;
  const std::vector<double> all = rates_with(size_t{1} << 24, kImages);
  ASSERT_EQ(all.size(), 600u);
  EXPECT_EQ(all[0], all[597]) << "one table of frequencies for all images, the first ones too";
  const std::vector<double> limited = rates_with(2000, kImages), tight = rates_with(0, kImages);
  for (size_t i = 0; i < all.size(); ++i) EXPECT_NEAR(limited[i], all[i], 0.01) << i;
  EXPECT_NE(limited[0], all[0]) << "settled by the images so far";
  EXPECT_GT(std::abs(tight[0] - all[0]), 0.05) << "a limit that keeps no image knows only those before it";
  EXPECT_NEAR(tight[599], all[599], 1e-12);
}

}  // namespace
}  // namespace sscvae::tasks
