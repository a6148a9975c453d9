#include "sscvae/train/csv_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <limits>

#include "sscvae/core/atomic_file.h"
#include "sscvae/core/error.h"
#include "sscvae/core/numbers.h"
#include "sscvae/core/text.h"

namespace sscvae::train {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void fail(const fs::path& path, int reason) {
  throw IoError("cannot write '" + path.string() + "': " + std::strerror(reason));
}

/// The lines that end with a line end.
std::vector<std::string> complete_lines(const fs::path& path) {
  const std::string text = read_file(path);
  std::vector<std::string> lines = split(text, '\n');
  lines.pop_back();  // what stands behind the last line end: nothing, or a torn row
  return lines;
}

std::string kept_content(const fs::path& path, const std::string& header, int64_t keep_up_to) {
  std::string content = header + "\n";
  if (!fs::exists(path)) return content;
  const std::vector<std::string> lines = complete_lines(path);
  if (lines.empty()) return content;
  if (lines[0] != header)
    throw FormatError("'" + path.string() + "': expected the columns " + header + ", got " + lines[0]);
  for (size_t i = 1; i < lines.size(); ++i)
    if (parse_whole(lines[i].substr(0, lines[i].find(','))).value_or(0) <= keep_up_to) content += lines[i] + "\n";
  return content;
}

}  // namespace

CsvLog::CsvLog(fs::path path, std::vector<std::string> columns, int64_t keep_up_to)
    : path_(std::move(path)), columns_(std::move(columns)) {
  write_atomically(path_, kept_content(path_, join(columns_, ","), keep_up_to));
  descriptor_ = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (descriptor_ < 0) fail(path_, errno);
}

CsvLog::~CsvLog() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void CsvLog::row(int64_t step, const std::vector<double>& values) {
  SSCVAE_ASSERT(values.size() + 1 == columns_.size());
  std::string line = std::to_string(step);
  for (double value : values) line += std::isnan(value) ? std::string(",") : format(",%.9g", value);
  line += "\n";
  ssize_t written;
  do written = ::write(descriptor_, line.data(), line.size());
  while (written < 0 && errno == EINTR);
  if (written < 0) fail(path_, errno);
  if (static_cast<size_t>(written) != line.size()) fail(path_, ENOSPC);
}

void CsvLog::sync() {
  if (::fsync(descriptor_) != 0 && errno != EINVAL && errno != ENOTSUP) fail(path_, errno);
}

std::map<std::string, std::vector<double>> read_csv_log(const fs::path& path) {
  std::map<std::string, std::vector<double>> table;
  if (!fs::exists(path)) return table;
  const std::vector<std::string> lines = complete_lines(path);
  if (lines.empty()) return table;
  const std::vector<std::string> columns = split(lines[0], ',');
  for (size_t i = 1; i < lines.size(); ++i) {
    const std::vector<std::string> cells = split(lines[i], ',');
    for (size_t c = 0; c < columns.size(); ++c)
      table[columns[c]].push_back(
          parse_real(c < cells.size() ? cells[c] : "").value_or(std::numeric_limits<double>::quiet_NaN()));
  }
  return table;
}

double logged_value(const std::filesystem::path& path, int64_t step, const std::string& column) {
  const auto table = read_csv_log(path);
  const auto steps = table.find("step"), values = table.find(column);
  if (steps == table.end() || values == table.end()) return std::numeric_limits<double>::quiet_NaN();
  const auto row = std::find(steps->second.begin(), steps->second.end(), static_cast<double>(step));
  if (row == steps->second.end()) return std::numeric_limits<double>::quiet_NaN();
  return values->second.at(static_cast<size_t>(row - steps->second.begin()));
}

}  // namespace sscvae::train
