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
  const std::vector<std::string> with_ours = shipped_folders();
  for (const std::string& known : with_ours) {  // under another name
    ::setenv("SSCVAE_MODELS", (known + "/../" + std::filesystem::path(known).filename().string() + "/").c_str(), 1);
    const std::vector<std::string> found = shipped_folders();
    for (size_t i = 0; i < found.size(); ++i)
      for (size_t j = 0; j < i; ++j) EXPECT_FALSE(std::filesystem::equivalent(found[i], found[j])) << found[i];
  }
  ::setenv("SSCVAE_MODELS", (folder / "missing").c_str(), 1);
  for (const std::string& found : shipped_folders()) EXPECT_NE(found, (folder / "missing").string());
  ::unsetenv("SSCVAE_MODELS");
}

}  // namespace
}  // namespace sscvae
