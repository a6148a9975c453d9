#include "sscvae/core/numbers.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "sscvae/core/options.h"
#include "sscvae/core/progress.h"
#include "sscvae/core/text.h"
#include "support/comma_locale.h"

namespace sscvae {
namespace {

TEST(Numbers, AreTheWholeText) {
  EXPECT_EQ(parse_real("2.5"), 2.5);
  EXPECT_EQ(parse_real("-1e-3"), -1e-3);
  EXPECT_EQ(parse_real("+4"), 4);
  EXPECT_EQ(parse_real("-0x1.8p+1"), -3);
  EXPECT_EQ(parse_real("inf"), std::numeric_limits<double>::infinity());
  EXPECT_EQ(parse_real("-inf"), -std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan(parse_real("nan").value()));
  EXPECT_TRUE(std::isnan(parse_real("-nan").value()));
  for (const char* text : {"", "-", "+", "+-1", "--1", "1,5", "1.5 ", " 1.5", "1.5x", "0x", "1e999", "five"})
    EXPECT_FALSE(parse_real(text)) << text;
  EXPECT_EQ(parse_whole("-12"), -12);
  EXPECT_EQ(parse_whole("+7"), 7);
  for (const char* text : {"", "+", "-", "+-1", "1.0", "1e3", " 1", "1 ", "99999999999999999999"})
    EXPECT_FALSE(parse_whole(text)) << text;
  EXPECT_EQ(lower_case("A-Z.JPG \xc4"), "a-z.jpg \xc4");
}

TEST(Numbers, EveryDoubleComesBackFromHexadecimalText) {
  for (const double value : {0.1, -1.0 / 3, 5e-324, 1.7976931348623157e308, -0.0, 1e22})
    EXPECT_EQ(parse_real(format("%a", value)), value) << format("%a", value);
}

TEST(Numbers, DoNotDependOnTheLocaleOfTheProcess) {
  const testing::CommaLocale locale;
  EXPECT_EQ(format("%.2f %g %a %s", 1.5, 1e-7, 3.0, "x,y"), "1.50 1e-07 0x1.8p+1 x,y");
  EXPECT_EQ(to_text(0.1), "0.1");
  EXPECT_EQ(parse_real("2.5"), 2.5);
  EXPECT_EQ(parse_real("0x1.8p+1"), 3);
  EXPECT_EQ(duration_text(4.25), "4.2s");
  double rate = 0;
  int64_t count = 0;
  FieldList fields;
  fields.add("rate", rate, "a number");
  fields.add("count", count, "a count");
  assign(fields, parse_toml("rate = 1234567.25\ncount = 1234567\n", "test"), "test");
  EXPECT_EQ(rate, 1234567.25);
  EXPECT_EQ(to_toml(fields), "rate = 1234567.25\ncount = 1234567\n");
  assign(fields, parse_json("{\"rate\": 0.75, \"count\": 3}", "test"), "test");
  EXPECT_EQ(rate, 0.75);
  EXPECT_NE(to_json(fields).find("0.75"), std::string::npos);
  EXPECT_EQ(std::string(std::localeconv()->decimal_point), ",") << "the locale of the process is left as it is";
}

}  // namespace
}  // namespace sscvae
