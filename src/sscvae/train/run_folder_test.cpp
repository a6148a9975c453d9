#include "sscvae/train/run_folder.h"

#include <gtest/gtest.h>

#include "sscvae/core/atomic_file.h"
#include "sscvae/core/error.h"
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

TEST(RunFolder, ClearsByNameAndKeepsWhatLiesBesideInItsFolders) {
  const testing::TemporaryFolder folder;
  const RunFolder run(folder.path());
  run.create();
  const auto events = run.tensorboard() / "events.out.tfevents.1700000000.host";
  const std::vector<std::filesystem::path> ours{run.config(),         run.split(), run.log(),  run.report(),
                                                run.validation_log(), run.last(),  run.best(), run.preview(7),
                                                run.preview(1234567), events};
  const std::vector<std::filesystem::path> others{run.checkpoints() / "mine.safetensors", run.previews() / "step_.png",
                                                  run.previews() / "step_12b.png", run.previews() / "holiday.png"};
  for (const auto& path : ours) write_atomically(path, "x");
  for (const auto& path : others) write_atomically(path, "mine");
  run.clear();
  for (const auto& path : ours) EXPECT_FALSE(std::filesystem::exists(path)) << path;
  for (const auto& path : others) EXPECT_TRUE(std::filesystem::exists(path)) << path;
  EXPECT_FALSE(std::filesystem::exists(run.tensorboard()));
}

TEST(RunFolder, NamesTheFirstFileInTheWay) {
  const testing::TemporaryFolder folder;
  for (const char* name : {"split.csv", "log.csv", "validation.csv", "report.html", "checkpoints/x.pt",
                           "previews/holiday.png", "tensorboard/notes"}) {
    const RunFolder run(folder / std::string(name).substr(0, 5));
    run.create();
    EXPECT_EQ(run.first_in_the_way(), "") << name;
    write_atomically(run.root() / name, "mine");
    write_atomically(run.root() / "notes.txt", "does not matter");
    EXPECT_EQ(run.first_in_the_way(), run.root() / name);
  }
}

TEST(RunFolder, HasNoLinksForFolders) {
  const testing::TemporaryFolder folder;
  for (const char* name : {"checkpoints", "previews", "tensorboard"}) {
    const RunFolder run(folder / (std::string("run of ") + name));
    run.create();
    EXPECT_NO_THROW(run.check());
    const auto elsewhere = folder / (std::string("my ") + name);
    create_folder(elsewhere);
    std::filesystem::remove(run.root() / name);
    std::filesystem::create_directory_symlink(elsewhere, run.root() / name);
    const std::vector<std::filesystem::path> mine{elsewhere / "last.safetensors", elsewhere / "step_000001.png",
                                                  elsewhere / "events.out.tfevents.1", elsewhere / ".x.tmp"};
    for (const auto& path : mine) write_atomically(path, "mine");
    EXPECT_THROW(run.check(), UsageError) << name;
    run.clear();
    for (const auto& path : mine) EXPECT_TRUE(std::filesystem::exists(path)) << path;
    EXPECT_TRUE(std::filesystem::is_symlink(run.root() / name)) << name;
  }
}

TEST(RunFolder, IsLockedForAsLongAsTheLockLives) {
  const testing::TemporaryFolder folder;
  {
    const RunLock first(folder.path());
    EXPECT_THROW(RunLock(folder.path()), UsageError);
  }
  EXPECT_NO_THROW(RunLock(folder.path()));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(RunFolder, RemovesLeftoversOfAKill) {
  const testing::TemporaryFolder folder;
  const RunFolder run(folder.path());
  run.create();
  EXPECT_EQ(run.preview(20).filename(), "step_000020.png");
  for (const auto& path :
       {run.preview(10), run.preview(20), run.preview(30), run.checkpoints() / ".last.safetensors.77.tmp"})
    write_atomically(path, "x");
  run.remove_leftovers(20);
  EXPECT_TRUE(std::filesystem::exists(run.preview(10)));
  EXPECT_TRUE(std::filesystem::exists(run.preview(20)));
  EXPECT_FALSE(std::filesystem::exists(run.preview(30)));
  EXPECT_FALSE(std::filesystem::exists(run.checkpoints() / ".last.safetensors.77.tmp"));
}

TEST(RunFolder, TheLastPreviewIsOneOfTheRun) {
  const testing::TemporaryFolder folder;
  const RunFolder run(folder.path() / "run");
  EXPECT_EQ(run.last_preview(), std::filesystem::path());
  create_folder(run.previews());
  for (const char* name : {"step_000005.png", "step_000012.png", "step_holiday.png", "zoo.png"})
    write_atomically(run.previews() / name, "x");
  EXPECT_EQ(run.last_preview(), run.preview(12));
}

}  // namespace
}  // namespace sscvae::train
