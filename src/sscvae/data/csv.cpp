#include "sscvae/data/csv.h"

#include <algorithm>

#include "sscvae/core/error.h"
#include "sscvae/core/text.h"

namespace sscvae::data {
namespace {

/// A cursor over the text that knows its line.
class CsvReader {
 public:
  CsvReader(std::string_view text, const std::string& source) : text_(text), source_(source) {
    if (text_.starts_with("\xEF\xBB\xBF")) text_.remove_prefix(3);
  }

  std::vector<CsvRecord> records() {
    std::vector<CsvRecord> result;
    while (position_ < text_.size()) {
      CsvRecord record{line_, {}};
      do record.cells.push_back(peek() == '"' ? quoted() : plain());
      while (take(','));
      end_line();
      if (record.cells.size() > 1 || !record.cells[0].empty()) result.push_back(std::move(record));
    }
    return result;
  }

 private:
  char peek(size_t ahead = 0) const { return position_ + ahead < text_.size() ? text_[position_ + ahead] : '\0'; }
  bool at_line_end() const {
    return position_ >= text_.size() || peek() == '\n' || (peek() == '\r' && peek(1) == '\n');
  }
  bool take(char expected) {
    if (position_ >= text_.size() || peek() != expected) return false;
    ++position_;
    return true;
  }
  void end_line() {
    take('\r');
    if (take('\n')) ++line_;
  }

  std::string plain() {
    const size_t begin = position_;
    while (!at_line_end() && peek() != ',') ++position_;
    return std::string(text_.substr(begin, position_ - begin));
  }

  std::string quoted() {
    const int64_t begin_line = line_;
    std::string cell;
    for (++position_; position_ < text_.size();) {
      const char c = text_[position_++];
      if (c == '"' && !take('"')) {
        if (!at_line_end() && peek() != ',')
          throw FormatError(format("%s:%lld: text behind a closing quote, expected a comma or the end of the line",
                                   source_.c_str(), static_cast<long long>(line_)));
        return cell;
      }
      if (c == '\n') ++line_;
      cell += c;
    }
    throw FormatError(
        format("%s:%lld: a quote is opened and never closed", source_.c_str(), static_cast<long long>(begin_line)));
  }

  std::string_view text_;
  const std::string& source_;
  size_t position_ = 0;
  int64_t line_ = 1;
};

}  // namespace

std::vector<CsvRecord> parse_csv(std::string_view text, const std::string& source) {
  return CsvReader(text, source).records();
}

size_t csv_column(const CsvRecord& header, std::string_view name, const std::string& source) {
  const auto found = std::find_if(header.cells.begin(), header.cells.end(),
                                  [&](const std::string& cell) { return trim(cell) == name; });
  if (found == header.cells.end())
    throw FormatError(source + ": no column '" + std::string(name) + "'; the header has: " + join(header.cells, ", "));
  return static_cast<size_t>(found - header.cells.begin());
}

std::string csv_cell(std::string_view text) {
  const bool plain = text.find_first_of(",\"\r\n") == std::string_view::npos && trim(text).size() == text.size() &&
                     !text.starts_with("\xEF\xBB\xBF");
  if (plain) return std::string(text);
  std::string cell = "\"";
  for (const char c : text) cell += c == '"' ? std::string("\"\"") : std::string(1, c);
  return cell + '"';
}

}  // namespace sscvae::data
