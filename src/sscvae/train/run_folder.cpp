#include "sscvae/train/run_folder.h"

#include "sscvae/core/atomic_file.h"
#include "sscvae/core/error.h"
#include "sscvae/core/text.h"

namespace sscvae::train {

namespace fs = std::filesystem;

fs::path RunFolder::preview(int64_t step) const {
  return previews() / format("step_%06lld.png", static_cast<long long>(step));
}

bool RunFolder::holds_run() const {
  std::error_code ignored;
  return fs::exists(config(), ignored) || fs::exists(last(), ignored) || fs::exists(best(), ignored);
}

void RunFolder::clear() const {
  for (const fs::path& path : {config(), checkpoints(), split(), log(), validation_log(), tensorboard(), previews(), report()}) {
    std::error_code error;
    fs::remove_all(path, error);
    if (error) throw IoError("cannot remove '" + path.string() + "': " + error.message());
  }
}

void RunFolder::create() const {
  for (const fs::path& folder : {root_, checkpoints(), previews(), tensorboard()}) create_folder(folder);
}

void RunFolder::remove_leftovers(int64_t step) const {
  std::error_code ignored;
  for (const fs::path& folder : {root_, checkpoints(), previews()})
    for (const auto& entry : fs::directory_iterator(folder, ignored)) {
      const std::string name = entry.path().filename().string();
      const bool temporary = name.starts_with(".") && name.ends_with(".tmp");
      const bool later_preview = folder == previews() && name > preview(step).filename().string() && name.starts_with("step_");
      if (temporary || later_preview) fs::remove(entry.path(), ignored);
    }
}

}  // namespace sscvae::train
