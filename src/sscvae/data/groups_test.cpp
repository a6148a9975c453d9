#include "sscvae/data/groups.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "sscvae/core/error.h"
#include "sscvae/core/text.h"
#include "sscvae/data/registry.h"
#include "sscvae/data/test_images.h"
#include "support/paths.h"

namespace sscvae::data {
namespace {

using testing::TemporaryFolder;

/// 40 patients with 1 to 5 frames each: p07_2.png.
SplitManifest patients() {
  SplitManifest manifest;
  for (int patient = 0; patient < 40; ++patient)
    for (int frame = 0; frame <= patient % 5; ++frame)
      manifest.rows.push_back({format("p%02d_%d.png", patient, frame), "", ""});
  return manifest;
}

DataOptions by_pattern(const std::string& pattern) {
  DataOptions options;
  options.group_pattern = pattern;
  return options;
}

TEST(Groups, pattern_takes_the_first_capture_or_the_match) {
  SplitManifest manifest = patients();
  assign_groups(by_pattern("p([0-9]+)_"), manifest);
  EXPECT_EQ(manifest.rows.back().group, "39");
  assign_groups(by_pattern("p[0-9]+"), manifest);
  EXPECT_EQ(manifest.rows.back().group, "p39");
}

TEST(Groups, pattern_must_be_one_and_match_everything) {
  SplitManifest manifest = patients();
  EXPECT_THROW(assign_groups(by_pattern("p([0-9"), manifest), UsageError);
  try {
    assign_groups(by_pattern("p([1-9][0-9])"), manifest);
    FAIL() << "p00 to p09 do not match";
  } catch (const UsageError& error) {
    EXPECT_NE(std::string(error.what()).find("'p00_0.png'"), std::string::npos) << error.what();
  }
}

TEST(Groups, split_keeps_them_whole_and_meets_the_shares) {
  SplitManifest manifest = patients();
  const DataOptions options = by_pattern("p([0-9]+)_");
  assign_groups(options, manifest);
  split_by_groups(options, manifest);
  EXPECT_NO_THROW(refuse_straddling_groups(manifest));
  std::map<std::string, double> counts;
  for (const ManifestRow& row : manifest.rows) counts[row.part] += 1;
  const auto total = static_cast<double>(manifest.rows.size());
  EXPECT_NEAR(counts["train"] / total, 0.8, 5 / total);
  EXPECT_NEAR(counts["val"] / total, 0.1, 5 / total);

  SplitManifest again = patients(), other = patients();
  assign_groups(options, again);
  split_by_groups(options, again);
  EXPECT_EQ(again.rows, manifest.rows);
  DataOptions reseeded = options;
  reseeded.seed = 2;
  assign_groups(reseeded, other);
  split_by_groups(reseeded, other);
  EXPECT_NE(other.rows, manifest.rows);
}

TEST(Groups, straddling_is_named) {
  SplitManifest manifest;
  manifest.rows = {{"a.png", "train", "anna"}, {"b.png", "val", "bert"}, {"c.png", "test", "anna"}};
  try {
    refuse_straddling_groups(manifest);
    FAIL() << "anna is in train and test";
  } catch (const UsageError& error) {
    EXPECT_NE(std::string(error.what()).find("'anna' is in the parts train and test"), std::string::npos);
  }
}

TEST(Groups, a_dataset_is_split_by_the_table) {
  const TemporaryFolder folder;
  std::string table = "group,path\n";
  for (int i = 0; i < 12; ++i) {
    test::put_image(folder / format("images/%02d.png", i));
    table += format("patient %d,%02d.png\n", i / 3, i);
  }
  test::put_text(folder / "patients.csv", table);
  DataOptions options;
  options.root = (folder / "images").string();
  options.group_table = (folder / "patients.csv").string();
  options.split = SplitRule::kGrouped;
  options.train_ratio = 0.5;
  options.val_ratio = 0.25;
  const SplitManifest manifest = make_manifest(options);
  EXPECT_EQ(manifest.counts(), "train 6, val 3, test 3");
  EXPECT_NO_THROW(refuse_straddling_groups(manifest));

  options.split = SplitRule::kAuthors;  // images one by one
  EXPECT_THROW(make_manifest(options), UsageError);
  options.group_pattern = "x";
  EXPECT_THROW(make_manifest(options), UsageError);
  options.group_pattern.clear();
  test::put_text(folder / "patients.csv", "group,path\nanna,00.png\n");
  EXPECT_THROW(make_manifest(options), FormatError);
  test::put_text(folder / "patients.csv", "path\n00.png\n");
  EXPECT_THROW(make_manifest(options), FormatError);
}

TEST(Groups, without_a_rule_the_datasets_own_groups_are_kept_whole) {
  const TemporaryFolder folder;
  for (const char* organ : {"breast", "carotid", "fetal", "kidney", "liver"})
    for (int i = 0; i < 4; ++i) test::put_image(folder / format("%s/high_quality/%d.png", organ, i));
  DataOptions options;
  options.dataset = "ultrasound";
  options.root = folder.path().string();
  options.split = SplitRule::kGrouped;
  const SplitManifest manifest = make_manifest(options);
  EXPECT_EQ(manifest.counts(), "train 16, val 0, test 4");
}

TEST(Groups, one_group_cannot_be_split) {
  const TemporaryFolder folder;
  for (int i = 0; i < 20; ++i) test::put_image(folder / format("%02d.png", i));
  DataOptions options;
  options.root = folder.path().string();
  options.split = SplitRule::kGrouped;
  try {
    make_manifest(options);
    FAIL() << "all images are in the folder itself";
  } catch (const UsageError& error) {
    EXPECT_EQ(
        std::string(error.what()),
        "data.split = \"grouped\": 20 images in 1 group leave part val and part test empty; name smaller groups by "
        "data.group_pattern or data.group_table, or choose data.split = \"authors\"");
  }
  options.group_pattern = "[0-9]+";
  EXPECT_EQ(make_manifest(options).counts(), "train 16, val 2, test 2");
  options.group_pattern.clear();
  options.train_ratio = 1;
  options.val_ratio = 0;
  EXPECT_EQ(make_manifest(options).counts(), "train 20, val 0, test 0");
}

}  // namespace
}  // namespace sscvae::data
