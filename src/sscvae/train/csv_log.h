#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace sscvae::train {

/// A table that grows by one row at a time and survives kills: each row is one write to the file. The first column is
/// `step`. Numbers are written with 9 significant digits, NaN as an empty cell.
class CsvLog {
 public:
  /// Keeps the complete rows of an existing file whose step is at most `keep_up_to`, in order, and drops the rest (also
  /// a row torn by a kill). Errors: IoError; FormatError if the file has other columns.
  CsvLog(std::filesystem::path path, std::vector<std::string> columns, int64_t keep_up_to);
  ~CsvLog();
  CsvLog(const CsvLog&) = delete;
  CsvLog& operator=(const CsvLog&) = delete;

  /// `values` are the columns after `step`. Errors: IoError (disk full, ...).
  void row(int64_t step, const std::vector<double>& values);
  /// Returns when all rows are on the disk.
  void sync();

 private:
  std::filesystem::path path_;
  std::vector<std::string> columns_;
  int descriptor_ = -1;
};

/// A table read back: column name -> values, NaN for empty cells. Missing file: empty.
std::map<std::string, std::vector<double>> read_csv_log(const std::filesystem::path& path);
/// The value of a column in the row of that step; NaN if there is none.
double logged_value(const std::filesystem::path& path, int64_t step, const std::string& column);

}  // namespace sscvae::train
