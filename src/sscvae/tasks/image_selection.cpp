#include "sscvae/tasks/image_selection.h"

#include <algorithm>
#include <map>
#include <utility>

#include "sscvae/core/error.h"
#include "sscvae/core/log.h"
#include "sscvae/core/text.h"
#include "sscvae/data/registry.h"
#include "sscvae/experiments/experiment.h"

namespace sscvae::tasks {

namespace {

data::DataOptions data_options(const ImageSelection& selection, const data::DataOptions& configured) {
  data::DataOptions data = selection.data_config.empty()
                               ? configured
                               : experiments::resolve_experiment(selection.data_config, {}).options.data;
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

/// Does the folder hold something of the dataset that the options name?
bool has_layout(const data::DataOptions& data) {
  try {
    if (data.split != data::SplitRule::kManifest) return !data::find_dataset(data.dataset).list(data).rows.empty();
    const data::SplitManifest manifest = data::read_manifest(data::find_manifest(data.manifest));
    return std::any_of(manifest.rows.begin(), manifest.rows.end(), [&](const data::ManifestRow& row) {
      std::error_code ignored;
      return std::filesystem::exists(std::filesystem::path(data.root) / row.path, ignored);
    });
  } catch (const Error&) {
    return false;
  }
}

/// Turns to dataset `folder` where only a folder was named and it has another layout than the options. False: it has
/// not.
bool turn_to_folder(ImageSelection& selection, data::DataOptions& options) {
  const bool only_folder =
      !selection.data.empty() && selection.dataset.empty() && selection.data_config.empty() && selection.split.empty();
  std::error_code ignored;
  if (!only_folder || !std::filesystem::is_directory(selection.data, ignored)) return false;
  data::DataOptions there = options;
  there.root = selection.data;
  if (has_layout(there)) return false;
  const std::string layout =
      there.split == data::SplitRule::kManifest
          ? "none of the files that '" + there.manifest + "' names"
          : "not the layout of dataset '" + there.dataset + "' (" + data::find_dataset(there.dataset).layout + ")";
  note("'" + selection.data + "' has " + layout + ", which the weights were trained on: taken as --dataset folder");
  options.dataset = selection.dataset = "folder";
  options.split = data::SplitRule::kOfficial;
  for (std::string* of_other : {&options.manifest, &options.group_pattern, &options.group_table}) of_other->clear();
  return true;
}

SelectedImages listed(const ImageSelection& selection, const data::DataOptions& configured,
                      const std::string& usual_part) {
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
  try {
    return listed(selection, configured, usual_part);
  } catch (const IoError&) {
    ImageSelection in_folder = selection;
    data::DataOptions options = configured;
    if (!turn_to_folder(in_folder, options)) throw;
    return listed(in_folder, options, usual_part);
  }
}

}  // namespace sscvae::tasks
