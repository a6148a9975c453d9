#include "sscvae/core/shipped_files.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

namespace sscvae {

namespace fs = std::filesystem;

std::vector<std::string> shipped_folders() {
  std::vector<std::string> folders;
  std::error_code error;
  const auto add = [&](const fs::path& folder) {
    const auto is_same = [&](const std::string& known) { return fs::equivalent(known, folder, error); };
    if (fs::is_directory(folder, error) && std::none_of(folders.begin(), folders.end(), is_same))
      folders.push_back(folder.lexically_normal().string());
  };
  if (const char* given = std::getenv("SSCVAE_MODELS"); given && *given) add(given);
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (!error) {
    add(program.parent_path() / "../share/sscvae/models");
    add(program.parent_path() / "../models");
  }
  return folders;
}

std::string find_shipped_file(const std::string& relative) {
  std::error_code error;
  for (const std::string& folder : shipped_folders())
    if (const fs::path file = fs::path(folder) / relative; fs::is_regular_file(file, error)) return file.string();
  return "";
}

}  // namespace sscvae
