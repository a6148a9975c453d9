#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "cli/program.h"
#include "sscvae/core/text.h"
#include "support/child_program.h"

namespace sscvae::testing {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> tables(const TemporaryFolder& folder, int steps) {
  std::vector<std::string> arguments{"tables",
                                     "--out",
                                     (folder / "out").string(),
                                     "--ultrasound",
                                     (folder / "us").string(),
                                     "--only",
                                     "T1,F3",
                                     "--models",
                                     "vae,ssc-vae",
                                     "--steps",
                                     std::to_string(steps),
                                     "--jobs",
                                     "2",
                                     "--json",
                                     (folder / "t.json").string(),
                                     "--overwrite"};
  std::vector<std::string> set = tiny_options();
  set.insert(set.end(), {"model.vae.latent_dim=8", "data.patch_size=16", "train.log_every=1", "train.batch_size=2"});
  for (const std::string& assignment : set) arguments.insert(arguments.end(), {"--set", assignment});
  return arguments;
}

void make_images(const TemporaryFolder& folder) {
  ASSERT_EQ(run({"data", "synth", "--kind", "speckle", "--count", "12", "--size", "32x32", "--out",
                 (folder / "us/breast/high_quality").string(), "--quiet"})
                .code,
            0);
}

/// Modification times of all weights of runs.
std::map<std::string, fs::file_time_type> weights_below(const fs::path& out) {
  std::map<std::string, fs::file_time_type> times;
  for (const auto& entry : fs::recursive_directory_iterator(out / "runs"))
    if (entry.path().filename() == "best.safetensors") times[entry.path().string()] = entry.last_write_time();
  return times;
}

TEST(Tables, FromImagesToPagesAndNothingTwice) {
  const TemporaryFolder folder;
  make_images(folder);
  const Outcome outcome = run(tables(folder, 25));
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const auto json = nlohmann::json::parse(slurp(folder / "t.json"));
  ASSERT_EQ(json["rows"].size(), 2U);
  for (const std::string name : {"bsds500 (--bsds500 FOLDER)", "mini-imagenet (--mini-imagenet FOLDER)"}) {
    EXPECT_NE(json["missing_datasets"].dump().find(name), std::string::npos) << json["missing_datasets"];
    for (const std::string& text : {outcome.err, slurp(folder / "out/tables.md")})
      EXPECT_NE(text.find(name), std::string::npos) << text;
  }
  EXPECT_EQ(json["missing_datasets"].size(), 2U);
  for (const auto& row : json["rows"]) {
    EXPECT_EQ(row["steps"], 25) << row;
    EXPECT_EQ(row["images"], 2) << row;
    EXPECT_TRUE(row["metrics"]["psnr"]["ours"].is_number()) << row;
  }
  for (const char* name : {"tables.md", "tables.csv", "tables.tex", "index.html", "figures/F3_1_1.png"})
    EXPECT_TRUE(fs::exists(folder / "out" / name)) << name;
  const auto before = weights_below(folder / "out");
  EXPECT_EQ(before.size(), 2U);
  ASSERT_EQ(run(tables(folder, 25)).code, 0);
  EXPECT_EQ(weights_below(folder / "out"), before);
}

/// Steps in the longest log.csv below `out`.
int most_steps(const fs::path& out) {
  int most = 0;
  std::error_code ignored;
  for (fs::recursive_directory_iterator entry(out, ignored), end; entry != end; entry.increment(ignored))
    if (entry->path().filename() == "log.csv") {
      const std::string text = slurp(entry->path());
      most = std::max(most, static_cast<int>(std::count(text.begin(), text.end(), '\n')) - 1);
    }
  return most;
}

TEST(Tables, KilledTheyGoOnWhereTheyWere) {
  const TemporaryFolder folder;
  make_images(folder);
  const std::vector<std::string> arguments = tables(folder, 400);
  const pid_t child = start_program(arguments);
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(120);
  while (most_steps(folder / "out") < 20 && std::chrono::steady_clock::now() < give_up)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  ::kill(child, SIGKILL);
  wait_for(child);
  // Its runs end their step and save: nothing may be written any more when they are gone on with.
  int reached = 0;
  do {
    reached = most_steps(folder / "out");
    std::this_thread::sleep_for(std::chrono::seconds(3));
  } while (most_steps(folder / "out") != reached);
  EXPECT_GE(reached, 20);
  EXPECT_LT(reached, 400) << "killed too late to show anything";
  const Outcome outcome = run(arguments);
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  bool resumed = false;
  for (const auto& entry : fs::recursive_directory_iterator(folder / "out/runs"))
    if (entry.path().filename() == "train.log") {
      const std::string log = slurp(entry.path());
      const size_t place = log.find("after step ");
      if (place == std::string::npos) continue;
      const int from = std::atoi(log.c_str() + place + 11);
      resumed = resumed || from >= reached - 1;  // at most the step in flight is lost
    }
  EXPECT_TRUE(resumed) << "no run went on after step " << reached;
  for (const auto& row : nlohmann::json::parse(slurp(folder / "t.json"))["rows"]) EXPECT_EQ(row["steps"], 400) << row;
}

TEST(Tables, CostsAndTheNetworkNeedNoDataset) {
  const TemporaryFolder folder;
  const Outcome outcome = run({"tables", "--only", "T4,F2", "--out", (folder / "out").string()});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.err.find("left out"), std::string::npos) << outcome.err;
  const std::string page = slurp(folder / "out/index.html"), drawing = slurp(folder / "out/figures/F2.svg");
  EXPECT_NE(page.find("Figure 2"), std::string::npos);
  for (const char* part : {"Encoder", "Sparsity controller: inference", "Sparsity controller: refinement",
                           "channel attention, spatial attention", "16 iterations of LISTA", "Decoder"})
    EXPECT_NE(drawing.find(part), std::string::npos) << part;
}

TEST(Tables, NameTheDatasetsThatAreMissing) {
  const TemporaryFolder folder;
  const std::string out = (folder / "out").string();
  for (const auto& [more, expected] : std::vector<std::pair<std::vector<std::string>, std::string>>{
           {{"--only", "T3"}, "asked for use: bsds500 (--bsds500 FOLDER), ultrasound (--ultrasound FOLDER)\n"},
           {{"--only", "T2,F1"}, "asked for use: ultrasound (--ultrasound FOLDER), bsds500 (--bsds500 FOLDER), mini-"},
           {{"--models", "csc"}, "--models: the tables asked for have no row of csc\n"}}) {
    std::vector<std::string> arguments{"tables", "--out", out};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Outcome refused = run(arguments);
    EXPECT_EQ(refused.code, 2) << refused.err;
    EXPECT_NE(refused.err.find(expected), std::string::npos) << refused.err;
  }
}

TEST(Tables, MistakesAreOneLineBeforeAnyTraining) {
  const TemporaryFolder folder;
  make_images(folder);
  const std::string out = (folder / "out").string(), us = (folder / "us").string();
  for (const auto& [arguments, code] : std::vector<std::pair<std::vector<std::string>, int>>{
           {{"tables", "--out", out, "--ultrasound", us, "--budget", "soon"}, 2},
           {{"tables", "--out", out, "--ultrasound", us, "--only", "T9"}, 2},
           {{"tables", "--out", out, "--ultrasound", (folder / "none").string(), "--steps", "5"}, 3},
           {{"tables", "--out", out, "--bsds500", us, "--steps", "5"}, 3},
           {{"tables", "--out", out, "--ultrasound", us, "--steps", "5", "--inception", "none.pth"}, 3},
           {{"tables", "--out", out, "--steps", "5"}, 2}}) {
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.code, code) << outcome.err;
    EXPECT_NE(outcome.err.find("sscvae: error: "), std::string::npos) << outcome.err;
    EXPECT_FALSE(fs::exists(folder / "out/runs"));
  }
}

}  // namespace
}  // namespace sscvae::testing
