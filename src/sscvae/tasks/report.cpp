#include "sscvae/tasks/report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "sscvae/core/atomic_file.h"
#include "sscvae/core/error.h"
#include "sscvae/core/text.h"

namespace sscvae::tasks {

namespace {

void print(const std::string& text) {
  if (text.empty()) return;
  const std::string end = text.ends_with('\n') ? "" : "\n";
  if (std::fputs((text + end).c_str(), stdout) < 0 || std::fflush(stdout) != 0)
    throw IoError("cannot write to standard output");
}

/// Cells that read as numbers are aligned to the right.
bool is_number(const std::string& cell) {
  return !cell.empty() && cell.find_first_not_of("0123456789.,+-eE%infa ") == std::string::npos &&
         cell.find_first_of("0123456789") != std::string::npos;
}

}  // namespace

Report make_report(std::string text, Json json) {
  return {std::move(text), std::make_shared<Json>(std::move(json)), std::nullopt};
}

void check_writable(const std::string& path, bool overwrite) {
  if (path.empty() || path == "-") return;
  const std::filesystem::path file(path);
  std::error_code error;
  if (std::filesystem::is_directory(file, error)) throw UsageError("'" + path + "' is a folder, expected a file name");
  if (!overwrite && std::filesystem::exists(file, error))
    throw UsageError("'" + path + "' exists; --overwrite replaces it");
  const std::filesystem::path folder = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
  if (!std::filesystem::is_directory(folder, error)) throw IoError("cannot write '" + path + "': no such folder");
}

void deliver(const Report& report, const std::string& target, bool overwrite) {
  check_writable(target, overwrite);
  const std::string json = report.json->dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  if (!target.empty() && target != "-") write_atomically(target, json);
  print(target == "-" ? json : report.text);
  if (report.failure) throw *report.failure;
}

Json json_number(double value) {
  if (std::isfinite(value)) return value;
  return to_text(value);
}

Json json_numbers(const std::map<std::string, double>& values) {
  Json object = Json::object();
  for (const auto& [name, value] : values) object[name] = json_number(value);
  return object;
}

std::string text_table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string padding(widths[i] - row[i].size(), ' ');
      const bool right = rows.size() > 1 && i < rows.back().size() && is_number(rows.back()[i]);
      line += (i ? "  " : "") + (right ? padding + row[i] : row[i] + padding);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

}  // namespace sscvae::tasks
