#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

/// Where tests find reference numbers and real images. The numbers of tests/reference are part of the source tree;
/// SSCVAE_PARITY_DIR names a folder with more of them. Images lie in a folder that is built in and that SSCVAE_DATA_DIR
/// replaces; tests that need them skip where it is absent.
namespace sscvae::testing {

std::filesystem::path parity_folder();
std::filesystem::path data_folder();
/// The root of the source tree.
std::filesystem::path source_folder();
/// A Python that has torch (SSCVAE_PYTHON replaces it); empty if there is none: tests that ask Python then skip.
std::filesystem::path python_with_torch();

/// A fresh folder, removed with the object.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

}  // namespace sscvae::testing

#define SSCVAE_SKIP_WITHOUT_DATA(name)                                     \
  if (!std::filesystem::exists(::sscvae::testing::data_folder() / (name))) \
  GTEST_SKIP() << "real images not found: " << (::sscvae::testing::data_folder() / (name)).string()
