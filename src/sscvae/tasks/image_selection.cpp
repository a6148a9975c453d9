#include "sscvae/tasks/image_selection.h"

#include <algorithm>
#include <map>
#include <utility>

#include "sscvae/core/error.h"
#include "sscvae/core/text.h"
#include "sscvae/data/registry.h"
#include "sscvae/train/experiment.h"

namespace sscvae::tasks {

namespace {

data::DataOptions data_options(const ImageSelection& selection, const data::DataOptions& configured) {
  data::DataOptions data =
      selection.data_config.empty() ? configured : train::resolve_experiment(selection.data_config, {}).options.data;
  if (!selection.dataset.empty() && selection.dataset != data.dataset) {
    data.dataset = data::find_dataset(selection.dataset).name;
    data.split = data::SplitRule::kOfficial;
    data.manifest.clear();
  }
  if (!selection.data.empty()) data.root = selection.data;
  if (data.root.empty()) throw UsageError("--data is missing and the configuration names no data.root");
  data.limit = 0;
  if (data.split == data::SplitRule::kManifest && data.manifest.empty() && selection.split.empty()) {
    if (selection.part != "all" && selection.dataset != "folder")
      throw UsageError(
          "--split: the weights were trained on parts that a table gave, and do not bring it along: name the "
          "table, or take all images by --part all");
    data.split = data::SplitRule::kAll;
  }
  if (!selection.split.empty()) {
    data.split = data::SplitRule::kManifest;
    data.manifest = selection.split;
  }
  return data;
}

}  // namespace

void take_spread(SelectedImages& images, int64_t limit) {
  if (limit <= 0 || limit >= static_cast<int64_t>(images.paths.size())) return;
  std::map<std::string, std::string> group_of;
  for (const data::ManifestRow& row : images.manifest.rows) group_of[row.path] = row.group;
  std::ranges::sort(images.paths, {}, [&](const std::string& path) { return std::pair(group_of[path], path); });
  images.paths = data::spread_selection(images.paths, limit);
}

SelectedImages select_images(const ImageSelection& selection, const data::DataOptions& configured,
                             const std::string& usual_part) {
  if (selection.limit < 0) throw UsageError("--limit: expected a number >= 0, got " + std::to_string(selection.limit));
  SelectedImages selected;
  selected.data = data_options(selection, configured);
  selected.part = selection.part;
  if (selected.part.empty())
    selected.part = selection.dataset == "folder" && selection.split.empty() ? "all" : usual_part;
  const std::vector<std::string> parts{"train", "val", "test", "all"};
  if (std::find(parts.begin(), parts.end(), selected.part) == parts.end())
    throw UsageError("--part: expected train, val, test or all, got '" + selected.part + "'" +
                     suggestion(selected.part, parts));
  selected.manifest = data::make_manifest(selected.data);
  selected.paths = data::require_part(selected.manifest, selected.part, selected.data);
  return selected;
}

}  // namespace sscvae::tasks
