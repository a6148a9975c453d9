#include "sscvae/train/run_folder.h"

#include <gtest/gtest.h>

#include "sscvae/core/atomic_file.h"
#include "support/paths.h"

namespace sscvae::train {
namespace {

TEST(RunFolder, KnowsARunByItsConfigurationOrWeights) {
  const testing::TemporaryFolder folder;
  const RunFolder run(folder / "run");
  EXPECT_FALSE(run.holds_run());
  run.create();
  EXPECT_FALSE(run.holds_run());
  write_atomically(run.last(), "x");
  EXPECT_TRUE(run.holds_run());
}

TEST(RunFolder, ClearsOnlyWhatBelongsToARun) {
  const testing::TemporaryFolder folder;
  const RunFolder run(folder.path());
  run.create();
  write_atomically(run.config(), "x");
  write_atomically(run.last(), "x");
  write_atomically(folder / "notes.txt", "mine");
  run.clear();
  EXPECT_FALSE(run.holds_run());
  EXPECT_TRUE(std::filesystem::exists(folder / "notes.txt"));
}

TEST(RunFolder, RemovesLeftoversOfAKill) {
  const testing::TemporaryFolder folder;
  const RunFolder run(folder.path());
  run.create();
  EXPECT_EQ(run.preview(20).filename(), "step_000020.png");
  for (const auto& path : {run.preview(10), run.preview(20), run.preview(30), run.checkpoints() / ".last.safetensors.77.tmp"})
    write_atomically(path, "x");
  run.remove_leftovers(20);
  EXPECT_TRUE(std::filesystem::exists(run.preview(10)));
  EXPECT_TRUE(std::filesystem::exists(run.preview(20)));
  EXPECT_FALSE(std::filesystem::exists(run.preview(30)));
  EXPECT_FALSE(std::filesystem::exists(run.checkpoints() / ".last.safetensors.77.tmp"));
}

}  // namespace
}  // namespace sscvae::train
