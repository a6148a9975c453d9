#include "sscvae/data/csv.h"

#include <gtest/gtest.h>

#include "sscvae/core/error.h"

namespace sscvae::data {
namespace {

using Cells = std::vector<std::string>;

TEST(Csv, reads_plain_and_quoted_cells) {
  const auto records = parse_csv("\xEF\xBB\xBFpath,part\r\n\"a,\"\"b\"\"\nc.png\",val\n\nlast,", "t");
  ASSERT_EQ(records.size(), 3U);
  EXPECT_EQ(records[0].cells, (Cells{"path", "part"}));
  EXPECT_EQ(records[1].cells, (Cells{"a,\"b\"\nc.png", "val"}));
  EXPECT_EQ(records[2].cells, (Cells{"last", ""}));
  EXPECT_EQ(records[1].line, 2);
  EXPECT_EQ(records[2].line, 5);
}

TEST(Csv, cells_come_back_as_they_were) {
  for (const std::string cell :
       {"plain.png", "a,b", "say \"so\"", "two\nlines", "\r\n", " blanks ", "\"", "", "\xEF\xBB\xBFx"}) {
    const auto records = parse_csv(csv_cell(cell) + ",x\n", "t");
    ASSERT_EQ(records.size(), 1U) << cell;
    EXPECT_EQ(records[0].cells, (Cells{cell, "x"}));
  }
  EXPECT_EQ(csv_cell("plain.png"), "plain.png");
}

TEST(Csv, damaged_quotes_name_their_line) {
  for (const auto& [text, message] : {std::pair{"a\n\"b", "t:2: a quote is opened and never closed"},
                                      std::pair{"a\nb\n\"c\"d,e\n",
                                                "t:3: text behind a closing quote, expected a comma or the "
                                                "end of the line"}}) {
    try {
      parse_csv(text, "t");
      FAIL() << text;
    } catch (const FormatError& error) {
      EXPECT_STREQ(error.what(), message);
    }
  }
}

TEST(Csv, columns_are_found_by_name) {
  const CsvRecord header{1, {"label", " filename"}};
  EXPECT_EQ(csv_column(header, "filename", "t"), 1U);
  EXPECT_THROW(csv_column(header, "path", "t"), FormatError);
}

}  // namespace
}  // namespace sscvae::data
