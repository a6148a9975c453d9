#include "sscvae/data/split.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "sscvae/core/atomic_file.h"
#include "sscvae/core/error.h"
#include "sscvae/core/text.h"
#include "support/paths.h"

namespace sscvae::data {
namespace {

using testing::TemporaryFolder;
using Names = std::vector<std::string>;

Names numbered(int count) {
  Names names;
  for (int i = 0; i < count; ++i) names.push_back(format("img_%04d.png", i));
  return names;
}

std::string failure_of_manifest(const std::string& text) {
  try {
    parse_manifest(text, "m.csv");
  } catch (const FormatError& error) {
    return error.what();
  }
  return "no error";
}

TEST(AuthorsSplit, equals_the_published_lists) {
  std::ifstream file(testing::parity_folder() / "noise/splits.json");
  const auto splits = nlohmann::json::parse(file).at("splits");
  ASSERT_EQ(splits.size(), 4U);
  for (const auto& [key, expected] : splits.items()) {
    int n = 0, seed = 0;
    double train = 0, val = 0;
    ASSERT_EQ(std::sscanf(key.c_str(), "n=%d,seed=%d,train=%lf,val=%lf", &n, &seed, &train, &val), 4);
    const SplitNames split = authors_split(numbered(n), seed, train, val);
    EXPECT_EQ(split.train, expected.at("train").get<Names>()) << key;
    EXPECT_EQ(split.val, expected.at("val").get<Names>()) << key;
    EXPECT_EQ(split.test, expected.at("test").get<Names>()) << key;
  }
}

TEST(AuthorsSplit, cuts_off_fractions) {
  const SplitNames paper = authors_split(numbered(1050), 1, 0.8, 0.1);
  EXPECT_EQ(paper.train.size(), 840U);
  EXPECT_EQ(paper.val.size(), 105U);
  EXPECT_EQ(paper.test.size(), 105U);
  const SplitNames odd = authors_split(numbered(97), 1, 0.8, 0.1);
  EXPECT_EQ(odd.train.size(), 77U);
  EXPECT_EQ(odd.val.size(), 9U);
  EXPECT_EQ(odd.test.size(), 11U);
  EXPECT_TRUE(authors_split({}, 1, 0.8, 0.1).test.empty());
  EXPECT_EQ(authors_split(numbered(3), 1, 0.7, 0.3).train.size(), 2U);
}

TEST(AuthorsSplit, refuses_senseless_ratios) {
  EXPECT_THROW(authors_split(numbered(3), -1, 0.8, 0.1), UsageError);
  EXPECT_THROW(authors_split(numbered(3), 1, 0.8, 0.3), UsageError);
  EXPECT_THROW(authors_split(numbered(3), 1, -0.1, 0.3), UsageError);
  EXPECT_THROW(authors_split(numbered(3), 1, std::nan(""), 0.3), UsageError);
}

TEST(SplitManifest, rows_are_canonical_and_belong_to_parts) {
  const SplitManifest manifest = parse_manifest(
      "part,path,group\r\ntest,z.png,g\r\nall,y.png,\r\ntrain,\"b,1.png\",g\r\ntrain,./a//c.png,h\r\n", "m.csv");
  EXPECT_EQ(manifest.csv(), "path,part,group\na/c.png,train,h\n\"b,1.png\",train,g\nz.png,test,g\ny.png,all,\n");
  EXPECT_EQ(manifest.paths("train"), (Names{"a/c.png", "b,1.png", "y.png"}));
  EXPECT_EQ(manifest.paths("val"), (Names{"y.png"}));
  EXPECT_EQ(manifest.paths("all").size(), 4U);
}

TEST(SplitManifest, goes_through_a_file_unchanged) {
  const TemporaryFolder folder;
  SplitManifest manifest{{{"b \"x\".png", "val", "g,1"}, {"a.png", "val", ""}, {"c.png", "train", "g"}}};
  write_manifest(folder / "split.csv", manifest);
  const SplitManifest back = read_manifest(folder / "split.csv");
  manifest.sort();
  EXPECT_EQ(back.rows, manifest.rows);
  EXPECT_EQ(back.hash(), manifest.hash());
  EXPECT_EQ(back.counts(), "train 1, val 2, test 0");
  write_atomically(folder / "no_group.csv", "path,part\na.png,val\n");
  EXPECT_EQ(read_manifest(folder / "no_group.csv").rows, (std::vector<ManifestRow>{{"a.png", "val", ""}}));
  EXPECT_THROW(read_manifest(folder / "none.csv"), IoError);
}

TEST(SplitManifest, hash_is_that_of_the_canonical_text) {
  const SplitManifest manifest{{{"a.png", "train", "g"}}};
  // printf 'path,part,group\na.png,train,g\n' | sha256sum
  EXPECT_EQ(manifest.hash(), "32c6260bfccaac4c6694df75fc459822dff3dfbe6cdb8281e66e240321fb7b64");
  EXPECT_NE(manifest.hash(), (SplitManifest{{{"a.png", "val", "g"}}}).hash());
}

TEST(SplitManifest, damaged_tables_are_named_with_their_line) {
  EXPECT_EQ(failure_of_manifest(""), "m.csv: empty, expected a header 'path,part,group'");
  EXPECT_EQ(failure_of_manifest("path,part,group\n"), "m.csv: no rows behind the header");
  EXPECT_EQ(failure_of_manifest("file,part\na,train\n"), "m.csv: no column 'path'; the header has: file, part");
  EXPECT_EQ(failure_of_manifest("path,part\na,training\n"),
            "m.csv:2: unknown part 'training', expected train, val, test or all");
  EXPECT_EQ(failure_of_manifest("path,part\na,val\nb,val\n./a,test\n"), "m.csv:4: 'a' occurs twice");
  EXPECT_EQ(failure_of_manifest("path,part\na,val,x\n"), "m.csv:2: 3 cells, expected 2");
  EXPECT_EQ(failure_of_manifest("path,part\n,val\n"), "m.csv:2: no valid path");
  for (const std::string path : {"../a.png", "x/../../a.png", "/etc/a.png", ".."})
    EXPECT_EQ(failure_of_manifest("path,part\n" + path + ",val\n"),
              "m.csv:2: '" + path + "' lies outside the dataset's root, expected a path below it");
}

TEST(SplitManifest, every_truncation_is_read_or_refused) {
  const std::string text = "path,part,group\n\"a,\"\"1\"\".png\",train,\"g\n2\"\nb.png,val,h\n";
  size_t read = 0;
  for (size_t length = 0; length <= text.size(); ++length) {
    try {
      read += parse_manifest(text.substr(0, length), "m.csv").rows.empty() ? 0 : 1;
    } catch (const FormatError&) {
    }
  }
  EXPECT_GE(read, 3U);
  EXPECT_LT(read, text.size());
}

TEST(SpreadSelection, covers_the_whole_list) {
  const Names names = numbered(10);
  EXPECT_EQ(spread_selection(names, 0), names);
  EXPECT_EQ(spread_selection(names, 10), names);
  EXPECT_EQ(spread_selection(names, 3), (Names{names[0], names[3], names[6]}));
}

}  // namespace
}  // namespace sscvae::data
