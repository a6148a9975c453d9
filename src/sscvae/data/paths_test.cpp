#include "sscvae/data/paths.h"

#include <gtest/gtest.h>

#include "sscvae/core/error.h"
#include "sscvae/data/test_images.h"
#include "support/paths.h"

namespace sscvae::data {
namespace {

using testing::TemporaryFolder;

TEST(Paths, content_is_sorted_without_hidden_files) {
  const TemporaryFolder folder;
  test::put_text(folder / "b.txt", "x");
  test::put_text(folder / "a/c.txt", "x");
  test::put_text(folder / ".hidden", "x");
  EXPECT_EQ(folder_content(folder.path()), (std::vector<std::string>{"a/", "b.txt"}));
  EXPECT_THROW(folder_content(folder / "none"), IoError);
}

TEST(Paths, the_first_missing_files_are_named) {
  const TemporaryFolder folder;
  test::put_text(folder / "here", "x");
  EXPECT_NO_THROW(check_files_exist(folder.path(), {"here"}, "t"));
  try {
    check_files_exist(folder.path(), {"1", "here", "2", "3", "4", "5", "6"}, "t.csv");
    FAIL();
  } catch (const IoError& error) {
    EXPECT_EQ(std::string(error.what()),
              "t.csv: 6 of 7 files are not in " + folder.path().string() + ": 1, 2, 3, 4, 5 and 1 more");
  }
  try {
    check_files_exist(folder.path(), {"1", "2"}, "t.csv");
    FAIL();
  } catch (const IoError& error) {
    EXPECT_NE(std::string(error.what()).find("--dataset folder"), std::string::npos) << error.what();
  }
  EXPECT_EQ(some_names({}), "nothing");
}

TEST(Paths, must_stay_below_the_root) {
  EXPECT_NO_THROW(check_relative_path("a/b..c/d.png", "t"));
  for (const std::string& path : {std::string(), std::string("/a"), std::string("a/../b"), std::string("a\0b", 3)})
    EXPECT_THROW(check_relative_path(path, "t"), FormatError) << path;
}

}  // namespace
}  // namespace sscvae::data
