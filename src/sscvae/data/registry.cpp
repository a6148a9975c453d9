#include "sscvae/data/registry.h"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>

#include "sscvae/core/atomic_file.h"
#include "sscvae/core/error.h"
#include "sscvae/core/log.h"
#include "sscvae/core/shipped_files.h"
#include "sscvae/core/text.h"
#include "sscvae/core/wording.h"
#include "sscvae/data/csv.h"
#include "sscvae/data/groups.h"
#include "sscvae/data/part_folders.h"
#include "sscvae/data/paths.h"
#include "sscvae/image/file_list.h"

namespace sscvae::data {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string>& part_names() {
  static const std::vector<std::string> names{"train", "val", "test"};
  return names;
}

[[noreturn]] void fail_layout(const DataOptions& options, const std::string& expected) {
  throw IoError(options.root + ": expected the layout of dataset '" + options.dataset + "': " + expected +
                "; found: " + some_names(folder_content(options.root)) + kOtherImages);
}

bool holds_folder(const DataOptions& options, const std::string& name) {
  std::error_code ignored;
  return fs::is_directory(fs::path(options.root) / name, ignored);
}

SplitManifest list_folder(const DataOptions& options) {
  SplitManifest manifest;
  for (const fs::path& path : image::find_images(options.root))
    manifest.rows.push_back({path.generic_string(), "", ""});
  const std::vector<std::string> unusual = assign_part_folders(manifest);
  const bool has_parts =
      std::any_of(manifest.rows.begin(), manifest.rows.end(), [](const ManifestRow& row) { return !row.part.empty(); });
  if (options.split == SplitRule::kOfficial && !unusual.empty())
    note(options.root + ": taken as parts of the split: " + some_names(unusual));
  if (has_parts && (options.split == SplitRule::kAuthors || options.split == SplitRule::kGrouped))
    note(options.root + ": images of its training and test folders are mixed and split again; " +
         "data.split = \"official\" keeps them");
  return manifest;
}

SplitManifest list_ultrasound(const DataOptions& options) {
  SplitManifest manifest;
  std::vector<std::string> without;
  for (std::string organ : folder_content(options.root)) {
    if (organ.back() != '/') continue;
    organ.pop_back();
    const fs::path below = fs::path(organ) / options.quality;
    if (!holds_folder(options, below.string())) {
      without.push_back(organ);
      continue;
    }
    for (const fs::path& path : image::find_images(fs::path(options.root) / below))
      manifest.rows.push_back({(below / path).generic_string(), "", organ});
  }
  if (manifest.rows.empty()) fail_layout(options, "<organ>/" + options.quality + "/*.png");
  if (!without.empty())
    warn(options.root + ": left out, without a folder '" + options.quality + "': " + some_names(without));
  return manifest;
}

SplitManifest list_bsds500(const DataOptions& options) {
  SplitManifest manifest;
  for (const std::string& part : part_names()) {
    if (!holds_folder(options, part)) fail_layout(options, "train/*.jpg, val/*.jpg, test/*.jpg");
    for (const fs::path& path : image::find_images(fs::path(options.root) / part))
      manifest.rows.push_back({(part / path).generic_string(), part, part});
  }
  // The authors keep all images in one folder: the order of the shuffled list is that of the file names.
  std::stable_sort(manifest.rows.begin(), manifest.rows.end(), [](const ManifestRow& a, const ManifestRow& b) {
    return fs::path(a.path).filename().string() < fs::path(b.path).filename().string();
  });
  return manifest;
}

void read_mini_imagenet_table(const DataOptions& options, const std::string& part, SplitManifest& manifest) {
  const fs::path table = fs::path(options.root) / (part + ".csv");
  const std::vector<CsvRecord> records = parse_csv(read_file(table, kMaxTableBytes), table.string());
  if (records.empty()) throw FormatError(table.string() + ": empty, expected a header 'filename,label'");
  const size_t name_column = csv_column(records[0], "filename", table.string());
  const size_t label_column = csv_column(records[0], "label", table.string());
  std::vector<std::string> paths;
  for (size_t i = 1; i < records.size(); ++i) {
    const std::string where = table.string() + ":" + std::to_string(records[i].line);
    if (records[i].cells.size() != records[0].cells.size())
      throw FormatError(where + ": " + std::to_string(records[i].cells.size()) + " cells, expected " +
                        std::to_string(records[0].cells.size()));
    check_relative_path(records[i].cells[name_column], where);
    paths.push_back("images/" + records[i].cells[name_column]);
    manifest.rows.push_back({paths.back(), part, records[i].cells[label_column]});
  }
  check_files_exist(options.root, paths, table.string());
}

SplitManifest list_mini_imagenet(const DataOptions& options) {
  SplitManifest manifest;
  for (const std::string& part : part_names()) {
    if (!holds_folder(options, "images") || !fs::exists(fs::path(options.root) / (part + ".csv")))
      fail_layout(options, "images/*.jpg, train.csv, val.csv, test.csv");
    read_mini_imagenet_table(options, part, manifest);
  }
  std::sort(manifest.rows.begin(), manifest.rows.end(),
            [](const ManifestRow& a, const ManifestRow& b) { return a.path < b.path; });
  const auto twice = std::adjacent_find(manifest.rows.begin(), manifest.rows.end(),
                                        [](const ManifestRow& a, const ManifestRow& b) { return a.path == b.path; });
  if (twice != manifest.rows.end())
    throw FormatError(options.root + ": '" + twice->path + "' occurs twice in train.csv, val.csv and test.csv");
  return manifest;
}

void check_options(const DataOptions& options) {
  if (options.root.empty())
    throw UsageError("data.root is not set: expected the folder of the images of dataset '" + options.dataset + "'");
  if (options.split == SplitRule::kManifest && options.manifest.empty())
    throw UsageError("data.split = \"manifest\" needs data.manifest, a CSV file with the columns path,part,group");
  if (options.split != SplitRule::kManifest && !options.manifest.empty())
    throw UsageError("data.manifest = \"" + options.manifest + "\" has no effect without data.split = \"manifest\"");
  if (std::error_code error; !fs::exists(options.root, error))
    throw IoError("data.root: no such folder: " + options.root);
  if (std::error_code error; !fs::is_directory(options.root, error))
    throw IoError("data.root: expected a folder, found a file: " + options.root);
}

void drop_small(const DataOptions& options, SplitManifest& manifest) {
  if (options.min_size <= 0) return;
  const size_t before = manifest.rows.size();
  std::erase_if(manifest.rows, [&](const ManifestRow& row) {
    try {
      const image::ImageSize size = image::read_image_size(fs::path(options.root) / row.path, options.max_pixels);
      return std::min(size.width, size.height) < options.min_size;
    } catch (const FormatError&) {
      return false;  // a broken image: what to do with it is decided where it is decoded
    }
  });
  const size_t dropped = before - manifest.rows.size();
  if (manifest.rows.empty())
    throw UsageError("data.min_size = " + std::to_string(options.min_size) + " leaves none of the " +
                     count_text(before, "image") + " in " + options.root);
  if (dropped)
    note(options.root + ": " + share_text(dropped, before, "image") + " left out, smaller than " +
         count_text(options.min_size, "pixel"));
}

/// The parts of the authors' rule, in shuffled order.
void split_as_authors(const DataOptions& options, SplitManifest& manifest) {
  std::map<std::string, std::string> groups;
  std::vector<std::string> names;
  for (const ManifestRow& row : manifest.rows) {
    names.push_back(row.path);
    groups[row.path] = row.group;
  }
  const SplitNames split = authors_split(names, options.seed, options.train_ratio, options.val_ratio);
  manifest.rows.clear();
  const auto add = [&](const char* part, const std::vector<std::string>& list) {
    for (const std::string& name : list) manifest.rows.push_back({name, part, groups[name]});
  };
  add("train", split.train);
  add("val", split.val);
  add("test", split.test);
}

void keep_official(const DataOptions& options, SplitManifest& manifest) {
  const auto has_part = [](const ManifestRow& row) { return !row.part.empty(); };
  if (std::none_of(manifest.rows.begin(), manifest.rows.end(), has_part)) return split_as_authors(options, manifest);
  if (const size_t others = std::erase_if(manifest.rows, std::not_fn(has_part)))
    warn(options.root + ": " + count_text(others, "image") + " outside the folders of the parts left out");
}

void keep_first(int64_t limit, SplitManifest& manifest) {
  if (limit <= 0) return;
  std::map<std::string, int64_t> counts;
  std::erase_if(manifest.rows, [&](const ManifestRow& row) { return ++counts[row.part] > limit; });
}

SplitManifest list_images(const DataOptions& options) {
  if (options.split == SplitRule::kManifest) {
    SplitManifest manifest = read_manifest(find_manifest(options.manifest));
    check_files_exist(options.root, manifest.paths("all"), options.manifest);
    return manifest;
  }
  SplitManifest manifest = find_dataset(options.dataset).list(options);
  if (manifest.rows.empty())
    throw IoError(options.root + ": no images (.png, .jpg, .jpeg) for dataset '" + options.dataset +
                  "'; found: " + some_names(folder_content(options.root)));
  return manifest;
}

/// The parts of the dataset's own tables, without images of a shorter side.
Assignments official_parts(int64_t min_size) {
  return {{"data.split", std::string("official")}, {"data.min_size", min_size}};
}

}  // namespace

const std::vector<DatasetEntry>& dataset_entries() {
  static const std::vector<DatasetEntry> entries{
      {"folder",
       "any folder of PNG and JPEG images, at any depth",
       "your own images",
       "*.png, *.jpg, *.jpeg at any depth; hidden files are left out",
       "subfolders train/, val/, test/ (or training/, validation/, testing/, ...) where there are such",
       {},
       256,
       list_folder},
      {"ultrasound",
       "clinical B-mode images by organ",
       "USEnhance 2023 challenge, and collections in its layout",
       "<organ>/<quality>/*.png",
       "",
       {},
       256,
       list_ultrasound},
      {"bsds500",
       "500 colour photographs",
       "Berkeley Segmentation Data Set 500 (Arbelaez et al. 2011)",
       "train/*.jpg, val/*.jpg, test/*.jpg",
       "the three folders: 200, 100, 200 images",
       {},
       32,
       list_bsds500},
      {"mini-imagenet",
       "photographs of 100 ImageNet classes",
       "mini-ImageNet (Vinyals et al. 2016)",
       "images/*.jpg and train.csv, val.csv, test.csv with the columns filename,label",
       "the three tables",

       // The paper keeps images above 256 pixels (section 4.4), the release those of 256, too.
       {{"reference", official_parts(256)}, {"paper", official_parts(257)}},
       128,
       list_mini_imagenet},
  };
  return entries;
}

std::vector<std::string> dataset_names() {
  std::vector<std::string> names;
  for (const DatasetEntry& entry : dataset_entries()) names.push_back(entry.name);
  return names;
}

const DatasetEntry& find_dataset(const std::string& name) {
  for (const DatasetEntry& entry : dataset_entries())
    if (entry.name == name) return entry;
  throw UsageError("data.dataset: unknown dataset '" + name + "'" + suggestion(name, dataset_names()) +
                   "; known: " + join(dataset_names(), ", "));
}

std::string find_manifest(const std::string& path) {
  std::error_code error;
  if (path.empty() || std::filesystem::exists(path, error)) return path;
  const std::string shipped = find_shipped_file("splits/" + std::filesystem::path(path).filename().string());
  return shipped.empty() ? path : shipped;
}

SplitManifest make_manifest(const DataOptions& options) {
  find_dataset(options.dataset);
  check_options(options);
  SplitManifest manifest = list_images(options);
  drop_small(options, manifest);
  assign_groups(options, manifest);
  switch (options.split) {
    case SplitRule::kOfficial:
      keep_official(options, manifest);
      break;
    case SplitRule::kAuthors:
      split_as_authors(options, manifest);
      break;
    case SplitRule::kGrouped:
      split_by_groups(options, manifest);
      break;
    case SplitRule::kManifest:
      break;
    case SplitRule::kAll:
      for (ManifestRow& row : manifest.rows) row.part = "all";
      break;
  }
  if (names_groups(options)) refuse_straddling_groups(manifest);
  keep_first(options.limit, manifest);
  manifest.sort();
  return manifest;
}

std::vector<std::string> require_part(const SplitManifest& manifest, const std::string& part,
                                      const DataOptions& options) {
  std::vector<std::string> paths = manifest.paths(part);
  if (paths.empty())
    throw UsageError("no images in part '" + part + "' of dataset '" + options.dataset + "' in " + options.root + " (" +
                     manifest.counts() + "): choose another data.split, other ratios or another part");
  return paths;
}

}  // namespace sscvae::data
