#pragma once

#include <cstdint>
#include <filesystem>

/// Where the files of a run lie.
namespace sscvae::train {

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
  /// Removes the files of an earlier run (nothing else), configuration first: what is left of an interrupted removal is
  /// not taken for a run to resume. Errors: IoError.
  void clear() const;
  /// Creates the folders. Errors: IoError.
  void create() const;
  /// Removes what a kill left behind: temporary files, and previews and reports of steps after `step`.
  void remove_leftovers(int64_t step) const;

 private:
  std::filesystem::path root_;
};

}  // namespace sscvae::train
