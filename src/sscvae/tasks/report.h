#pragma once

#include <nlohmann/json_fwd.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sscvae/core/error.h"
#include "sscvae/core/output_files.h"

/// What a command found out: for a person as text, for a program as JSON.
namespace sscvae::tasks {

using Json = nlohmann::ordered_json;

struct Report {
  std::string text;
  std::shared_ptr<Json> json;
  std::optional<Error> failure =
      std::nullopt;          ///< what went wrong with a part of the work; thrown once all is delivered
  bool interrupted = false;  ///< it is of what was done until then; Interrupted is thrown once all is delivered
};
Report make_report(std::string text, Json json);

/// Prints the text to standard output (control characters as printable() shows them) and writes the JSON to `target`:
/// "" nowhere, "-" to standard output instead of the text, otherwise a file. Errors: as write_or_keep; then
/// report.failure; then Interrupted.
void deliver(const Report& report, const std::string& target, bool overwrite);

/// Writes the results of work that may have taken hours. Where they cannot go to `path`, they are kept in another file,
/// and what is returned says why and where.
std::optional<Error> write_or_keep(const std::string& path, const std::string& content, bool overwrite);

/// What every command does: checks all files that it is to write, before anything else, works, delivers. Where one of
/// them is standard output, the text is not printed there.
void carry_out(const std::string& json, bool overwrite, const std::function<Report()>& work,
               std::vector<OutputFile> files = {});

/// A number as JSON can hold it: "nan", "inf" and "-inf" become texts.
Json json_number(double value);
Json json_numbers(const std::map<std::string, double>& values);

/// Rows of cells, as printable() shows them, in columns aligned by their width on a terminal, two spaces apart; the
/// first row is the header.
std::string text_table(const std::vector<std::vector<std::string>>& rows);

}  // namespace sscvae::tasks
