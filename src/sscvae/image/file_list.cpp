#include "sscvae/image/file_list.h"

#include <fnmatch.h>

#include <algorithm>
#include <map>
#include <set>

#include "sscvae/core/error.h"
#include "sscvae/image/image.h"

namespace sscvae::image {

namespace fs = std::filesystem;

namespace {

bool is_hidden(const fs::path& path) {
  const std::string name = path.filename().string();
  return name.starts_with('.');
}

[[noreturn]] void fail(const fs::path& path, const std::error_code& error) {
  throw IoError("cannot read '" + path.string() + "': " + error.message());
}

void sort_by_text(std::vector<fs::path>& paths) {
  std::ranges::sort(paths, {}, [](const fs::path& path) { return path.generic_string(); });
}

/// The visible entries of a folder, in no order.
std::vector<fs::directory_entry> list_folder(const fs::path& folder) {
  std::vector<fs::directory_entry> entries;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
    if (!is_hidden(it->path())) entries.push_back(*it);
  if (error) fail(folder, error);
  return entries;
}

bool is_walkable(const fs::directory_entry& entry) {
  std::error_code ignored;
  return entry.is_directory(ignored) && !entry.is_symlink(ignored);
}

bool is_image_file(const fs::directory_entry& entry) {
  std::error_code ignored;
  return has_image_extension(entry.path()) && entry.is_regular_file(ignored);
}

void walk(const fs::path& folder, const fs::path& prefix, std::vector<fs::path>& found) {
  for (const fs::directory_entry& entry : list_folder(folder)) {
    const fs::path relative = prefix / entry.path().filename();
    if (is_walkable(entry))
      walk(entry.path(), relative, found);
    else if (is_image_file(entry))
      found.push_back(relative);
  }
}

bool is_pattern(const std::string& text) { return text.find_first_of("*?[") != std::string::npos; }

/// Image files below `folder` whose remaining path fits parts[first...].
void match(const fs::path& folder, const fs::path& prefix, const std::vector<std::string>& parts, size_t first,
           std::set<std::string>& found) {
  const bool is_last = first + 1 == parts.size();
  const bool any_depth = parts[first] == "**";
  if (any_depth && !is_last) match(folder, prefix, parts, first + 1, found);
  for (const fs::directory_entry& entry : list_folder(folder)) {
    const std::string name = entry.path().filename().string();
    if (!any_depth && ::fnmatch(parts[first].c_str(), name.c_str(), 0) != 0) continue;
    if (is_walkable(entry) && (any_depth || !is_last))
      match(entry.path(), prefix / name, parts, any_depth ? first : first + 1, found);
    else if (is_last && is_image_file(entry))
      found.insert((prefix / name).generic_string());
  }
}

std::vector<InputFile> expand_pattern(const std::string& pattern) {
  fs::path base;
  std::vector<std::string> parts;
  for (const fs::path& part : fs::path(pattern)) {
    if (parts.empty() && !is_pattern(part.string()))
      base /= part;
    else if (!part.empty())
      parts.push_back(part.string());
  }
  std::set<std::string> found;
  const fs::path folder = base.empty() ? fs::path(".") : base;
  std::error_code ignored;
  if (fs::is_directory(folder, ignored)) match(folder, {}, parts, 0, found);
  if (found.empty()) throw IoError("no image fits the pattern '" + pattern + "'");
  std::vector<InputFile> files;
  for (const std::string& relative : found) files.push_back({base / relative, relative});
  return files;
}

std::vector<InputFile> expand_one(const std::string& input) {
  std::error_code error;
  const fs::path path(input);
  const fs::file_status status = fs::status(path, error);
  if (fs::is_directory(status)) {
    std::vector<InputFile> files;
    for (const fs::path& relative : find_images(path)) files.push_back({path / relative, relative});
    if (files.empty()) throw IoError("no image (.png, .jpg, .jpeg) in '" + input + "'");
    return files;
  }
  if (fs::exists(status)) return {{path, path.filename()}};
  if (is_pattern(input)) return expand_pattern(input);
  fail(path, error ? error : std::make_error_code(std::errc::no_such_file_or_directory));
}

}  // namespace

std::vector<fs::path> find_images(const fs::path& root) {
  std::error_code error;
  const fs::file_status status = fs::status(root, error);
  if (!fs::exists(status)) fail(root, error ? error : std::make_error_code(std::errc::no_such_file_or_directory));
  if (!fs::is_directory(status)) return {root.filename()};
  std::vector<fs::path> found;
  walk(root, {}, found);
  sort_by_text(found);
  return found;
}

std::vector<InputFile> expand_inputs(const std::vector<std::string>& inputs) {
  std::vector<InputFile> files;
  std::set<fs::path> seen;
  std::map<fs::path, fs::path> taken;
  for (const std::string& input : inputs)
    for (InputFile& file : expand_one(input)) {
      if (!seen.insert(fs::absolute(file.path).lexically_normal()).second) continue;
      const auto [other, is_new] = taken.emplace(file.relative, file.path);
      if (!is_new)
        throw UsageError("'" + other->second.string() + "' and '" + file.path.string() + "' would both become '" +
                         file.relative.string() + "': name a folder above both");
      files.push_back(std::move(file));
    }
  return files;
}

}  // namespace sscvae::image
