#pragma once

#include <nlohmann/json_fwd.hpp>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sscvae/core/error.h"

/// What a command found out: for a person as text, for a program as JSON.
namespace sscvae::tasks {

using Json = nlohmann::ordered_json;

struct Report {
  std::string text;
  std::shared_ptr<Json> json;
  std::optional<Error> failure =
      std::nullopt;  ///< what went wrong with a part of the work; thrown once all is delivered
};
Report make_report(std::string text, Json json);

/// Prints the text to standard output and writes the JSON to `target`: "" nowhere, "-" to standard output instead of
/// the text, otherwise a file. Errors: IoError; UsageError if the file exists and `overwrite` is false; then
/// report.failure.
void deliver(const Report& report, const std::string& target, bool overwrite);

/// Checks before any work that `path` ("" and "-" are fine) may be written. Errors: UsageError if it exists without
/// `overwrite`; IoError if its folder does not exist.
void check_writable(const std::string& path, bool overwrite);

/// A number as JSON can hold it: "nan", "inf" and "-inf" become texts.
Json json_number(double value);
Json json_numbers(const std::map<std::string, double>& values);

/// Rows of cells with aligned columns, two spaces apart; the first row is the header.
std::string text_table(const std::vector<std::vector<std::string>>& rows);

}  // namespace sscvae::tasks
