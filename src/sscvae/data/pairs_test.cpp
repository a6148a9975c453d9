#include "sscvae/data/pairs.h"

#include <gtest/gtest.h>

#include "sscvae/array/elementwise.h"
#include "sscvae/array/reductions.h"
#include "sscvae/core/error.h"
#include "sscvae/core/text.h"
#include "sscvae/data/registry.h"
#include "sscvae/data/test_images.h"
#include "sscvae/data/training_batches.h"
#include "sscvae/image/synthetic.h"
#include "support/paths.h"

namespace sscvae::data {
namespace {

using testing::TemporaryFolder;

/// Four pairs in the ultrasound layout: high = low mirrored in value.
DataOptions make_pairs(const std::filesystem::path& root) {
  for (int i = 0; i < 4; ++i) {
    image::Image high = image::dead_leaves(static_cast<uint64_t>(i), 40, 36, 1), low = high;
    for (uint8_t& byte : low.bytes) byte = static_cast<uint8_t>(255 - byte);
    for (const char* quality : {"high_quality", "low_quality"})
      std::filesystem::create_directories(root / "breast" / quality);
    image::write_image(root / format("breast/high_quality/%d.png", i), high);
    image::write_image(root / format("breast/low_quality/%d.png", i), low);
  }
  DataOptions options;
  options.dataset = "ultrasound";
  options.root = root.string();
  options.split = SplitRule::kAll;
  options.patch_size = 24;
  return options;
}

template <class Kind>
std::string failure_of_pairs(const DataOptions& options, const std::vector<std::string>& paths) {
  try {
    open_pairs(options, paths, 1, 16);
  } catch (const Kind& error) {
    return error.what();
  } catch (const std::exception& error) {
    return std::string("another error: ") + error.what();
  }
  return "no error";
}

TEST(Pairs, batches_cut_the_same_window_of_both) {
  const TemporaryFolder folder;
  const DataOptions options = make_pairs(folder.path());
  const PairedStores stores = open_pairs(options, make_manifest(options).paths("train"), 1, 16);
  const TrainingBatches batches(*stores.inputs, *stores.targets, options, 4, 1);
  for (int64_t step = 0; step < 3; ++step) {
    const Batch batch = batches.at(step);
    EXPECT_LT(max(abs(batch.input + batch.target - 1)), 1e-6);
    EXPECT_FALSE(equal(batch.input, batch.target));
  }
  const TrainingBatches alone(*stores.targets, options, 4, 1, false);
  EXPECT_TRUE(equal(batches.at(1).target, alone.at(1).target));
}

TEST(Pairs, inputs_may_lie_in_a_folder_of_their_own) {
  const TemporaryFolder folder;
  DataOptions options = make_pairs(folder.path());
  options.dataset = "folder";
  options.root = (folder / "breast/high_quality").string();
  EXPECT_NE(failure_of_pairs<UsageError>(options, {"0.png"}).find("data.input_root"), std::string::npos);
  options.input_root = (folder / "breast/low_quality").string();
  EXPECT_EQ(open_pairs(options, {"0.png", "2.png"}, 1, 16).inputs->name(1), "2.png");
}

TEST(Pairs, missing_and_unequal_partners_are_named) {
  const TemporaryFolder folder;
  DataOptions options = make_pairs(folder.path());
  const std::vector<std::string> paths = make_manifest(options).paths("all");
  image::write_image(folder / "breast/low_quality/3.png", image::dead_leaves(1, 8, 8, 1));
  EXPECT_NE(failure_of_pairs<FormatError>(options, paths).find("low_quality/3.png"), std::string::npos);
  std::filesystem::remove(folder / "breast/low_quality/3.png");
  EXPECT_NE(failure_of_pairs<IoError>(options, paths).find("1 of 4 images to enhance is missing"), std::string::npos);
  options.input_quality = "high_quality";
  EXPECT_NE(failure_of_pairs<UsageError>(options, paths).find("data.input_quality"), std::string::npos);
}

TEST(Pairs, a_broken_half_takes_its_partner_along) {
  const TemporaryFolder folder;
  DataOptions options = make_pairs(folder.path());
  const std::vector<std::string> paths = make_manifest(options).paths("all");
  test::put_text(folder / "breast/low_quality/1.png", "no image");
  test::put_text(folder / "breast/high_quality/2.png", "no image");
  const PairedStores stores = open_pairs(options, paths, 1, 16);
  ASSERT_EQ(stores.targets->size(), 2);
  for (int64_t i = 0; i < 2; ++i)
    EXPECT_EQ(std::filesystem::path(stores.inputs->name(i)).filename(),
              std::filesystem::path(stores.targets->name(i)).filename());
  options.on_broken = OnBroken::kRefuse;
  EXPECT_NE(failure_of_pairs<FormatError>(options, paths).find(".png"), std::string::npos);
}

}  // namespace
}  // namespace sscvae::data
