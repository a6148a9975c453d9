#include "sscvae/data/split.h"

#include <algorithm>
#include <array>
#include <set>
#include <tuple>

#include "sscvae/core/atomic_file.h"
#include "sscvae/core/error.h"
#include "sscvae/core/random.h"
#include "sscvae/core/sha256.h"
#include "sscvae/core/text.h"
#include "sscvae/data/csv.h"
#include "sscvae/data/paths.h"

namespace sscvae::data {
namespace {

constexpr uint64_t kMaxManifestBytes = uint64_t{1} << 30;
constexpr std::array<std::string_view, 4> kParts{"train", "val", "test", "all"};

size_t part_rank(std::string_view part) {
  return static_cast<size_t>(std::find(kParts.begin(), kParts.end(), part) - kParts.begin());
}

std::string cell_or_empty(const CsvRecord& record, size_t column) {
  return column < record.cells.size() ? record.cells[column] : std::string();
}

void check_row(const ManifestRow& row, const std::string& where) {
  if (part_rank(row.part) == kParts.size())
    throw FormatError(where + ": unknown part '" + row.part + "', expected train, val, test or all");
  check_relative_path(row.path, where);
}

}  // namespace

std::vector<std::string> SplitManifest::paths(std::string_view part) const {
  std::vector<std::string> result;
  for (const ManifestRow& row : rows)
    if (part == "all" || row.part == part || row.part == "all") result.push_back(row.path);
  return result;
}

std::string SplitManifest::csv() const {
  std::string text = "path,part,group\n";
  for (const ManifestRow& row : rows)
    text += csv_cell(row.path) + ',' + csv_cell(row.part) + ',' + csv_cell(row.group) + '\n';
  return text;
}

std::string SplitManifest::hash() const { return sha256_hex(csv()); }

std::string SplitManifest::counts() const {
  std::array<long long, kParts.size()> counts{};
  for (const ManifestRow& row : rows)
    if (const size_t rank = part_rank(row.part); rank < kParts.size()) ++counts[rank];
  if (counts[3]) return format("all %lld", counts[3]);
  return format("train %lld, val %lld, test %lld", counts[0], counts[1], counts[2]);
}

void SplitManifest::sort() {
  std::sort(rows.begin(), rows.end(), [](const ManifestRow& a, const ManifestRow& b) {
    return std::tuple(part_rank(a.part), std::string_view(a.path)) <
           std::tuple(part_rank(b.part), std::string_view(b.path));
  });
}

SplitManifest read_manifest(const std::filesystem::path& path) {
  return parse_manifest(read_file(path, kMaxManifestBytes), path.string());
}

SplitManifest parse_manifest(std::string_view text, const std::string& source) {
  const std::vector<CsvRecord> records = parse_csv(text, source);
  if (records.empty()) throw FormatError(source + ": empty, expected a header 'path,part,group'");
  const CsvRecord& header = records.front();
  const size_t path_column = csv_column(header, "path", source), part_column = csv_column(header, "part", source);
  const auto group = std::find_if(header.cells.begin(), header.cells.end(),
                                  [](const std::string& cell) { return trim(cell) == "group"; });
  const auto group_column = static_cast<size_t>(group - header.cells.begin());
  SplitManifest manifest;
  std::set<std::string> seen;
  for (size_t i = 1; i < records.size(); ++i) {
    const std::string where = source + ":" + std::to_string(records[i].line);
    if (records[i].cells.size() != header.cells.size())
      throw FormatError(where + ": " + std::to_string(records[i].cells.size()) + " cells, expected " +
                        std::to_string(header.cells.size()));
    ManifestRow row{records[i].cells[path_column], records[i].cells[part_column],
                    cell_or_empty(records[i], group_column)};
    check_row(row, where);
    row.path = std::filesystem::path(row.path).lexically_normal().generic_string();
    if (!seen.insert(row.path).second) throw FormatError(where + ": '" + row.path + "' occurs twice");
    manifest.rows.push_back(std::move(row));
  }
  if (manifest.rows.empty()) throw FormatError(source + ": no rows behind the header");
  manifest.sort();
  return manifest;
}

void write_manifest(const std::filesystem::path& path, const SplitManifest& manifest) {
  SplitManifest sorted = manifest;
  sorted.sort();
  write_atomically(path, sorted.csv());
}

SplitNames authors_split(std::vector<std::string> names, int64_t seed, double train_ratio, double val_ratio) {
  if (seed < 0) throw UsageError("data.seed: expected >= 0, got " + std::to_string(seed));
  if (!(train_ratio >= 0 && val_ratio >= 0 && train_ratio + val_ratio <= 1 + 1e-9))
    throw UsageError("data.train_ratio and data.val_ratio: expected two shares with a sum of at most 1, got " +
                     to_text(train_ratio) + " and " + to_text(val_ratio));
  python_shuffle(names, static_cast<uint64_t>(seed));
  const auto n = static_cast<double>(names.size());
  const auto train_end = std::min(names.size(), static_cast<size_t>(n * train_ratio));
  const auto val_end = std::min(names.size(), train_end + static_cast<size_t>(n * val_ratio));
  const auto at = [&](size_t i) { return names.begin() + static_cast<std::ptrdiff_t>(i); };
  return {{at(0), at(train_end)}, {at(train_end), at(val_end)}, {at(val_end), names.end()}};
}

std::vector<std::string> spread_selection(const std::vector<std::string>& paths, int64_t count) {
  if (count <= 0 || static_cast<size_t>(count) >= paths.size()) return paths;
  std::vector<std::string> result;
  for (size_t i = 0; i < static_cast<size_t>(count); ++i)
    result.push_back(paths[i * paths.size() / static_cast<size_t>(count)]);
  return result;
}

}  // namespace sscvae::data
