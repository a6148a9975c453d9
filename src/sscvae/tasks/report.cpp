#include "sscvae/tasks/report.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "sscvae/core/atomic_file.h"
#include "sscvae/core/error.h"
#include "sscvae/core/printable.h"
#include "sscvae/core/text.h"
#include "sscvae/tasks/interrupt.h"

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
  return {std::move(text), std::make_shared<Json>(std::move(json)), std::nullopt, false};
}

std::optional<Error> write_or_keep(const std::string& path, const std::string& content, bool overwrite) {
  const auto attempt = [&content](const std::string& target, bool replace) -> std::optional<Error> {
    try {
      check_writable(target, replace);
      write_atomically(target, content);
      return std::nullopt;
    } catch (const Error& error) {
      return error;
    }
  };
  const std::optional<Error> failure = attempt(path, overwrite);
  if (!failure) return std::nullopt;
  std::error_code ignored;
  const std::filesystem::path name =
      format("%s.kept-%d", std::filesystem::path(path).filename().c_str(), static_cast<int>(::getpid()));
  for (const std::filesystem::path& folder : {std::filesystem::path(path).parent_path(), std::filesystem::path("."),
                                              std::filesystem::temp_directory_path(ignored)})
    if (const std::string other = (folder / name).string(); !attempt(other, false))
      return Error(failure->code(), failure->what() + ("; the results are in '" + other + "'"));
  return Error(failure->code(), failure->what() + std::string("; they could not be kept in another file, either"));
}

void deliver(const Report& report, const std::string& target, bool overwrite) {
  const std::string json = report.json->dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  std::optional<Error> failure;
  if (!target.empty() && !is_standard_output(target)) failure = write_or_keep(target, json, overwrite);
  print(is_standard_output(target) ? json : printable(report.text, true));
  if (failure) throw *failure;
  if (report.failure) throw *report.failure;
  if (report.interrupted) throw Interrupted{};
}

void carry_out(const std::string& json, bool overwrite, const std::function<Report()>& work,
               std::vector<OutputFile> files) {
  files.insert(files.begin(), OutputFile{"--json", json});
  check_outputs(files, overwrite);
  Report report = work();
  const auto takes_output = [](const OutputFile& file) { return is_standard_output(file.path); };
  if (std::any_of(files.begin(), files.end(), takes_output)) report.text.clear();
  deliver(report, json, overwrite);
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
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], display_width(printable(row[i])));
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string cell = printable(row[i]), padding(widths[i] - display_width(cell), ' ');
      const bool right = rows.size() > 1 && i < rows.back().size() && is_number(rows.back()[i]);
      line += (i ? "  " : "") + (right ? padding + cell : cell + padding);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

}  // namespace sscvae::tasks
