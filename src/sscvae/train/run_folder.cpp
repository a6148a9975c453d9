#include "sscvae/train/run_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "sscvae/core/atomic_file.h"
#include "sscvae/core/error.h"
#include "sscvae/core/output_files.h"
#include "sscvae/core/text.h"

namespace sscvae::train {

namespace fs = std::filesystem;

namespace {

bool is_temporary(const std::string& name) { return name.starts_with(".") && name.ends_with(".tmp"); }

bool is_preview(const std::string& name) {
  constexpr std::string_view start = "step_", end = ".png";
  if (!name.starts_with(start) || !name.ends_with(end) || name.size() <= start.size() + end.size()) return false;
  return std::all_of(name.begin() + start.size(), name.end() - end.size(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_event_file(const std::string& name) { return name.starts_with("events.out.tfevents."); }

void remove_file(const fs::path& path) {
  std::error_code error;
  fs::remove(path, error);
  if (error) throw IoError("cannot remove '" + path.string() + "': " + error.message());
}

/// Sorted, so that messages are the same everywhere.
std::vector<fs::path> entries_of(const fs::path& folder) {
  std::error_code ignored;
  std::vector<fs::path> entries;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) entries.push_back(entry.path());
  std::sort(entries.begin(), entries.end());
  return entries;
}

}  // namespace

RunLock::RunLock(const fs::path& root) : descriptor_(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  if (descriptor_ < 0 || ::flock(descriptor_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return;
  ::close(descriptor_);
  throw UsageError("another training is under way in '" + root.string() +
                   "': wait for its end, or choose another folder");
}

RunLock::~RunLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

fs::path RunFolder::preview(int64_t step) const {
  return previews() / format("step_%06lld.png", static_cast<long long>(step));
}

bool RunFolder::holds_run() const {
  std::error_code ignored;
  return fs::exists(config(), ignored) || fs::exists(last(), ignored) || fs::exists(best(), ignored);
}

std::vector<fs::path> RunFolder::own_folders() const {
  std::error_code ignored;
  std::vector<fs::path> folders{checkpoints(), previews(), tensorboard()};
  std::erase_if(folders, [&](const fs::path& folder) { return fs::is_symlink(fs::symlink_status(folder, ignored)); });
  return folders;
}

std::vector<fs::path> RunFolder::files_in_folders() const {
  std::vector<fs::path> files;
  for (const fs::path& folder : own_folders())
    for (const fs::path& entry : entries_of(folder)) {
      const std::string name = entry.filename().string();
      if (is_temporary(name) || entry == last() || entry == best() || (folder == previews() && is_preview(name)) ||
          (folder == tensorboard() && is_event_file(name)))
        files.push_back(entry);
    }
  return files;
}

fs::path RunFolder::last_preview() const {
  fs::path last;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(previews(), ignored))
    if (is_preview(entry.path().filename().string()) && entry.path().filename() > last.filename()) last = entry.path();
  return last;
}

fs::path RunFolder::first_in_the_way() const {
  std::error_code ignored;
  for (const fs::path& file : {config(), split(), log(), validation_log(), report()})
    if (fs::exists(file, ignored)) return file;
  for (const fs::path& folder : {checkpoints(), previews(), tensorboard()}) {
    if (fs::exists(folder, ignored) && !fs::is_directory(folder, ignored)) return folder;
    for (const fs::path& entry : entries_of(folder))
      if (!is_temporary(entry.filename().string())) return entry;
  }
  return {};
}

void RunFolder::check() const {
  check_folder_writable(root_);
  refuse_links("a run in '" + root_.string() + "'", root_, {"checkpoints", "previews", "tensorboard"});
}

void RunFolder::clear() const {
  for (const fs::path& file : {config(), split(), log(), validation_log(), report()}) remove_file(file);
  for (const fs::path& file : files_in_folders()) remove_file(file);
  std::error_code ignored;
  for (const fs::path& folder : own_folders()) fs::remove(folder, ignored);  // where it is empty now
}

void RunFolder::create() const {
  for (const fs::path& folder : {root_, checkpoints(), previews(), tensorboard()}) create_folder(folder);
}

void RunFolder::remove_leftovers(int64_t step) const {
  std::error_code ignored;
  for (const fs::path& folder : {root_, checkpoints(), previews()})
    for (const auto& entry : fs::directory_iterator(folder, ignored)) {
      const std::string name = entry.path().filename().string();
      const bool later_preview = folder == previews() && name > preview(step).filename().string() && is_preview(name);
      if (is_temporary(name) || later_preview) fs::remove(entry.path(), ignored);
    }
}

}  // namespace sscvae::train
