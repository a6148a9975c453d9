#include "sscvae/core/shipped_files.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "support/paths.h"

namespace sscvae {
namespace {

TEST(ShippedFiles, TheVariableComesFirst) {
  const testing::TemporaryFolder folder;
  std::filesystem::create_directories(folder / "deep");
  std::ofstream(folder / "deep/w.safetensors") << "x";
  ASSERT_EQ(::setenv("SSCVAE_MODELS", folder.path().c_str(), 1), 0);
  ASSERT_FALSE(shipped_folders().empty());
  EXPECT_EQ(shipped_folders().front(), folder.path().string());
  EXPECT_EQ(find_shipped_file("deep/w.safetensors"), (folder / "deep/w.safetensors").string());
  EXPECT_EQ(find_shipped_file("deep"), "") << "a folder is no file";
  EXPECT_EQ(find_shipped_file("none.safetensors"), "");
  ::setenv("SSCVAE_MODELS", (folder / "missing").c_str(), 1);
  for (const std::string& found : shipped_folders()) EXPECT_NE(found, (folder / "missing").string());
  ::unsetenv("SSCVAE_MODELS");
}

}  // namespace
}  // namespace sscvae
