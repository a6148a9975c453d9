#include "sscvae/data/paths.h"

#include <algorithm>

#include "sscvae/core/error.h"
#include "sscvae/core/text.h"
#include "sscvae/core/wording.h"

namespace sscvae::data {

void check_relative_path(const std::string& path, const std::string& where) {
  const std::filesystem::path parsed(path);
  if (path.empty() || path.find('\0') != std::string::npos) throw FormatError(where + ": no valid path");
  const bool leaves = std::any_of(parsed.begin(), parsed.end(), [](const auto& step) { return step == ".."; });
  if (parsed.is_absolute() || leaves)
    throw FormatError(where + ": '" + path + "' lies outside the dataset's root, expected a path below it");
}

void check_files_exist(const std::filesystem::path& root, const std::vector<std::string>& paths,
                       const std::string& source) {
  std::vector<std::string> missing;
  for (const std::string& path : paths) {
    std::error_code ignored;
    if (!std::filesystem::is_regular_file(root / path, ignored)) missing.push_back(path);
  }
  if (missing.empty()) return;
  const std::string other = missing.size() == paths.size() ? kOtherImages : "";
  throw IoError(source + ": " + share_text(missing.size(), paths.size(), "file") +
                agreeing(missing.size(), " is", " are") + " not in " + root.string() + other + ": " +
                some_names(missing));
}

std::vector<std::string> folder_content(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::directory_iterator entries(folder, error);
  if (error) throw IoError(folder.string() + ": cannot be read as a folder: " + error.message());
  std::vector<std::string> names;
  for (; !error && entries != std::filesystem::directory_iterator(); entries.increment(error)) {
    const std::string name = entries->path().filename().string();
    std::error_code ignored;
    if (!name.starts_with('.')) names.push_back(entries->is_directory(ignored) ? name + '/' : name);
  }
  if (error) throw IoError(folder.string() + ": cannot be read: " + error.message());
  std::sort(names.begin(), names.end());
  return names;
}

std::string some_names(const std::vector<std::string>& names, size_t shown) {
  if (names.empty()) return "nothing";
  const size_t count = std::min(shown, names.size());
  std::string text = join({names.begin(), names.begin() + static_cast<std::ptrdiff_t>(count)}, ", ");
  if (count < names.size()) text += " and " + std::to_string(names.size() - count) + " more";
  return text;
}

}  // namespace sscvae::data
