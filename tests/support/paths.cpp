#include "support/paths.h"

#include <cstdlib>
#include <stdexcept>

namespace sscvae::testing {

namespace {

std::filesystem::path folder_from(const char* variable, const char* built_in) {
  const char* given = std::getenv(variable);
  return given && *given ? given : built_in;
}

}  // namespace

std::filesystem::path parity_folder() { return folder_from("SSCVAE_PARITY_DIR", SSCVAE_SOURCE_DIR "/tests/reference"); }
std::filesystem::path data_folder() { return folder_from("SSCVAE_DATA_DIR", SSCVAE_DATA_DIR); }
std::filesystem::path source_folder() { return SSCVAE_SOURCE_DIR; }
std::filesystem::path python_with_torch() { return folder_from("SSCVAE_PYTHON", SSCVAE_PYTHON); }

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "sscvae-test-XXXXXX").string();
  if (!::mkdtemp(pattern.data())) throw std::runtime_error("cannot create " + pattern);
  path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace sscvae::testing
