#pragma once

#include <map>
#include <string>
#include <vector>

#include "sscvae/data/data_options.h"
#include "sscvae/data/split.h"

/// The datasets that the program knows, as a table. A dataset is a way of listing files and, where it has one, an
/// official split; everything behind the list of paths is common to all.
namespace sscvae::data {

struct DatasetEntry {
  std::string name;
  std::string summary;
  std::string source;          ///< where the images come from
  std::string layout;          ///< what lies below the root
  std::string official_split;  ///< how it is given; empty if there is none and the authors' rule stands in
  /// The values that a profile means for this dataset, after its own, by the profile's name; mostly none.
  std::map<std::string, Assignments> values;
  int64_t test_stride;  ///< of the 256-pixel windows of the paper's tests, pixels (released configurations)
  /// All images below options.root in the order in which the authors' rule shuffles them. `part` is the official part,
  /// or empty where the dataset has none. Errors: IoError (what was expected, what was found); FormatError for tables.
  SplitManifest (*list)(const DataOptions& options);
};

const std::vector<DatasetEntry>& dataset_entries();
std::vector<std::string> dataset_names();
/// Errors: UsageError with the nearest known name.
const DatasetEntry& find_dataset(const std::string& name);

/// Lists, filters by min_size, splits and limits as the options say; `limit` takes the first images of each part in the
/// order of the split (authors' rule: shuffled order; otherwise sorted). No image is decoded.
/// Errors: UsageError for options that contradict each other; IoError for a missing root, a wrong layout, no images at
/// all, files that a table or manifest names and that are not there; FormatError for damaged tables.
SplitManifest make_manifest(const DataOptions& options);

/// A manifest's file: the path as given or, where there is none, the split of that file name that comes with the
/// program (core/shipped_files.h); the path again if there is neither.
std::string find_manifest(const std::string& path);

/// manifest.paths(part). Errors: UsageError if there are none, with the counts of the parts that there are.
std::vector<std::string> require_part(const SplitManifest& manifest, const std::string& part,
                                      const DataOptions& options);

}  // namespace sscvae::data
