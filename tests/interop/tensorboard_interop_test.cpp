#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "interop/python.h"
#include "sscvae/train/tensorboard.h"

namespace sscvae::train {
namespace {

nlohmann::json what_tensorboard_reads(const std::filesystem::path& folder) {
  const testing::PythonResult result = testing::run_script("read_events.py", {folder.string()});
  EXPECT_EQ(result.code, 0) << result.output;
  const size_t begin = result.output.find("{\"scalars\"");
  return nlohmann::json::parse(begin == std::string::npos ? "{}" : result.output.substr(begin));
}

TEST(TensorBoardInterop, ReadsScalarsAndImages) {
  SSCVAE_SKIP_WITHOUT_PYTHON("tensorboard");
  const testing::TemporaryFolder folder;
  {
    TensorBoardWriter writer(folder.path());
    for (int64_t step = 0; step < 5; ++step) writer.scalar("loss/total", step, 0.5 * static_cast<double>(step));
    writer.scalar("psnr", 4, -3);
    writer.image("preview/1", 4, "PNG", 7, 5, 3);
  }
  const nlohmann::json found = what_tensorboard_reads(folder.path());
  EXPECT_EQ(found.at("scalars").at("loss/total"), nlohmann::json::parse("[[0,0.0],[1,0.5],[2,1.0],[3,1.5],[4,2.0]]"));
  EXPECT_EQ(found.at("scalars").at("psnr"), nlohmann::json::parse("[[4,-3.0]]"));
  // TensorBoard keeps width, height and the file.
  EXPECT_EQ(found.at("images").at("preview/1"), nlohmann::json::parse(R"([[4,["37","35","504e47"]]])"));
}

TEST(TensorBoardInterop, ResumedRunReplacesTheStepsAfterTheCheckpoint) {
  SSCVAE_SKIP_WITHOUT_PYTHON("tensorboard");
  const testing::TemporaryFolder folder;
  std::filesystem::path killed;
  {
    TensorBoardWriter writer(folder.path());
    for (int64_t step = 0; step < 6; ++step) writer.scalar("loss", step, 1);
    killed = writer.path();
  }
  std::filesystem::resize_file(killed, std::filesystem::file_size(killed) - 5);  // killed within its last event
  {
    TensorBoardWriter writer(folder.path(), 3);
    for (int64_t step = 3; step < 5; ++step) writer.scalar("loss", step, 2);
  }
  EXPECT_EQ(what_tensorboard_reads(folder.path()).at("scalars").at("loss"),
            nlohmann::json::parse("[[0,1.0],[1,1.0],[2,1.0],[3,2.0],[4,2.0]]"));
}

TEST(TensorBoardInterop, NewRunInTheSameFolderReplacesTheOldOne) {
  SSCVAE_SKIP_WITHOUT_PYTHON("tensorboard");
  const testing::TemporaryFolder folder;
  for (const double value : {1.0, 2.0}) TensorBoardWriter(folder.path()).scalar("loss", 4, value);
  EXPECT_EQ(what_tensorboard_reads(folder.path()).at("scalars").at("loss"), nlohmann::json::parse("[[4,2.0]]"));
}

}  // namespace
}  // namespace sscvae::train
