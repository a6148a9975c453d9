#pragma once

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <sstream>

#include "sscvae/core/atomic_file.h"
#include "sscvae/core/log.h"
#include "sscvae/image/synthetic.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/serialization/safetensors.h"
#include "sscvae/train/run_folder.h"
#include "sscvae/train/trainer.h"
#include "support/paths.h"

/// A run small enough for a unit test: seven synthetic 48x48 images, a network of a few thousand parameters.
namespace sscvae::train {

class TrainingTest : public ::testing::Test {
 protected:
  void SetUp() override {
    set_verbosity(Verbosity::kQuiet);
    at::set_num_threads(1);  // such small tensors only wait for a second thread
    for (const char* name :
         {"train/a.png", "train/b.png", "train/c.png", "train/d.png", "train/e.png", "val/f.png", "val/g.png"}) {
      create_folder((folder_.path() / "images" / name).parent_path());
      image::write_image(folder_.path() / "images" / name,
                         image::dead_leaves(static_cast<uint64_t>(name[6]), 48, 48, 1));
    }
  }
  void TearDown() override { set_verbosity(Verbosity::kNormal); }

  TrainRequest request(const std::string& run, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> set{"data.root=" + (folder_.path() / "images").string(),
                                 "data.patch_size=16",
                                 "model.lite.width=8",
                                 "model.lite.num_blocks=1",
                                 "model.sparse_coder.num_atoms=16",
                                 "model.sparse_coder.atom_dim=8",
                                 "model.sparse_coder.num_iterations=3",
                                 "model.sparse_coder.cbam_reduction=4",
                                 "train.loss.sparsity_target=4",
                                 "train.batch_size=4",
                                 "train.steps=12",
                                 "train.log_every=2",
                                 "train.validate_every=4",
                                 "train.precision=fp32"};
    set.insert(set.end(), more.begin(), more.end());
    TrainRequest request;
    request.experiment = experiments::resolve_experiment("", experiments::assignments_with_effect(set));
    request.out = folder_.path() / run;
    request.device = device_;
    return request;
  }

  serialization::TensorFile last(const std::string& run) const {
    return serialization::read_safetensors(RunFolder(folder_.path() / run).last());
  }
  /// A CSV file of the run without its last column (seconds) where `without_seconds`.
  std::string table(const std::string& run, const std::string& name, bool without_seconds) const {
    std::string text, line;
    std::istringstream in(read_file(folder_.path() / run / name));
    while (std::getline(in, line)) text += (without_seconds ? line.substr(0, line.rfind(',')) : line) + "\n";
    return text;
  }

  testing::TemporaryFolder folder_;
  std::string device_ = "cpu";
};

struct Killed {};

/// Leaves the run as a kill after that step would.
inline void kill_after(TrainRequest& request, int64_t step) {
  request.keep_going = [step](int64_t done) {
    if (done >= step) throw Killed();
    return true;
  };
}

/// Without the seconds, which differ between any two runs.
inline std::string state_without_time(const std::map<std::string, std::string>& metadata) {
  const std::string state = metadata.at("sscvae.training");
  return state.substr(0, state.find("\"seconds\""));
}

/// Runs that are killed and resumed, against runs in one piece.
class ResumeTest : public TrainingTest {
 protected:
  void expect_same_run(const std::string& a, const std::string& b) const {
    const auto first = last(a), second = last(b);
    ASSERT_EQ(first.tensors.names(), second.tensors.names());
    for (const auto& [name, tensor] : first.tensors) EXPECT_TRUE(at::equal(tensor, second.tensors.at(name))) << name;
    EXPECT_EQ(state_without_time(first.metadata), state_without_time(second.metadata));
    EXPECT_EQ(table(a, "log.csv", true), table(b, "log.csv", true));
    EXPECT_EQ(table(a, "validation.csv", false), table(b, "validation.csv", false));
    EXPECT_EQ(table(a, "split.csv", false), table(b, "split.csv", false));
    const auto best_a = serialization::read_safetensors(RunFolder(folder_.path() / a).best());
    const auto best_b = serialization::read_safetensors(RunFolder(folder_.path() / b).best());
    for (const auto& [name, tensor] : best_a.tensors) EXPECT_TRUE(at::equal(tensor, best_b.tensors.at(name))) << name;
  }

  /// Trains once in one piece and once with kills after the given steps.
  void check(const std::vector<std::string>& options, const std::vector<int64_t>& kills) {
    train(request("whole", options));
    TrainRequest pieces = request("pieces", options);
    for (const int64_t step : kills) {
      kill_after(pieces, step);
      EXPECT_THROW(train(pieces), Killed);
      pieces = resume_request(folder_.path() / "pieces");
      pieces.device = device_;
    }
    const TrainSummary summary = train(pieces);
    EXPECT_TRUE(summary.finished);
    EXPECT_EQ(summary.steps, 12);
    expect_same_run("whole", "pieces");
  }
};

}  // namespace sscvae::train
