#include "sscvae/image/file_list.h"

#include <fnmatch.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <utility>

#include "sscvae/core/error.h"
#include "sscvae/core/log.h"
#include "sscvae/core/numbers.h"
#include "sscvae/core/output_files.h"
#include "sscvae/core/text.h"
#include "sscvae/core/wording.h"
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

bool is_folder(const fs::directory_entry& entry) {
  std::error_code ignored;
  return entry.is_directory(ignored);
}

bool is_link(const fs::directory_entry& entry) {
  std::error_code ignored;
  return entry.is_symlink(ignored);
}

fs::path real_path(const fs::path& path) {
  std::error_code error;
  const fs::path real = fs::canonical(path, error);
  if (error) fail(path, error);
  return real;
}

/// What a file that is no image is counted as: its extension in lower case, or what it is.
std::string kind_of(const fs::directory_entry& entry) {
  std::error_code ignored;
  if (is_link(entry) && !entry.exists(ignored)) return "broken links";
  const std::string extension = lower_case(entry.path().extension().string());
  return extension.empty() ? "without extension" : extension;
}

bool is_image_file(const fs::directory_entry& entry) {
  std::error_code ignored;
  return has_image_extension(entry.path()) && entry.is_regular_file(ignored);
}

/// What this program made is no input unless it is named.
bool is_left_out(const fs::path& folder) {
  if (!is_folder_of_ours(folder)) return false;
  note("'" + folder.string() + "' holds results of this program: its images are left out");
  return true;
}

/// Images below a folder that commands made, by the records in the folders that hold them. What lies in the folder
/// itself was named.
class KnownResults {
 public:
  explicit KnownResults(fs::path root) : root_(std::move(root)) {}
  /// Is that path below the root such an image? Counts it.
  bool leaves_out(const fs::path& image) {
    for (fs::path folder = image.parent_path(); !folder.empty(); folder = folder.parent_path()) {
      const auto [known, fresh] = recorded_.try_emplace(folder);
      if (fresh) known->second = recorded_results(root_ / folder);
      if (!known->second.contains(image.lexically_relative(folder))) continue;
      ++counts_[(root_ / folder).generic_string()];
      return true;
    }
    return false;
  }
  void say() const {
    for (const auto& [folder, count] : counts_)
      note("'" + folder + "' holds " + count_text(count, "result") + " of this program, left out");
  }

 private:
  fs::path root_;
  std::map<fs::path, std::set<fs::path>> recorded_;
  std::map<std::string, size_t> counts_;
};

/// Everything below a folder: first what is there, then what links lead to, so that an image below the folder keeps its
/// own name.
class Walk {
 public:
  explicit Walk(const fs::path& root) : root_(root), results_(root) {
    add_folder({});
    for (; !links_.empty();) {
      const std::set<std::string> links = std::exchange(links_, {});  // in the order of their names
      for (const std::string& link : links) add_folder(link);
    }
    sort_by_text(images_);
  }
  std::vector<fs::path> take_images() { return std::move(images_); }
  const std::map<std::string, size_t>& left_out() const { return left_out_; }
  const KnownResults& results() const { return results_; }

 private:
  void add_folder(const fs::path& relative) {
    if (!seen_.insert(real_path(root_ / relative)).second) return;
    if (!relative.empty() && is_left_out(root_ / relative)) return;
    for (const fs::directory_entry& entry : list_folder(root_ / relative)) {
      const fs::path below = relative / entry.path().filename();
      if (is_folder(entry) && is_link(entry)) links_.insert(below.generic_string());
      else if (is_folder(entry)) add_folder(below);
      else if (is_image_file(entry) && results_.leaves_out(below)) continue;
      else if (is_image_file(entry)) images_.push_back(below);
      else ++left_out_[kind_of(entry)];
    }
  }

  fs::path root_;
  std::set<fs::path> seen_;
  std::set<std::string> links_;
  std::vector<fs::path> images_;
  std::map<std::string, size_t> left_out_;
  KnownResults results_;
};

/// The most frequent first.
std::string describe(const std::map<std::string, size_t>& left_out) {
  std::vector<std::pair<size_t, std::string>> kinds;
  for (const auto& [kind, count] : left_out) kinds.emplace_back(count, kind);
  std::ranges::stable_sort(kinds, std::greater<>(), [](const auto& kind) { return kind.first; });
  std::vector<std::string> parts;
  for (const auto& [count, kind] : kinds) parts.push_back(std::to_string(count) + " " + kind);
  return join(parts, ", ");
}

bool is_pattern(const std::string& text) { return text.find_first_of("*?[") != std::string::npos; }

/// Image files below `folder` whose remaining path fits parts[first...]. `above`: the real folders on the way, which
/// no link leads back to.
void match(const fs::path& folder, const fs::path& prefix, const std::vector<std::string>& parts, size_t first,
           std::vector<fs::path> above, std::set<std::string>& found) {
  above.push_back(real_path(folder));
  const bool is_last = first + 1 == parts.size();
  const bool any_depth = parts[first] == "**";
  if (any_depth && !is_last) match(folder, prefix, parts, first + 1, above, found);
  for (const fs::directory_entry& entry : list_folder(folder)) {
    const std::string name = entry.path().filename().string();
    if (!any_depth && ::fnmatch(parts[first].c_str(), name.c_str(), 0) != 0) continue;
    const bool circles = is_folder(entry) && is_link(entry) && std::ranges::count(above, real_path(entry.path())) > 0;
    if (is_folder(entry) && !circles && (any_depth || !is_last)) {
      if (!any_depth || !is_left_out(entry.path()))
        match(entry.path(), prefix / name, parts, any_depth ? first : first + 1, above, found);
    } else if (is_last && is_image_file(entry)) found.insert((prefix / name).generic_string());
  }
}

std::vector<InputFile> expand_pattern(const std::string& pattern) {
  fs::path base;
  std::vector<std::string> parts;
  for (const fs::path& part : fs::path(pattern)) {
    if (parts.empty() && !is_pattern(part.string())) base /= part;
    else if (!part.empty()) parts.push_back(part.string());
  }
  std::set<std::string> found;
  const fs::path folder = base.empty() ? fs::path(".") : base;
  std::error_code ignored;
  if (fs::is_directory(folder, ignored)) match(folder, {}, parts, 0, {}, found);
  if (found.empty()) throw IoError("no image fits the pattern '" + pattern + "'");
  const bool any_depth = std::ranges::count(parts, "**") > 0;
  KnownResults results(folder);
  std::vector<InputFile> files;
  for (const std::string& relative : found)
    if (!any_depth || !results.leaves_out(relative)) files.push_back({base / relative, relative});
  results.say();
  if (files.empty()) throw IoError("only results of this program fit the pattern '" + pattern + "'");
  return files;
}

std::vector<InputFile> expand_one(const std::string& input) {
  if (input == "-") return {{"/dev/stdin", "stdin"}};
  std::error_code error;
  const fs::path path(input);
  const fs::file_status status = fs::status(path, error);
  if (fs::is_directory(status)) {
    std::vector<InputFile> files;
    for (const fs::path& relative : find_images(path)) files.push_back({path / relative, relative});
    const std::string others = files.empty() ? describe_left_out(path) : "";
    if (files.empty())
      throw IoError("no image (.png, .jpg, .jpeg) in '" + input + "'" + (others.empty() ? "" : ", but " + others));
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
  Walk walk(root);
  std::vector<fs::path> images = walk.take_images();
  walk.results().say();
  if (!images.empty() && !walk.left_out().empty())
    note("'" + root.string() + "': " + describe(walk.left_out()) + " left out, .png, .jpg and .jpeg are read");
  return images;
}

std::string describe_left_out(const fs::path& root) { return describe(Walk(root).left_out()); }

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
