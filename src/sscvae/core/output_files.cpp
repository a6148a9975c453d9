#include "sscvae/core/output_files.h"

#include <fcntl.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <nlohmann/json.hpp>

#include "sscvae/core/atomic_file.h"
#include "sscvae/core/error.h"
#include "sscvae/core/utf8.h"

namespace sscvae {

namespace fs = std::filesystem;

namespace {

/// Symbolic links and dots resolved as far as the path exists.
fs::path resolved(const fs::path& path) {
  std::error_code error;
  const fs::path absolute = fs::absolute(path, error);
  const fs::path result = fs::weakly_canonical(absolute, error);
  return error ? absolute.lexically_normal() : result;
}

bool is_same_or_below(const fs::path& path, const fs::path& folder) {
  const auto [of_folder, of_path] = std::mismatch(folder.begin(), folder.end(), path.begin(), path.end());
  return of_folder == folder.end() || (of_folder->empty() && std::next(of_folder) == folder.end());
}

[[noreturn]] void refuse_existing(const fs::path& path) {
  throw UsageError("'" + path.string() + "' exists; --overwrite replaces it");
}

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

/// The deepest part of the path that exists.
fs::path existing_part(fs::path path) {
  std::error_code ignored;
  while (!fs::exists(path, ignored) && path.has_relative_path()) path = path.parent_path();
  return path;
}

[[noreturn]] void refuse_unwritable(const fs::path& path, const std::string& why) {
  throw IoError("cannot write '" + path.string() + "': " + why);
}

bool is_run(const fs::path& folder) {
  return is_file(folder / "config.toml") && is_file(folder / "split.csv") && is_folder(folder / "checkpoints");
}

}  // namespace

void check_writable(const std::string& path, bool overwrite) {
  if (path.empty()) return;
  if (const std::optional<int> descriptor = descriptor_of(path)) {
    const int flags = ::fcntl(*descriptor, F_GETFL);
    if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY)
      throw IoError("cannot write '" + path + "': it is not open for that");
    return;
  }
  const fs::path file(path);
  std::error_code error;
  const fs::file_status status = fs::status(file, error);
  if (fs::is_directory(status)) throw UsageError("'" + path + "' is a folder, expected a file name");
  if (status.type() == fs::file_type::none) refuse_unwritable(file, error.message());
  if (fs::exists(status) && !fs::is_regular_file(status)) return;
  if (!overwrite && fs::exists(status)) refuse_existing(file);
  const fs::path folder = resolved(file).parent_path();
  if (!fs::is_directory(folder, error)) refuse_unwritable(file, "no such folder");
  if (const int reason = try_to_write_in(folder); reason != 0)
    refuse_unwritable(file, "'" + folder.string() + "' takes no file: " + std::strerror(reason));
}

void check_folder_writable(const fs::path& folder) {
  const fs::path there = existing_part(resolved(folder));
  if (!is_folder(there)) refuse_unwritable(folder, "'" + there.string() + "' is no folder");
  if (const int reason = try_to_write_in(there); reason != 0)
    refuse_unwritable(folder, "'" + there.string() + "' takes no file: " + std::strerror(reason));
}

void check_outputs(const std::vector<OutputFile>& files, bool overwrite) {
  std::map<fs::path, std::string> seen;
  std::string printing;
  for (const OutputFile& file : files) {
    check_writable(file.path, overwrite);
    if (is_standard_output(file.path)) {
      if (!printing.empty()) throw UsageError(printing + " and " + file.option + " are both standard output");
      printing = file.option;
    }
    if (file.path.empty() || is_standard_output(file.path) || descriptor_of(file.path)) continue;
    if (std::error_code error; fs::exists(file.path, error) && !is_file(file.path)) continue;  // /dev/null, a pipe
    const auto [other, fresh] = seen.emplace(resolved(file.path), file.option);
    if (!fresh) throw UsageError(other->second + " and " + file.option + " are both '" + file.path + "'");
  }
}

std::optional<int> descriptor_of(const fs::path& path) {
  const std::string name = path.lexically_normal().string();
  if (path == "-" || name == "/dev/stdout") return 1;  // ./- is a file
  if (name == "/dev/stdin") return 0;
  if (name == "/dev/stderr") return 2;
  for (const std::string_view folder : {"/dev/fd/", "/proc/self/fd/"}) {
    if (!name.starts_with(folder)) continue;
    int number = -1;
    const char *begin = name.data() + folder.size(), *end = name.data() + name.size();
    if (const auto [stop, error] = std::from_chars(begin, end, number);
        error == std::errc() && stop == end && number >= 0)
      return number;
  }
  return std::nullopt;
}

bool is_standard_output(const std::string& path) { return descriptor_of(path) == 1; }

void refuse_links(const std::string& option, const fs::path& root, const std::vector<std::string>& names) {
  std::error_code ignored;
  for (const std::string& name : names)
    if (const fs::path path = root / name; fs::is_symlink(fs::symlink_status(path, ignored)))
      throw UsageError(option + ": '" + path.string() + "' is a link to '" + fs::read_symlink(path, ignored).string() +
                       "', where files would be replaced or removed: remove the link or choose another folder");
}

OutputFolder::OutputFolder(std::string option, fs::path root, bool overwrite)
    : option_(std::move(option)), root_(std::move(root)), overwrite_(overwrite) {
  if (root_.empty()) throw UsageError(option_ + ": expected a folder");
  std::error_code error;
  if (fs::exists(root_, error) && !fs::is_directory(root_, error))
    throw UsageError(option_ + " '" + root_.string() + "' is a file, expected a folder");
  check_folder_writable(root_);
  refuse_links(option_, root_, {kResultsFile});
}

void OutputFolder::protect(const fs::path& input) { inputs_.insert(resolved(input)); }

fs::path OutputFolder::add(const fs::path& name) {
  const fs::path path = (root_ / name).lexically_normal();
  std::error_code error;
  if (!added_.insert(path).second) throw UsageError(option_ + ": two results would become '" + path.string() + "'");
  if (is_folder(path)) throw UsageError("'" + path.string() + "' is a folder, expected a file name");
  if (inputs_.contains(resolved(path)))
    throw UsageError(option_ + ": the result would replace the input '" + path.string() + "': choose another folder");
  if (!overwrite_ && fs::exists(path, error)) refuse_existing(path);
  return path;
}

bool OutputFolder::holds_result(const fs::path& file, const fs::path& base) const {
  const fs::path folder = resolved(root_);
  return is_same_or_below(resolved(file), folder) && !is_same_or_below(resolved(base.empty() ? "." : base), folder);
}

std::vector<fs::path> result_names(const std::vector<fs::path>& inputs, const std::vector<std::string>& extensions) {
  SSCVAE_ASSERT(inputs.size() == extensions.size());
  std::vector<fs::path> names;
  for (size_t i = 0; i < inputs.size(); ++i) {
    names.push_back(inputs[i]);
    if (!extensions[i].empty()) names.back().replace_extension(extensions[i]);
  }
  const std::vector<fs::path> short_names = names;
  for (bool changed = true; changed;) {
    std::map<fs::path, size_t> count;
    for (const fs::path& name : names) ++count[name];
    changed = false;
    for (size_t i = 0; i < names.size(); ++i) {
      if (count[names[i]] < 2 || names[i] == inputs[i]) continue;
      const fs::path whole = inputs[i].string() + extensions[i];
      const bool is_new = names[i] == short_names[i] && whole != names[i];
      names[i] = is_new ? whole : fs::path(names[i].string() + extensions[i]);
      changed = true;
    }
  }
  return names;
}

void record_results(const fs::path& folder, const std::vector<fs::path>& names) {
  std::set<fs::path> all = recorded_results(folder);
  all.insert(names.begin(), names.end());
  nlohmann::json list = nlohmann::json::array();
  for (const fs::path& name : all) list.push_back(utf8_of(name.generic_string()));
  write_atomically(folder / kResultsFile, nlohmann::json{{"results", std::move(list)}}.dump(0) + "\n");
}

std::set<fs::path> recorded_results(const fs::path& folder) {
  std::set<fs::path> names;
  if (!is_file(folder / kResultsFile)) return names;
  const nlohmann::json noted = nlohmann::json::parse(read_file(folder / kResultsFile), nullptr, false);
  if (!noted.is_object() || !noted.contains("results") || !noted["results"].is_array()) return names;
  for (const nlohmann::json& name : noted["results"])
    if (name.is_string()) names.insert(bytes_of_utf8(name.get<std::string>()));
  return names;
}

bool is_folder_of_ours(const fs::path& folder) {
  const bool tables = is_file(folder / "plan.json") && is_folder(folder / "runs");
  const bool demo = is_file(folder / "split.csv") && is_folder(folder / "images") &&
                    (is_run(folder / "reconstruct") || is_run(folder / "denoise"));
  return is_run(folder) || tables || demo;
}

}  // namespace sscvae
