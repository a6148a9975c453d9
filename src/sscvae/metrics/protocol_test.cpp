#include "sscvae/metrics/protocol.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "sscvae/array/elementwise.h"
#include "sscvae/core/error.h"
#include "sscvae/metrics/metrics.h"
#include "sscvae/nn/arrays.h"

namespace sscvae::metrics {
namespace {

at::Tensor ramp(at::IntArrayRef shape) {
  int64_t count = 1;
  for (const int64_t size : shape) count *= size;
  return (at::arange(count, at::kFloat) / static_cast<double>(count)).view(shape);
}

std::string described(const Protocol& protocol, const std::string& key) {
  for (const auto& [name, value] : protocol.describe())
    if (name == key) return value;
  return "";
}

TEST(Protocols, TableIsCompleteAndUnique) {
  std::vector<std::string> names;
  for (const Protocol& protocol : protocols()) {
    names.push_back(protocol.name);
    EXPECT_FALSE(protocol.summary.empty());
    EXPECT_FALSE(protocol.source.empty());
    EXPECT_EQ(protocol.data_range, 1);
    for (const auto& [key, value] : protocol.describe()) EXPECT_FALSE(value.empty()) << protocol.name << " " << key;
  }
  EXPECT_EQ(names, (std::vector<std::string>{"sound", "authors", "paper", "literature-denoise"}));
}

TEST(Protocols, SayWhatTheyDo) {
  const Protocol& authors = find_protocol("authors");
  EXPECT_EQ(described(authors, "channels"), "first only");
  EXPECT_EQ(described(authors, "ssim"), "7x7 flat window, sample covariance");
  EXPECT_EQ(described(authors, "noise"), "LibTorch CPU generator, seed 42 once, noisy image clipped to [0,1]");
  const Protocol& literature = find_protocol("literature-denoise");
  EXPECT_EQ(described(literature, "output"), "clipped to [0,1] and rounded to 8 bit");
  EXPECT_EQ(described(literature, "windows"), "none, whole images");
  EXPECT_EQ(described(literature, "noise"),
            "NumPy generator, seed 0 for each image, drawn by row, column, channel, not clipped");
}

TEST(Protocols, UnknownNameSuggestsTheNearest) {
  try {
    find_protocol("author");
    FAIL() << "no such protocol";
  } catch (const UsageError& error) {
    EXPECT_NE(std::string(error.what()).find("did you mean 'authors'?"), std::string::npos) << error.what();
  }
  EXPECT_THROW(find_metric("pnsr"), UsageError);
}

TEST(Protocols, CropToWhatWindowsCover) {
  using Size = std::pair<int64_t, int64_t>;
  Protocol authors = find_protocol("authors");
  EXPECT_EQ(cropped_size(authors, 321, 481), (Size{256, 256}));
  EXPECT_EQ(cropped_size(authors, 512, 700), (Size{512, 512}));
  EXPECT_EQ(cropped_size(authors, 100, 256), (Size{100, 256})) << "smaller than a window";
  EXPECT_EQ(cropped_size(find_protocol("sound"), 321, 481), (Size{321, 481}));
  const at::Tensor image = ramp({1, 300, 260});
  const at::Tensor cropped = crop(authors, image);
  EXPECT_TRUE(cropped.equal(image.narrow(1, 0, 256).narrow(2, 0, 256)));
  authors.window_stride = 32;
  EXPECT_EQ(cropped_size(authors, 321, 481), (Size{320, 480}));
}

TEST(Protocols, WindowsAreCutRowByRow) {
  Protocol paper = find_protocol("paper");
  paper.window_stride = 32;
  const at::Tensor image = crop(paper, ramp({1, 321, 481}));
  const std::vector<Array> windows = windows_of(paper, image);
  ASSERT_EQ(windows.size(), 24u) << "3 rows of 8";
  EXPECT_TRUE(sscvae::equal(windows[9], image.narrow(1, 32, 256).narrow(2, 32, 256)));
  EXPECT_EQ(measured_parts(paper, windows, 320, 480).size(), 24u);
  EXPECT_EQ(windows_of(paper, image.narrow(1, 0, 255)).size(), 1u) << "smaller than a window";
  EXPECT_EQ(windows_of(find_protocol("sound"), image).size(), 1u);
}

TEST(Protocols, AuthorsPutLaterWindowsOverEarlierOnes) {
  Protocol authors = find_protocol("authors");
  authors.window_stride = 32;
  std::vector<Array> windows;
  for (int i = 0; i < 24; ++i) windows.push_back(Array::full({1, 256, 256}, i));
  const std::vector<Array> parts = measured_parts(authors, windows, 320, 480);
  ASSERT_EQ(parts.size(), 1u);
  const auto at_pixel = [&](int64_t y, int64_t x) {
    return parts[0].select(0, 0).select(0, y).select(0, x).item<float>();
  };
  EXPECT_EQ(at_pixel(0, 31), 0);
  EXPECT_EQ(at_pixel(0, 32), 1);
  EXPECT_EQ(at_pixel(32, 0), 8);
  EXPECT_EQ(at_pixel(319, 479), 23);
}

TEST(Protocols, RoundingClipsAndTakesTheNearestLevel) {
  const at::Tensor image = at::full({1, 1, 4}, 0.0, at::kFloat);
  const float values[] = {-0.3f, 1.7f, 0.5f, 100.4f / 255};
  std::copy(values, values + 4, image.mutable_data_ptr<float>());
  const at::Tensor seen = measured_image(find_protocol("sound"), image);
  ASSERT_EQ(seen.scalar_type(), at::kDouble);
  const double expected[] = {0, 1, 128 / 255.0, 100 / 255.0};
  for (int64_t i = 0; i < 4; ++i) EXPECT_EQ(seen.const_data_ptr<double>()[i], expected[i]) << i;
  EXPECT_TRUE(sscvae::equal(measured_image(find_protocol("paper"), image), image));
}

TEST(Protocols, ChannelRule) {
  const at::Tensor image = ramp({2, 3, 4, 4});
  EXPECT_TRUE(sscvae::equal(measured_image(find_protocol("authors"), image), image.narrow(1, 0, 1)));
  EXPECT_EQ(measured_image(find_protocol("sound"), image).sizes(), (Sizes{2, 3, 4, 4}));
  EXPECT_THROW(measured_image(find_protocol("sound"), at::zeros({4, 4})), ShapeError);
}

TEST(Metrics, TableIsCompleteAndUnique) {
  std::set<std::string> names;
  for (const MetricEntry& entry : metric_entries()) {
    EXPECT_TRUE(names.insert(entry.name).second) << entry.name;
    EXPECT_FALSE(entry.summary.empty());
    EXPECT_FALSE(entry.source.empty());
    EXPECT_NE(entry.compute, nullptr);
  }
  EXPECT_EQ(names.size(), 12u);
  EXPECT_EQ(direction_text(find_metric("mse").better), "lower");
  EXPECT_EQ(direction_text(find_metric("nnz").better), "neither");
}

TEST(Compare, SsimFollowsTheProtocol) {
  const at::Tensor a = ramp({1, 20, 20}), b = a * 0.9;
  auto values = compare_images(a, b, find_protocol("authors"));
  EXPECT_EQ(values["ssim"], values["ssim_uniform7"]);
  EXPECT_EQ(values["ssim"], ssim_uniform(a, b));
  values = compare_images(a, b, find_protocol("paper"));
  EXPECT_EQ(values["ssim"], values["ssim_gaussian11"]);
  EXPECT_NE(values["ssim"], values["ssim_uniform7"]);
  EXPECT_EQ(values.size(), 8u) << "code metrics need a code";
}

TEST(Compare, OnlyTheNamedMetrics) {
  const at::Tensor a = ramp({1, 20, 20});
  const auto values = compare_images(a, a, find_protocol("sound"), {"psnr", "mse"});
  EXPECT_EQ(values.size(), 2u);
  EXPECT_TRUE(std::isinf(values.at("psnr")));
  EXPECT_THROW(compare_images(a, a, find_protocol("sound"), {"psnrr"}), UsageError);
}

TEST(Compare, SmallImagesGiveNanAndOneNote) {
  const at::Tensor a = ramp({1, 1, 1}), b = a + 0.25;
  std::vector<std::string> notes;
  const auto values = compare_images(a, b, find_protocol("paper"),
                                     {"psnr", "ssim", "ssim_gaussian11", "ssim_uniform7", "nmi", "mse"}, &notes);
  EXPECT_TRUE(std::isnan(values.at("ssim")));
  EXPECT_NEAR(values.at("psnr"), 20 * std::log10(4.0), 1e-9);
  ASSERT_EQ(notes.size(), 2u) << "one line for each window";
  EXPECT_EQ(notes[0], "ssim: expected an image of at least 11x11 pixels, got 1x1");
  EXPECT_TRUE(std::isnan(compare_images(a, b, find_protocol("paper")).at("ssim"))) << "notes are optional";
}

TEST(Compare, BrokenReconstructionIsNoted) {
  const at::Tensor a = ramp({1, 12, 12}), b = a.clone();
  b.mutable_data_ptr<float>()[7] = NAN;
  std::vector<std::string> notes;
  const auto values = compare_images(a, b, find_protocol("sound"), {"psnr", "nmi"}, &notes);
  EXPECT_TRUE(std::isnan(values.at("psnr")));
  EXPECT_TRUE(std::isnan(values.at("nmi")));
  EXPECT_EQ(notes, std::vector<std::string>{"the second image holds 1 values that are not finite"});
}

TEST(Compare, DifferentShapesAreRefused) {
  EXPECT_THROW(compare_images(ramp({1, 12, 12}), ramp({3, 12, 12}), find_protocol("authors")), ShapeError);
}

TEST(Measure, TakesWhatTheSampleHolds) {
  Sample sample;
  sample.code = at::zeros({1, 4, 2, 2});
  sample.code.select(1, 0).fill_(1);
  sample.features = ramp({1, 3, 2, 2});
  sample.coded_features = sample.features * 0.5;
  const auto values = measure(sample, find_protocol("sound"));
  EXPECT_EQ(values.size(), 4u);
  EXPECT_EQ(values.at("nnz"), 1);
  EXPECT_EQ(values.at("zero_fraction"), 0.75);
  EXPECT_NEAR(values.at("hoyer"), 1, 1e-12);
  EXPECT_NEAR(values.at("fit_error"), 0.25, 1e-6);
}

}  // namespace
}  // namespace sscvae::metrics
