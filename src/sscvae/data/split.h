#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

/// Which image belongs to which part of a dataset, as a table that can be stored, compared and given back.
namespace sscvae::data {

/// `path` is relative to the dataset's root, with '/' on every system. `part` is "train", "val", "test", or "all" for
/// an image that belongs to all three. `group` says what the image shows or where it comes from (organ, class, folder).
struct ManifestRow {
  std::string path, part, group;
  friend bool operator==(const ManifestRow&, const ManifestRow&) = default;
};

/// Rows in canonical order: train, val, test, all, each sorted by path as bytes. Hence what is read back from a file
/// trains exactly as what was listed.
struct SplitManifest {
  std::vector<ManifestRow> rows;

  /// Paths of that part in order; rows of part "all" belong to every part. paths("all") is every path of the manifest.
  std::vector<std::string> paths(std::string_view part) const;
  /// Header "path,part,group", then the rows; RFC 4180 quoting, lines end with \n.
  std::string csv() const;
  /// SHA-256 of csv() in lower-case hex: equal splits have equal hashes.
  std::string hash() const;
  /// "train 840, val 105, test 105".
  std::string counts() const;
  void sort();
};

/// Reads RFC 4180 CSV with a header of at least path and part, columns in any order. Lines may end with \r\n, a byte
/// order mark is ignored, rows are sorted. `source` names the text in errors.
/// Errors: IoError; FormatError with the line for unknown parts, paths that occur twice, are empty or absolute or leave
/// the root by "..", damaged quoting, missing columns, no rows.
SplitManifest read_manifest(const std::filesystem::path& path);
SplitManifest parse_manifest(std::string_view text, const std::string& source);

/// Writes csv() atomically. Errors: IoError.
void write_manifest(const std::filesystem::path& path, const SplitManifest& manifest);

/// The three lists of a shuffled split, in shuffled order.
struct SplitNames {
  std::vector<std::string> train, val, test;
};

/// The authors' rule: the names in the order given are shuffled as Python's random.Random(seed).shuffle does; the first
/// int(n * train_ratio) are train, the next int(n * val_ratio) val, the rest test. Exact for equal input.
/// Errors: UsageError for a negative seed, ratios outside 0 to 1 or a sum above 1.
SplitNames authors_split(std::vector<std::string> names, int64_t seed, double train_ratio, double val_ratio);

/// At most `count` of the paths at even distances over the whole list, in order: paths[i * n / count]. A sorted list of
/// several groups is then represented by all of them, which its first `count` names would not do. count <= 0: all.
std::vector<std::string> spread_selection(const std::vector<std::string>& paths, int64_t count);

}  // namespace sscvae::data
