#include <gtest/gtest.h>
#include <torch/types.h>

#include <filesystem>
#include <map>

#include "sscvae/data/split.h"
#include "sscvae/image/image.h"
#include "sscvae/nn/arrays.h"
#include "support/paths.h"

/// No image that a number is reported on was trained on or chosen with, by its pixels.
namespace sscvae::data {
namespace {

namespace fs = std::filesystem;

constexpr double kSameImage =
    2.0 / 255;  // mean difference of two files of one photograph; others differ by 10 and more

at::Tensor grey(const fs::path& path) { return image::to_array(image::with_channels(image::read_image(path), 1)); }

std::vector<fs::path> files_in(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) files.push_back(entry.path());
  return files;
}

TEST(Leakage, TheBsds500SplitKeepsTheTestSetsApart) {
  SSCVAE_SKIP_WITHOUT_DATA("bsds500");
  SSCVAE_SKIP_WITHOUT_DATA("testsets");
  const SplitManifest split = read_manifest(testing::source_folder() / "models/splits/bsds500.csv");
  EXPECT_EQ(split.counts(), "train 200, val 32, test 200");
  std::vector<std::pair<std::string, at::Tensor>> used;
  for (const char* part : {"train", "val"})
    for (const std::string& path : split.paths(part))
      used.emplace_back(path, grey(testing::data_folder() / "bsds500" / path));
  for (const char* set : {"BSD68", "CBSD68", "Set12"})
    for (const fs::path& path : files_in(testing::data_folder() / "testsets" / set)) {
      const at::Tensor reported = grey(path);
      for (const auto& [name, image] : used) {
        if (image.sizes() != reported.sizes()) continue;
        EXPECT_GT((image - reported).abs().mean().item<double>(), kSameImage) << path << " is " << name;
      }
    }
  std::map<std::string, std::string> parts;
  for (const ManifestRow& row : split.rows) EXPECT_TRUE(parts.emplace(row.path, row.part).second) << row.path;
}

/// 32 x 32 means of blocks.
at::Tensor thumbnail(const fs::path& path) { return at::adaptive_avg_pool2d(grey(path), {32, 32}); }

TEST(Leakage, TheUltrasoundSplitKeepsOrgansAndCopiesApart) {
  SSCVAE_SKIP_WITHOUT_DATA("ultrasound");
  const SplitManifest split = read_manifest(testing::source_folder() / "models/splits/ultrasound.csv");
  std::vector<std::pair<std::string, at::Tensor>> used;
  for (const char* part : {"train", "val"})
    for (const std::string& path : split.paths(part)) {
      EXPECT_FALSE(path.starts_with("carotid")) << path;
      used.emplace_back(path, thumbnail(testing::data_folder() / "ultrasound" / path));
    }
  EXPECT_GT(used.size(), 600u);
  size_t unseen = 0;
  for (const std::string& path : split.paths("test")) {
    unseen += path.starts_with("carotid");
    const at::Tensor reported = thumbnail(testing::data_folder() / "ultrasound" / path);
    for (const auto& [name, image] : used)
      EXPECT_GT((image - reported).abs().mean().item<double>(), kSameImage) << path << " is " << name;
  }
  EXPECT_GT(unseen, 80u);
}

}  // namespace
}  // namespace sscvae::data
