#include "sscvae/data/part_folders.h"

#include <gtest/gtest.h>

namespace sscvae::data {
namespace {

SplitManifest listed(const std::vector<std::string>& paths) {
  SplitManifest manifest;
  for (const std::string& path : paths) manifest.rows.push_back({path, "", ""});
  return manifest;
}

std::vector<std::string> parts_and_groups(const std::vector<std::string>& paths) {
  SplitManifest manifest = listed(paths);
  assign_part_folders(manifest);
  std::vector<std::string> result;
  for (const ManifestRow& row : manifest.rows) result.push_back(row.part + ':' + row.group);
  return result;
}

using Texts = std::vector<std::string>;

TEST(PartFolders, are_known_by_their_usual_names_in_any_case) {
  for (const char* name : {"train", "Train", "TRAINING", "train_set", "Training Images", "trainset", "training.data"})
    EXPECT_EQ(part_of_folder(name), "train") << name;
  for (const char* name : {"val", "Valid", "validation", "Validation-Set", "dev"})
    EXPECT_EQ(part_of_folder(name), "val") << name;
  for (const char* name : {"test", "Test", "testing", "TEST_IMAGES", "testset"})
    EXPECT_EQ(part_of_folder(name), "test") << name;
  for (const char* name : {"", "trains", "images", "set", "dataset", "latest", "value", "testament", "train1"})
    EXPECT_EQ(part_of_folder(name), "") << name;
}

TEST(PartFolders, lie_right_below_the_root) {
  EXPECT_EQ(parts_and_groups({"Train/a/1.png", "Validation/test/2.png", "TEST/3.png", "other/train/4.png", "5.png"}),
            (Texts{"train:a", "val:test", "test:", ":other/train", ":"}));
}

TEST(PartFolders, lie_deeper_where_there_are_training_images_and_others) {
  EXPECT_EQ(parts_and_groups({"cats/train/1.png", "cats/testing/x/2.png", "dogs/3.png"}),
            (Texts{"train:cats", "test:cats/x", ":dogs"}));
  EXPECT_EQ(parts_and_groups({"cats/test/1.png", "dogs/test/2.png"}), (Texts{":cats/test", ":dogs/test"}));
  EXPECT_EQ(parts_and_groups({"cats/train/1.png", "dogs/2.png"}), (Texts{":cats/train", ":dogs"}));
}

TEST(PartFolders, are_named_where_their_names_are_not_the_usual_ones) {
  SplitManifest plain = listed({"train/1.png", "val/2.png", "test/3.png"});
  EXPECT_EQ(assign_part_folders(plain), Texts{});
  SplitManifest others = listed({"Train/1.png", "Train/x/2.png", "val/3.png", "testing/4.png"});
  EXPECT_EQ(assign_part_folders(others), (Texts{"Train/", "testing/"}));
  SplitManifest deep = listed({"a/train/1.png", "a/test/2.png"});
  EXPECT_EQ(assign_part_folders(deep), (Texts{"a/test/", "a/train/"}));
}

}  // namespace
}  // namespace sscvae::data
