#include "sscvae/data/registry.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "sscvae/core/atomic_file.h"
#include "sscvae/core/error.h"
#include "sscvae/core/random.h"
#include "sscvae/core/text.h"
#include "sscvae/data/paths.h"
#include "sscvae/data/test_images.h"
#include "support/paths.h"

namespace sscvae::data {
namespace {

using testing::TemporaryFolder;
using Names = std::vector<std::string>;

DataOptions options_for(const std::string& dataset, const std::filesystem::path& root) {
  DataOptions options;
  options.dataset = dataset;
  options.root = root.string();
  return options;
}

template <class Kind>
std::string failure_of_dataset(const DataOptions& options) {
  try {
    make_manifest(options);
  } catch (const Kind& error) {
    return error.what();
  } catch (const std::exception& error) {
    return std::string("another error: ") + error.what();
  }
  return "no error";
}

TEST(Registry, entries_say_what_they_are) {
  EXPECT_EQ(dataset_names(), (Names{"folder", "ultrasound", "bsds500", "mini-imagenet"}));
  for (const DatasetEntry& entry : dataset_entries()) {
    EXPECT_FALSE(entry.summary.empty() || entry.source.empty() || entry.layout.empty()) << entry.name;
    EXPECT_EQ(&find_dataset(entry.name), &entry);
  }
  EXPECT_THROW(find_dataset("bsds5000"), UsageError);
}

TEST(Folder, is_shuffled_as_a_sorted_list) {
  const TemporaryFolder folder;
  Names names;
  for (int i = 0; i < 10; ++i) {
    names.push_back(format("%s/%d.png", i < 5 ? "a" : "b", i));
    test::put_image(folder / names.back());
  }
  test::put_text(folder / "readme.txt", "x");
  const DataOptions options = options_for("folder", folder.path());
  const SplitManifest manifest = make_manifest(options);
  SplitNames expected = authors_split(names, 1, 0.8, 0.1);
  std::sort(expected.train.begin(), expected.train.end());
  EXPECT_EQ(manifest.paths("train"), expected.train);
  EXPECT_EQ(manifest.paths("val"), expected.val);
  EXPECT_EQ(manifest.paths("test"), expected.test);
  EXPECT_EQ(manifest.rows[0].group, manifest.rows[0].path.substr(0, 1));
  EXPECT_EQ(require_part(manifest, "val", options), expected.val);
}

TEST(Folder, subfolders_can_be_the_official_split) {
  const TemporaryFolder folder;
  for (const char* name : {"train/x/1.png", "train/2.png", "val/3.png", "other/4.png"}) test::put_image(folder / name);
  DataOptions options = options_for("folder", folder.path());
  const SplitManifest manifest = make_manifest(options);
  EXPECT_EQ(manifest.csv(), "path,part,group\ntrain/2.png,train,\ntrain/x/1.png,train,x\nval/3.png,val,\n");
  EXPECT_THROW(require_part(manifest, "test", options), UsageError);
  options.split = SplitRule::kAuthors;
  EXPECT_EQ(make_manifest(options).counts(), "train 3, val 0, test 1");
  options.split = SplitRule::kAll;
  EXPECT_EQ(make_manifest(options).counts(), "all 4");
  EXPECT_EQ(make_manifest(options).paths("val").size(), 4U);
}

TEST(Folder, test_images_in_folders_of_any_usual_name_are_not_trained_on) {
  const std::vector<std::vector<std::string>> layouts{{"Train", "Val", "Test"},
                                                      {"training", "validation", "testing"},
                                                      {"photos/TRAIN", "photos/valid", "photos/Test_Set"}};
  for (const std::vector<std::string>& names : layouts) {
    const TemporaryFolder folder;
    for (int i = 0; i < 12; ++i) test::put_image(folder / names[i < 6 ? 0 : i < 8 ? 1 : 2] / format("%d.png", i));
    DataOptions options = options_for("folder", folder.path());
    ::testing::internal::CaptureStderr();
    const SplitManifest manifest = make_manifest(options);
    EXPECT_EQ(manifest.counts(), "train 6, val 2, test 4") << names[0];
    EXPECT_NE(::testing::internal::GetCapturedStderr().find(names[0] + "/"), std::string::npos);
    for (const std::string& path : manifest.paths("test")) EXPECT_TRUE(path.starts_with(names[2])) << path;
    options.split = SplitRule::kAuthors;
    ::testing::internal::CaptureStderr();
    make_manifest(options);
    EXPECT_NE(::testing::internal::GetCapturedStderr().find("split again"), std::string::npos);
  }
}

TEST(Folder, limits_and_sizes_filter) {
  const TemporaryFolder folder;
  for (int i = 0; i < 20; ++i) test::put_image(folder / format("%02d.png", i), 8 + i, 30);
  DataOptions options = options_for("folder", folder.path());
  options.min_size = 10;
  EXPECT_EQ(make_manifest(options).counts(), "train 14, val 1, test 3");
  options.limit = 2;
  EXPECT_EQ(make_manifest(options).counts(), "train 2, val 1, test 2");
  options.min_size = 31;
  EXPECT_EQ(failure_of_dataset<UsageError>(options),
            "data.min_size = 31 leaves none of the 20 images in " + options.root);
  options.min_size = 0;
  options.split = SplitRule::kAll;
  EXPECT_EQ(make_manifest(options).paths("train"), (Names{"00.png", "01.png"}));
}

TEST(Folder, limit_takes_a_random_subset_of_a_shuffled_split) {
  const TemporaryFolder folder;
  Names names;
  for (int i = 0; i < 20; ++i) test::put_image(folder / names.emplace_back(format("%02d.png", i)));
  DataOptions options = options_for("folder", folder.path());
  options.limit = 3;
  const Names shuffled = authors_split(names, 1, 0.8, 0.1).train;
  Names expected(shuffled.begin(), shuffled.begin() + 3);
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(make_manifest(options).paths("train"), expected);
}

TEST(Registry, errors_come_before_any_work) {
  const TemporaryFolder folder;
  EXPECT_EQ(failure_of_dataset<UsageError>(options_for("folder", "")),
            "data.root is not set: expected the folder of the images of dataset 'folder'");
  EXPECT_EQ(failure_of_dataset<IoError>(options_for("folder", folder / "none")),
            "data.root: no such folder: " + (folder / "none").string());
  EXPECT_EQ(failure_of_dataset<IoError>(options_for("folder", folder.path())),
            folder.path().string() + ": no images (.png, .jpg, .jpeg) for dataset 'folder'; found: nothing");
  test::put_text(folder / "file.txt", "x");
  EXPECT_EQ(failure_of_dataset<IoError>(options_for("folder", folder / "file.txt")),
            "data.root: expected a folder, found a file: " + (folder / "file.txt").string());
  EXPECT_EQ(failure_of_dataset<IoError>(options_for("bsds500", folder.path())),
            folder.path().string() +
                ": expected the layout of dataset 'bsds500': train/*.jpg, val/*.jpg, test/*.jpg; found: file.txt" +
                kOtherImages);
  EXPECT_EQ(failure_of_dataset<IoError>(options_for("ultrasound", folder.path())),
            folder.path().string() +
                ": expected the layout of dataset 'ultrasound': <organ>/high_quality/*.png; found: file.txt" +
                kOtherImages);
  EXPECT_EQ(failure_of_dataset<IoError>(options_for("mini-imagenet", folder.path())),
            folder.path().string() +
                ": expected the layout of dataset 'mini-imagenet': images/*.jpg, train.csv, val.csv, "
                "test.csv; found: file.txt" +
                kOtherImages);
  DataOptions options = options_for("folder", folder.path());
  options.manifest = "x.csv";
  EXPECT_NE(failure_of_dataset<UsageError>(options).find("has no effect"), std::string::npos);
  options.manifest = "";
  options.split = SplitRule::kManifest;
  EXPECT_NE(failure_of_dataset<UsageError>(options).find("needs data.manifest"), std::string::npos);
}

TEST(Manifest, is_taken_back) {
  const TemporaryFolder folder;
  for (int i = 0; i < 10; ++i) test::put_image(folder / format("images/%d.png", i));
  DataOptions options = options_for("folder", folder / "images");
  const SplitManifest first = make_manifest(options);
  options.manifest = (folder / "split.csv").string();
  options.split = SplitRule::kManifest;
  write_manifest(options.manifest, first);
  EXPECT_EQ(make_manifest(options).hash(), first.hash());
  test::put_text(options.manifest, "path,part\n1.png,train\n77.png,val\n");
  EXPECT_EQ(failure_of_dataset<IoError>(options),
            options.manifest + ": 1 of 2 files is not in " + options.root + ": 77.png");
}

TEST(Ultrasound, one_shuffle_over_all_organs_equals_the_published_lists) {
  std::ifstream file(testing::parity_folder() / "noise/splits.json");
  const auto expected = nlohmann::json::parse(file).at("ultrasound_split_seed1_0.8_0.1");
  const TemporaryFolder folder;
  Names lists[3];
  const char* parts[3] = {"train", "val", "test"};
  for (int part = 0; part < 3; ++part) {
    for (const std::string name : expected.at(parts[part])) {
      const size_t slash = name.find('/');
      lists[part].push_back(name.substr(0, slash) + "/high_quality" + name.substr(slash));
      test::put_image(folder / lists[part].back());
      test::put_image(folder / (name.substr(0, slash) + "/low_quality" + name.substr(slash)));
    }
    std::sort(lists[part].begin(), lists[part].end());
  }
  const SplitManifest manifest = make_manifest(options_for("ultrasound", folder.path()));
  for (int part = 0; part < 3; ++part) EXPECT_EQ(manifest.paths(parts[part]), lists[part]);
  EXPECT_EQ(manifest.rows[0].group, "breast");
  DataOptions low = options_for("ultrasound", folder.path());
  low.quality = "low_quality";
  EXPECT_EQ(make_manifest(low).counts(), "train 20, val 2, test 3");
}

TEST(Ultrasound, organs_without_the_quality_are_left_out) {
  const TemporaryFolder folder;
  test::put_image(folder / "liver/high_quality/1.png");
  test::put_image(folder / "kidney/low_quality/1.png");
  DataOptions options = options_for("ultrasound", folder.path());
  options.split = SplitRule::kAll;
  EXPECT_EQ(make_manifest(options).paths("all"), Names{"liver/high_quality/1.png"});
}

TEST(Bsds500, authors_rule_shuffles_by_file_name) {
  const TemporaryFolder folder;
  Names names;
  for (int i = 0; i < 10; ++i) {
    names.push_back(format("%s/%d.png", i % 3 == 0 ? "val" : i % 3 == 1 ? "train" : "test", i));
    test::put_image(folder / names.back());
  }
  DataOptions options = options_for("bsds500", folder.path());
  EXPECT_EQ(make_manifest(options).counts(), "train 3, val 4, test 3");
  options.split = SplitRule::kAuthors;
  const SplitManifest manifest = make_manifest(options);
  const SplitNames expected = authors_split(names, 1, 0.8, 0.1);
  EXPECT_EQ(manifest.paths("val"), expected.val);
  EXPECT_EQ(manifest.paths("test"), expected.test);
}

class MiniImagenet : public ::testing::Test {
 protected:
  MiniImagenet() {
    for (int i = 0; i < 4; ++i) test::put_image(folder_ / format("images/%d.jpg", i));
    put("train", "0.jpg,n1\n1.jpg,n2\n");
    put("val", "2.jpg,n3\n");
    put("test", "3.jpg,n4\n");
  }
  void put(const std::string& part, const std::string& rows) {
    test::put_text(folder_ / (part + ".csv"), "filename,label\n" + rows);
  }
  TemporaryFolder folder_;
  DataOptions options_ = options_for("mini-imagenet", folder_.path());
};

TEST_F(MiniImagenet, tables_are_the_official_split) {
  EXPECT_EQ(
      make_manifest(options_).csv(),
      "path,part,group\nimages/0.jpg,train,n1\nimages/1.jpg,train,n2\nimages/2.jpg,val,n3\nimages/3.jpg,test,n4\n");
}

TEST_F(MiniImagenet, wrong_tables_are_refused) {
  put("val", "2.jpg,n3\n8.jpg,n3\n9.jpg,n3\n");
  EXPECT_EQ(failure_of_dataset<IoError>(options_), (folder_ / "val.csv").string() + ": 2 of 3 files are not in " +
                                                       options_.root + ": images/8.jpg, images/9.jpg");
  put("val", "2.jpg,n3\n0.jpg,n3\n");
  EXPECT_EQ(failure_of_dataset<FormatError>(options_),
            options_.root + ": 'images/0.jpg' occurs twice in train.csv, val.csv and test.csv");
  put("val", "../../x.jpg,n3\n");
  EXPECT_NE(failure_of_dataset<FormatError>(options_).find("val.csv:2: '../../x.jpg' lies outside"), std::string::npos);
  put("val", "2.jpg\n");
  EXPECT_EQ(failure_of_dataset<FormatError>(options_), (folder_ / "val.csv").string() + ":2: 1 cells, expected 2");
  test::put_text(folder_ / "val.csv", "name,label\n");
  EXPECT_EQ(failure_of_dataset<FormatError>(options_),
            (folder_ / "val.csv").string() + ": no column 'filename'; the header has: name, label");
}

TEST(RealData, has_the_published_counts) {
  SSCVAE_SKIP_WITHOUT_DATA("bsds500");
  const std::filesystem::path data = testing::data_folder();
  const SplitManifest ultrasound = make_manifest(options_for("ultrasound", data / "ultrasound"));
  EXPECT_EQ(ultrasound.counts(), "train 748, val 93, test 95");
  std::set<std::string> organs;
  for (const ManifestRow& row : ultrasound.rows) organs.insert(row.group);
  EXPECT_EQ(organs, (std::set<std::string>{"breast", "carotid", "fetal_head"}));
  DataOptions bsds = options_for("bsds500", data / "bsds500");
  EXPECT_EQ(make_manifest(bsds).counts(), "train 200, val 100, test 200");
  bsds.split = SplitRule::kAuthors;
  EXPECT_EQ(make_manifest(bsds).counts(), "train 400, val 50, test 50");
  const DataOptions mini = options_for("mini-imagenet", data / "mini_imagenet_sample");
  EXPECT_EQ(make_manifest(mini).paths("all").size(), 100U);
}

TEST(FindManifest, KnowsTheSplitsThatComeWithTheProgram) {
  const testing::TemporaryFolder folder;
  create_folder(folder / "splits");
  write_atomically(folder / "splits/shipped.csv", "path,part,group\n");
  ::setenv("SSCVAE_MODELS", folder.path().c_str(), 1);
  EXPECT_EQ(find_manifest("splits/shipped.csv"), (folder / "splits/shipped.csv").string());
  EXPECT_EQ(find_manifest("elsewhere/shipped.csv"), (folder / "splits/shipped.csv").string());
  EXPECT_EQ(find_manifest("other.csv"), "other.csv");
  const std::string own = (folder / "splits/shipped.csv").string();
  ::unsetenv("SSCVAE_MODELS");
  EXPECT_EQ(find_manifest(own), own);
}

}  // namespace
}  // namespace sscvae::data
