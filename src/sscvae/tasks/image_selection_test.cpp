#include "sscvae/tasks/image_selection.h"

#include <gtest/gtest.h>

#include "sscvae/core/atomic_file.h"
#include "sscvae/core/error.h"
#include "sscvae/image/synthetic.h"
#include "support/paths.h"

namespace sscvae::tasks {
namespace {

class SelectedFolders : public ::testing::Test {
 protected:
  void add(const std::string& name) {
    create_folder((folder_ / name).parent_path());
    image::write_image(folder_ / name, image::dead_leaves(1, 8, 8, 1));
  }
  /// The paths that weights trained on these data take from the folder when only it is named.
  std::vector<std::string> paths(const data::DataOptions& trained, ImageSelection selection = {}) const {
    selection.data = folder_.path().string();
    return select_images(selection, trained, "test").paths;
  }
  testing::TemporaryFolder folder_;
};

TEST_F(SelectedFolders, OfAnotherLayoutAreTakenAsTheyAre) {
  add("a.png");
  add("deep/b.png");
  for (const std::string dataset : {"ultrasound", "bsds500", "mini-imagenet"}) {
    data::DataOptions trained;
    trained.dataset = dataset;
    ::testing::internal::CaptureStderr();
    EXPECT_EQ(paths(trained).size(), 2u) << dataset;
    const std::string said = ::testing::internal::GetCapturedStderr();
    EXPECT_NE(said.find("not the layout of dataset '" + dataset + "'"), std::string::npos) << said;
    ImageSelection told;
    told.dataset = dataset == "ultrasound" ? "bsds500" : "ultrasound";
    EXPECT_THROW(paths(trained, told), IoError) << "what was asked for is not replaced";
  }
}

TEST_F(SelectedFolders, OfOtherFilesThanTheTableNames) {
  add("a.png");
  const testing::TemporaryFolder other;
  write_atomically(other / "split.csv", "path,part,group\nx.png,test,\ny.png,test,\n");
  data::DataOptions trained;
  trained.split = data::SplitRule::kManifest;
  trained.manifest = (other / "split.csv").string();
  EXPECT_EQ(paths(trained), std::vector<std::string>{"a.png"});
  add("x.png");
  EXPECT_THROW(paths(trained), IoError) << "the dataset, of which a file is missing";
  add("y.png");
  EXPECT_EQ(paths(trained), (std::vector<std::string>{"x.png", "y.png"}));
}

TEST_F(SelectedFolders, OfTheRememberedLayoutKeepTheirParts) {
  for (const char* name : {"train/a.png", "val/b.png", "test/c.png"}) add(name);
  data::DataOptions trained;
  trained.dataset = "bsds500";
  EXPECT_EQ(paths(trained), std::vector<std::string>{"test/c.png"});
}

TEST_F(SelectedFolders, WithoutImagesAreRefused) {
  data::DataOptions trained;
  trained.dataset = "bsds500";
  EXPECT_THROW(paths(trained), IoError);
}

}  // namespace
}  // namespace sscvae::tasks
