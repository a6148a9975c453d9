#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

/// Where the files of a run lie.
namespace sscvae::train {

/// Keeps other processes, and other runs of this one, from training in a folder for as long as it lives. The system
/// takes the lock back when the process ends, however it ends; no file is left behind. File systems without locks have
/// none.
class RunLock {
 public:
  /// Errors: UsageError if the folder is locked by somebody else.
  explicit RunLock(const std::filesystem::path& root);
  ~RunLock();
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

 private:
  int descriptor_;
};

class RunFolder {
 public:
  explicit RunFolder(std::filesystem::path root) : root_(std::move(root)) {}
  const std::filesystem::path& root() const { return root_; }
  std::filesystem::path config() const { return root_ / "config.toml"; }
  std::filesystem::path split() const { return root_ / "split.csv"; }
  std::filesystem::path log() const { return root_ / "log.csv"; }
  std::filesystem::path validation_log() const { return root_ / "validation.csv"; }
  std::filesystem::path tensorboard() const { return root_ / "tensorboard"; }
  std::filesystem::path checkpoints() const { return root_ / "checkpoints"; }
  std::filesystem::path last() const { return checkpoints() / "last.safetensors"; }
  std::filesystem::path best() const { return checkpoints() / "best.safetensors"; }
  std::filesystem::path previews() const { return root_ / "previews"; }
  std::filesystem::path preview(int64_t step) const;  ///< previews/step_000123.png
  std::filesystem::path report() const { return root_ / "report.html"; }

  /// Is there a run: a configuration or a checkpoint?
  bool holds_run() const;
  /// The newest preview that is a run's; empty without one. Files of others beside it are not looked at.
  std::filesystem::path last_preview() const;
  /// The first file that a run would replace or mix with its own; "" if there is none. Empty folders do not count.
  std::filesystem::path first_in_the_way() const;
  /// Files can be written there, and its folders are its own: none is a symbolic link to elsewhere. Errors: IoError;
  /// UsageError naming the link.
  void check() const;
  /// Removes the files of an earlier run, by name, and its folders where nothing else is in them; configuration first:
  /// what is left of an interrupted removal is not taken for a run to resume. Nothing behind a link. Errors: IoError.
  void clear() const;
  /// Creates the folders. Errors: IoError.
  void create() const;
  /// Removes what a kill left behind: temporary files, and previews and reports of steps after `step`.
  void remove_leftovers(int64_t step) const;

 private:
  /// checkpoints/, previews/, tensorboard/, those that are no links.
  std::vector<std::filesystem::path> own_folders() const;
  /// The files below its folders whose names are those that a run gives.
  std::vector<std::filesystem::path> files_in_folders() const;
  std::filesystem::path root_;
};

}  // namespace sscvae::train
