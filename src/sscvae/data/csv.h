#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// Comma-separated values after RFC 4180.
namespace sscvae::data {

/// Tables of a dataset that are larger than this are refused unread.
inline constexpr uint64_t kMaxTableBytes = uint64_t{1} << 30;

struct CsvRecord {
  int64_t line = 0;  ///< where it starts, counted from 1
  std::vector<std::string> cells;
};

/// Records of a text; empty lines and a byte order mark are skipped; lines end with \n or \r\n; quoted cells may hold
/// commas, doubled quotes and line ends. Errors: FormatError naming `source` and the line for a quote that never ends
/// or text behind a closing quote.
std::vector<CsvRecord> parse_csv(std::string_view text, const std::string& source);

/// Which column is called so. Errors: FormatError naming `source` and the columns there are.
size_t csv_column(const CsvRecord& header, std::string_view name, const std::string& source);

/// The cell itself, or quoted where commas, quotes, line ends or outer blanks ask for it.
std::string csv_cell(std::string_view text);

}  // namespace sscvae::data
