#include "cli/program.h"
#include "sscvae/image/image.h"
#include "sscvae/image/synthetic.h"

namespace sscvae::testing {
namespace {

namespace fs = std::filesystem;

/// The program that runs models where there is no other: a copy in a folder of its own.
class AloneTest : public ::testing::Test {
 protected:
  AloneTest() : program_(folder_ / "sscvae") { fs::copy_file(SSCVAE_PROGRAM, program_); }

  Outcome run_alone(const std::string& arguments) const {
    const std::string command = "SSCVAE_MODELS=" + quoted((source_folder() / "models").string()) + " PATH=/nowhere " +
                                quoted(program_.string()) + " " + arguments + " >" + quoted(at("out")) + " 2>" +
                                quoted(at("err")) + " </dev/null";
    const int status = std::system(command.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), slurp(at("out")), slurp(at("err"))};
  }
  std::string at(const char* name) const { return (folder_ / name).string(); }

  TemporaryFolder folder_;
  fs::path program_;
};

TEST_F(AloneTest, KnowsNothingOfLibTorch) {
  const std::string command = "ldd " + quoted(program_.string()) + " >" + quoted(at("libraries"));
  ASSERT_EQ(std::system(command.c_str()), 0);
  const std::string libraries = slurp(at("libraries"));
  EXPECT_NE(libraries.find("libpng"), std::string::npos) << libraries;
  for (const char* name : {"torch", "c10", "mkl"}) EXPECT_EQ(libraries.find(name), std::string::npos) << libraries;
}

TEST_F(AloneTest, RefusesWhatIsOfTrainingInOneLine) {
  for (const std::string arguments :
       {"train --set data.root=x --out y", "train --help", "tables --out y", "trace --weights w",
        "denoise x --weights natural-denoise-grey --device cuda --out y", "evaluate --weights w --mode=train",
        "benchmark --stage training", "benchmark --stage=lista"}) {
    const Outcome outcome = run_alone(arguments);
    EXPECT_EQ(outcome.code, 2) << arguments;
    EXPECT_EQ(outcome.error_lines(), 1) << outcome.err;
    EXPECT_NE(outcome.err.find("needs the training half of the program, sscvae-train, which is not installed here"),
              std::string::npos)
        << arguments << "\n"
        << outcome.err;
  }
}

TEST_F(AloneTest, HelpListsTheCommandsOfBoth) {
  const Outcome outcome = run_alone("--help");
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(subcommands_of(outcome.out), subcommands_of(run({"--help"}).out));
  EXPECT_NE(outcome.out.find("train a model"), std::string::npos) << outcome.out;
}

TEST_F(AloneTest, RunsShippedWeightsAndTheFirstPartOfTheDemonstration) {
  image::write_image(at("noisy.png"), image::dead_leaves(1, 48, 40, 1));
  Outcome outcome =
      run_alone("denoise " + quoted(at("noisy.png")) + " --weights natural-denoise-grey --out " + quoted(at("clean")));
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_TRUE(fs::exists(folder_ / "clean/noisy.png"));
  outcome = run_alone("demo --out " + quoted(at("demo")) + " --json -");
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_GT(nlohmann::json::parse(outcome.out)["shipped"].size(), 3u);
  EXPECT_TRUE(fs::exists(folder_ / "demo/report.html"));
  EXPECT_NE(outcome.err.find("training, the second part, needs the training half"), std::string::npos) << outcome.err;
  EXPECT_EQ(run_alone("doctor").code, 0);
}

TEST(TwoPrograms, DoctorSaysWhatTheTrainingHalfIsMadeOf) {
  const auto report = run_json({"doctor"});
  EXPECT_TRUE(report["libraries"].contains("libtorch"));
}

}  // namespace
}  // namespace sscvae::testing
