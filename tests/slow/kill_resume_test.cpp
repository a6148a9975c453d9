#include <ATen/ops/equal.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "sscvae/core/atomic_file.h"
#include "sscvae/core/random.h"
#include "sscvae/image/synthetic.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/serialization/safetensors.h"
#include "sscvae/train/run_folder.h"
#include "support/child_program.h"
#include "support/paths.h"

/// The real program, killed again and again, also while it writes checkpoints (one after every step).
namespace sscvae {
namespace {

namespace fs = std::filesystem;
using testing::TemporaryFolder;
using testing::wait_for;

constexpr int kSteps = 120;

pid_t start(const std::vector<std::string>& arguments) {
  return testing::start_program(arguments, [] {
    ::setenv("OMP_WAIT_POLICY", "passive", 1);
    const int nowhere = ::open("/dev/null", O_RDWR);
    for (int descriptor : {0, 1, 2}) ::dup2(nowhere, descriptor);
  });
}

bool is_running(pid_t child) {
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0;
}

void sleep_seconds(double seconds) { std::this_thread::sleep_for(std::chrono::duration<double>(seconds)); }

uintmax_t size_of(const fs::path& path) {
  std::error_code ignored;
  const uintmax_t size = fs::file_size(path, ignored);
  return ignored ? 0 : size;
}

bool has_temporary(const fs::path& folder) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored))
    if (entry.path().extension() == ".tmp") return true;
  return false;
}

/// Kills the program at a random moment: soon after its start, some time after it made a step, or, every other time, as
/// soon as it has begun to write a checkpoint.
void kill_at_random(pid_t child, const train::RunFolder& run, Random& random) {
  const int64_t kind = random.below(4);
  if (kind == 0) {
    sleep_seconds(random.uniform(0.05, 1.0));
  } else {
    const uintmax_t before = size_of(run.log());
    while (is_running(child) && size_of(run.log()) <= before) sleep_seconds(0.002);
    sleep_seconds(random.uniform(0, 0.15));
    while (kind > 1 && is_running(child) && !has_temporary(run.checkpoints())) sleep_seconds(1e-5);
  }
  ::kill(child, SIGKILL);
  wait_for(child);
}

/// A CSV file, without its last column where `without_last`.
std::string table(const fs::path& path, bool without_last) {
  std::string result, line;
  std::istringstream in(read_file(path));
  while (std::getline(in, line)) result += (without_last ? line.substr(0, line.rfind(',')) : line) + "\n";
  return result;
}

void expect_equal_weights(const fs::path& a, const fs::path& b) {
  const auto first = serialization::read_safetensors(a).tensors, second = serialization::read_safetensors(b).tensors;
  ASSERT_EQ(first.names(), second.names());
  for (const auto& [name, tensor] : first) EXPECT_TRUE(at::equal(tensor, second.at(name))) << name;
}

void check(int threads, int kills, const std::vector<std::string>& more) {
  const TemporaryFolder folder;
  for (const char* name : {"train/a.png", "train/b.png", "train/c.png", "val/d.png"}) {
    create_folder((folder.path() / "images" / name).parent_path());
    image::write_image(folder.path() / "images" / name, image::dead_leaves(static_cast<uint64_t>(name[6]), 48, 48, 1));
  }
  std::vector<std::string> options{"train", "--threads", std::to_string(threads)};
  std::vector<std::string> set{"data.root=" + (folder.path() / "images").string(),
                               "data.patch_size=32",
                               "model.lite.width=32",
                               "model.lite.num_blocks=1",
                               "model.sparse_coder.num_iterations=4",
                               "train.batch_size=2",
                               "train.steps=" + std::to_string(kSteps),
                               "train.log_every=1",
                               "train.validate_every=15",
                               "train.checkpoint_every=1"};
  set.insert(set.end(), more.begin(), more.end());
  std::vector<std::string> fresh = options;
  for (const std::string& assignment : set) fresh.insert(fresh.end(), {"--set", assignment});
  const train::RunFolder whole(folder / "whole"), pieces(folder / "pieces");
  const auto with_out = [&](const train::RunFolder& run) {
    std::vector<std::string> arguments = fresh;
    arguments.insert(arguments.end(), {"--out", run.root().string()});
    return arguments;
  };
  ASSERT_EQ(wait_for(start(with_out(whole))), 0);

  std::vector<std::string> resume = options;
  resume.insert(resume.end(), {"--resume", pieces.root().string()});
  Random random(static_cast<uint64_t>(threads) * 1000 + static_cast<uint64_t>(kills));
  int while_writing = 0;
  for (int i = 0; i < kills; ++i) {
    kill_at_random(start(pieces.holds_run() ? resume : with_out(pieces)), pieces, random);
    while_writing += has_temporary(pieces.checkpoints());
  }
  ASSERT_EQ(wait_for(start(pieces.holds_run() ? resume : with_out(pieces))), 0);
  ::testing::Test::RecordProperty("kills_while_writing_a_checkpoint", while_writing);
  expect_equal_weights(whole.last(), pieces.last());
  expect_equal_weights(whole.best(), pieces.best());
  EXPECT_EQ(table(whole.log(), true), table(pieces.log(), true));
  EXPECT_EQ(table(whole.validation_log(), false), table(pieces.validation_log(), false));
  EXPECT_FALSE(has_temporary(pieces.checkpoints()));
}

TEST(KillAndResume, TenKillsLeaveNoTrace) { check(1, 10, {}); }

TEST(KillAndResume, NorWithTwoThreadsAveragedWeightsAndNoise) {
  check(2, 10, {"train.ema_decay=0.99", "task=denoise", "data.noise.sigma_8bit_max=50"});
}

}  // namespace
}  // namespace sscvae
