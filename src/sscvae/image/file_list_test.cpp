#include "sscvae/image/file_list.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "sscvae/core/error.h"
#include "sscvae/core/output_files.h"
#include "support/paths.h"

namespace sscvae::image {
namespace {

namespace fs = std::filesystem;

class FileList : public ::testing::Test {
 protected:
  FileList() {
    for (const char* name : {"b.png", "a.JPG", "note.txt", ".hidden.png", "liver/2/x.png", "liver/10.jpeg",
                             "liver-b/y.png", ".git/z.png"}) {
      fs::create_directories((folder_ / name).parent_path());
      std::ofstream(folder_ / name) << name;
    }
  }
  std::vector<std::string> relatives(const std::vector<std::string>& inputs) const {
    std::vector<std::string> names;
    for (const InputFile& file : expand_inputs(inputs)) {
      EXPECT_TRUE(fs::exists(file.path)) << file.path;
      names.push_back(file.relative.generic_string());
    }
    return names;
  }
  std::string at(const std::string& name) const { return (folder_ / name).string(); }
  sscvae::testing::TemporaryFolder folder_;
};
using Names = std::vector<std::string>;

TEST_F(FileList, FindsImagesAtAnyDepthSorted) {
  Names names;
  for (const fs::path& path : find_images(folder_.path())) names.push_back(path.generic_string());
  EXPECT_EQ(names, (Names{"a.JPG", "b.png", "liver-b/y.png", "liver/10.jpeg", "liver/2/x.png"}));
  EXPECT_EQ(find_images(at("b.png")), (std::vector<fs::path>{"b.png"}));
  EXPECT_THROW(find_images(at("absent")), IoError);
}

TEST_F(FileList, LinksAreFollowedAndNoFolderTwice) {
  const sscvae::testing::TemporaryFolder elsewhere;
  fs::create_directories(elsewhere / "deep");
  std::ofstream(elsewhere / "deep" / "far.png") << "x";
  fs::create_directory_symlink(folder_.path(), elsewhere / "deep" / "back");  // a circle through both
  fs::create_directory_symlink(folder_.path(), folder_ / "loop");
  fs::create_directory_symlink(folder_ / "liver", folder_ / "a-link-before-liver");
  fs::create_directory_symlink(elsewhere.path(), folder_ / "second");
  fs::create_directory_symlink(elsewhere.path(), folder_ / "third");
  fs::create_symlink(at("b.png"), folder_ / "c.png");
  EXPECT_EQ(relatives({folder_.path().string()}), (Names{"a.JPG", "b.png", "c.png", "liver-b/y.png", "liver/10.jpeg",
                                                         "liver/2/x.png", "second/deep/far.png"}));
}

TEST_F(FileList, PatternsFollowLinksAndEndInCircles) {
  fs::create_directory_symlink(folder_.path(), folder_ / "liver" / "loop");
  fs::create_directory_symlink(folder_ / "liver", folder_ / "organ");
  EXPECT_EQ(relatives({at("organ/*.jpeg")}), (Names{"10.jpeg"}));
  EXPECT_EQ(relatives({at("**/10.jpeg")}), (Names{"liver/10.jpeg", "organ/10.jpeg"}));
}

TEST_F(FileList, OtherFilesAreCountedByExtension) {
  for (const char* name : {"1.tif", "liver/2.TIF", "3.webp", "README"}) std::ofstream(folder_ / name) << "x";
  fs::create_symlink(at("nowhere.png"), folder_ / "dead.png");
  EXPECT_EQ(describe_left_out(folder_.path()), "2 .tif, 1 .txt, 1 .webp, 1 broken links, 1 without extension");
  ::testing::internal::CaptureStderr();
  find_images(folder_.path());
  EXPECT_NE(::testing::internal::GetCapturedStderr().find("2 .tif, 1 .txt, 1 .webp"), std::string::npos);
  fs::create_directories(folder_ / "scans");
  std::ofstream(folder_ / "scans" / "a.tiff") << "x";
  try {
    expand_inputs({at("scans")});
    FAIL() << "accepted";
  } catch (const IoError& error) {
    EXPECT_NE(std::string(error.what()).find("but 1 .tiff"), std::string::npos) << error.what();
  }
}

TEST_F(FileList, ExpandsFilesAndFoldersInTheOrderGiven) {
  EXPECT_EQ(relatives({at("liver"), at("note.txt"), at("b.png")}), (Names{"10.jpeg", "2/x.png", "note.txt", "b.png"}));
}

TEST_F(FileList, ExpandsPatterns) {
  EXPECT_EQ(relatives({at("*.png")}), (Names{"b.png"}));
  EXPECT_EQ(relatives({at("*")}), (Names{"a.JPG", "b.png"}));
  EXPECT_EQ(relatives({at("liver*/*.??g")}), (Names{"liver-b/y.png"}));
  EXPECT_EQ(relatives({at("**/*.png")}), (Names{"b.png", "liver-b/y.png", "liver/2/x.png"}));
  EXPECT_EQ(relatives({at("liver/**")}), (Names{"10.jpeg", "2/x.png"}));
  EXPECT_EQ(relatives({at("[ab].*")}), (Names{"a.JPG", "b.png"}));
  EXPECT_THROW(expand_inputs({at("*.tiff")}), IoError);
  EXPECT_THROW(expand_inputs({at("none/*.png")}), IoError);
}

TEST_F(FileList, ExistingNamesAreNotPatterns) {
  std::ofstream(folder_ / "[b].png") << "x";
  EXPECT_EQ(relatives({at("[b].png")}), (Names{"[b].png"}));
}

TEST_F(FileList, EachFileOnceAndNoTwoForOneName) {
  EXPECT_EQ(relatives({at("b.png"), at("*.png"), at("liver/../b.png")}), (Names{"b.png"}));
  std::ofstream(folder_ / "liver" / "b.png") << "x";
  EXPECT_THROW(expand_inputs({at("b.png"), at("liver")}), UsageError);
}

TEST_F(FileList, RecordedResultsAreLeftOutUnlessTheirFolderIsNamed) {
  record_results(folder_ / "liver", {"2/x.png"});
  EXPECT_EQ(relatives({at("liver")}), (Names{"10.jpeg", "2/x.png"}));
  EXPECT_EQ(relatives({at("liver/2")}), (Names{"x.png"}));
  Names all = relatives({at(".")});
  EXPECT_EQ(std::count(all.begin(), all.end(), "liver/2/x.png"), 0);
  EXPECT_EQ(std::count(all.begin(), all.end(), "liver/10.jpeg"), 1) << "what is no result stays an input";
  EXPECT_EQ(relatives({at("**/*.png")}), (Names{"b.png", "liver-b/y.png"}));
  EXPECT_EQ(relatives({at("liver/*/*.png")}), (Names{"2/x.png"}));
  EXPECT_THROW(expand_inputs({at("**/x.png")}), IoError);
}

TEST_F(FileList, NothingToFindIsAnError) {
  fs::create_directory(folder_ / "empty");
  EXPECT_THROW(expand_inputs({at("empty")}), IoError);
  EXPECT_THROW(expand_inputs({at("absent.png")}), IoError);
}

}  // namespace
}  // namespace sscvae::image
