#include "sscvae/data/groups.h"

#include <map>
#include <regex>

#include "sscvae/core/atomic_file.h"
#include "sscvae/core/error.h"
#include "sscvae/core/log.h"
#include "sscvae/core/random.h"
#include "sscvae/core/text.h"
#include "sscvae/core/wording.h"
#include "sscvae/data/csv.h"
#include "sscvae/data/paths.h"

namespace sscvae::data {
namespace {

std::regex compile(const std::string& pattern) {
  try {
    return std::regex(pattern);
  } catch (const std::regex_error&) {
    throw UsageError("data.group_pattern: '" + pattern + "' is no regular expression (ECMAScript)");
  }
}

void assign_by_pattern(const std::string& text, SplitManifest& manifest) {
  const std::regex pattern = compile(text);
  size_t unmatched = 0;
  std::string first;
  for (ManifestRow& row : manifest.rows) {
    std::smatch match;
    if (std::regex_search(row.path, match, pattern)) {
      row.group = match[match.size() > 1 ? 1 : 0].str();
    } else if (unmatched++ == 0) {
      first = row.path;
    }
  }
  if (unmatched)
    throw UsageError("data.group_pattern: '" + text + "' does not match " +
                     share_text(unmatched, manifest.rows.size(), "path") + ", the first is '" + first + "'");
}

std::map<std::string, std::string> read_group_table(const std::string& path) {
  const std::vector<CsvRecord> records = parse_csv(read_file(path, kMaxTableBytes), path);
  if (records.empty()) throw FormatError(path + ": empty, expected a header with the columns path and group");
  const size_t path_column = csv_column(records[0], "path", path);
  const size_t group_column = csv_column(records[0], "group", path);
  std::map<std::string, std::string> groups;
  for (size_t i = 1; i < records.size(); ++i) {
    const std::vector<std::string>& cells = records[i].cells;
    const std::string where = path + ":" + std::to_string(records[i].line);
    if (cells.size() != records[0].cells.size())
      throw FormatError(where + ": " + std::to_string(cells.size()) + " cells, expected " +
                        std::to_string(records[0].cells.size()));
    check_relative_path(cells[path_column], where);
    if (!groups.emplace(cells[path_column], cells[group_column]).second)
      throw FormatError(where + ": '" + cells[path_column] + "' occurs twice");
  }
  return groups;
}

void assign_by_table(const std::string& path, SplitManifest& manifest) {
  const std::map<std::string, std::string> groups = read_group_table(path);
  for (ManifestRow& row : manifest.rows) {
    const auto found = groups.find(row.path);
    if (found == groups.end() || found->second.empty())
      throw FormatError(path + ": no group for the image '" + row.path + "'");
    row.group = found->second;
  }
}

/// What whole groups leave of the parts that the ratios ask for.
void check_parts(const DataOptions& options, const SplitManifest& manifest, size_t groups) {
  std::vector<std::string> filled, empty;
  const std::pair<const char*, double> shares[] = {{"train", options.train_ratio},
                                                   {"val", options.val_ratio},
                                                   {"test", 1 - options.train_ratio - options.val_ratio}};
  for (const auto& [part, share] : shares) {
    if (share <= 1e-9) continue;
    (manifest.paths(part).empty() ? empty : filled).push_back(part);
  }
  if (empty.empty() || manifest.rows.empty()) return;
  const std::string found = count_text(manifest.rows.size(), "image") + " in " + count_text(groups, "group");
  const std::string line = "data.split = \"grouped\": " + found + " leave part " + join(empty, " and part ") + " empty";
  if (filled.size() < 2)
    throw UsageError(line + "; name smaller groups by data.group_pattern or data.group_table, or choose data.split = " +
                     "\"authors\"");
  warn(line);
}

}  // namespace

bool names_groups(const DataOptions& options) { return !options.group_pattern.empty() || !options.group_table.empty(); }

void assign_groups(const DataOptions& options, SplitManifest& manifest) {
  if (!options.group_pattern.empty() && !options.group_table.empty())
    throw UsageError("data.group_pattern and data.group_table: expected one of them, got both");
  if (!options.group_pattern.empty()) assign_by_pattern(options.group_pattern, manifest);
  if (!options.group_table.empty()) assign_by_table(options.group_table, manifest);
}

void split_by_groups(const DataOptions& options, SplitManifest& manifest) {
  authors_split({}, options.seed, options.train_ratio, options.val_ratio);  // the same checks
  std::map<std::string, double> sizes;
  for (const ManifestRow& row : manifest.rows) sizes[row.group] += 1;
  std::vector<std::string> order;
  for (const auto& [group, size] : sizes) order.push_back(group);
  python_shuffle(order, static_cast<uint64_t>(options.seed));
  const auto total = static_cast<double>(manifest.rows.size());
  std::map<std::string, std::string> parts;
  double before = 0;
  for (const std::string& group : order) {
    const double middle = (before + sizes[group] / 2) / total;
    before += sizes[group];
    parts[group] = middle < options.train_ratio                       ? "train"
                   : middle < options.train_ratio + options.val_ratio ? "val"
                                                                      : "test";
  }
  for (ManifestRow& row : manifest.rows) row.part = parts[row.group];
  check_parts(options, manifest, order.size());
}

void refuse_straddling_groups(const SplitManifest& manifest) {
  std::map<std::string, std::string> parts;
  for (const ManifestRow& row : manifest.rows) {
    const auto [found, fresh] = parts.emplace(row.group, row.part);
    if (!fresh && found->second != row.part)
      throw UsageError("group '" + row.group + "' is in the parts " + found->second + " and " + row.part +
                       ": data.split = \"grouped\" keeps groups whole");
  }
}

}  // namespace sscvae::data
