#include "sscvae/data/part_folders.h"

#include <algorithm>
#include <map>
#include <set>

namespace sscvae::data {
namespace {

namespace fs = std::filesystem;

/// A row's folder that names a part: how many steps of the path come before it.
struct PartFolder {
  std::string part;
  fs::path before, folder, behind;
};

PartFolder find_part_folder(const fs::path& path) {
  PartFolder found;
  for (const fs::path& step : path.parent_path()) {
    if (found.part.empty()) {
      found.part = part_of_folder(step.string());
      (found.part.empty() ? found.before : found.folder) /= step;
    } else {
      found.behind /= step;
    }
  }
  return found;
}

bool is_split(const std::vector<PartFolder>& folders) {
  std::set<std::string> parts;
  for (const PartFolder& folder : folders) parts.insert(folder.part);
  return parts.count("train") != 0 && (parts.count("val") != 0 || parts.count("test") != 0);
}

}  // namespace

std::string part_of_folder(const std::string& name) {
  static const std::map<std::string, std::string> parts{{"train", "train"}, {"training", "train"}, {"val", "val"},
                                                        {"valid", "val"},   {"validation", "val"}, {"dev", "val"},
                                                        {"test", "test"},   {"testing", "test"}};
  std::string letters;
  for (const char c : name) {
    if (c >= 'A' && c <= 'Z') letters += static_cast<char>(c - 'A' + 'a');
    else if (c != '_' && c != '-' && c != ' ' && c != '.') letters += c;
  }
  for (const std::string suffix : {"", "set", "images", "data"}) {
    if (!letters.ends_with(suffix)) continue;
    const auto found = parts.find(letters.substr(0, letters.size() - suffix.size()));
    if (found != parts.end()) return found->second;
  }
  return "";
}

std::vector<std::string> assign_part_folders(SplitManifest& manifest) {
  std::vector<PartFolder> folders;
  for (const ManifestRow& row : manifest.rows) folders.push_back(find_part_folder(row.path));
  const auto is_first = [](const PartFolder& folder) { return !folder.part.empty() && folder.before.empty(); };
  const bool at_root = std::any_of(folders.begin(), folders.end(), is_first), deeper = !at_root && is_split(folders);
  std::set<std::string> unusual;
  for (size_t i = 0; i < folders.size(); ++i) {
    const PartFolder& folder = folders[i];
    if (at_root ? !is_first(folder) : !deeper || folder.part.empty()) {
      manifest.rows[i].part.clear();
      manifest.rows[i].group = fs::path(manifest.rows[i].path).parent_path().generic_string();
      continue;
    }
    manifest.rows[i].part = folder.part;
    const fs::path group = folder.behind.empty() ? folder.before : folder.before / folder.behind;
    manifest.rows[i].group = group.generic_string();
    if (deeper || folder.folder != folder.part) unusual.insert((folder.before / folder.folder).generic_string() + '/');
  }
  return {unusual.begin(), unusual.end()};
}

}  // namespace sscvae::data
