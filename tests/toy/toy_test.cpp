#include <algorithm>

#include "cli/program.h"
#include "sscvae/image/synthetic.h"

namespace sscvae::testing {
namespace {

namespace fs = std::filesystem;

/// The programs were linked with a model more (toy_model.cpp).
TEST(ToyModel, IsListedAndExplained) {
  const auto models = run_json({"list", "models"});
  EXPECT_NE(models.dump().find("\"toy\""), std::string::npos);
  const Outcome config = run({"config", "--set", "model.name=toy", "--explain"});
  EXPECT_NE(config.out.find("model.lite"), std::string::npos) << config.out;
  EXPECT_EQ(config.out.find("num_atoms"), std::string::npos) << "it reads none of the sparse coder's options";
  EXPECT_EQ(run({"config", "--set", "model.name=toy", "--set", "model.sparse_coder.num_atoms=9"}).code, 2);
}

TEST(ToyModel, TrainsResumesRunsAndIsExported) {
  const TemporaryFolder folder;
  const auto at = [&](const char* name) { return (folder / name).string(); };
  fs::create_directories(folder / "images");
  for (uint64_t i = 0; i < 6; ++i)
    image::write_image(folder / "images" / ("i" + std::to_string(i) + ".png"), image::dead_leaves(i, 40, 40, 1));
  const auto train = [&](const std::string& out, const std::string& steps) {
    return std::vector<std::string>{"train",
                                    "--set",
                                    "model.name=toy",
                                    "--set",
                                    "data.root=" + at("images"),
                                    "--set",
                                    "data.patch_size=32",
                                    "--set",
                                    "train.batch_size=2",
                                    "--set",
                                    "train.validate_every=4",
                                    "--set",
                                    "train.steps=" + steps,
                                    "--set",
                                    "train.max_minutes=5",
                                    "--threads",
                                    "1",
                                    "--out",
                                    out};
  };
  Outcome outcome = run(train(at("whole"), "8"));
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  outcome = run({"train", "--resume", at("whole"), "--set", "train.steps=12", "--threads", "1"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const std::string weights = at("whole/checkpoints/last.safetensors");

  std::vector<double> psnr;
  for (const char* engine : {"fast", "plain"}) {
    const auto report =
        run_json({"reconstruct", at("images"), "--weights", weights, "--out", at(engine), "--engine", engine});
    psnr.push_back(report["images"][0]["psnr_db"].get<double>());
  }
  EXPECT_NEAR(psnr[0], psnr[1], 1e-3);
  EXPECT_GT(run_json({"complexity", "--weights", weights, "--size", "32x32"})["macs"], 0);
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"export", weights, "--format", "onnx", "--out", at("m.onnx")},
        {"inspect", weights, "--diagram", at("m.svg")},
        {"trace", "--weights", weights, "--input", at("images/i0.png"), "--gradients", "--out", at("t.safetensors")}}) {
    outcome = run(command);
    EXPECT_EQ(outcome.code, 0) << command[0] << ": " << outcome.err;
  }
}

}  // namespace
}  // namespace sscvae::testing
