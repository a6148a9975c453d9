#include "sscvae/report/line_chart.h"

#include <gtest/gtest.h>

#include <limits>

#include "sscvae/core/error.h"

namespace sscvae::report {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

size_t count_of(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST(LineChart, PointsThatAreNotFiniteBreakTheLine) {
  const auto lines = [](std::vector<double> y, bool log_y) {
    return line_chart_html({"t", "x", "y", {{"s", {1, 2, 3, 4, 5}, std::move(y)}}, log_y});
  };
  const std::string whole = lines({1, 2, 3, 4, 5}, false), broken = lines({1, 2, kNan, 4, 5}, false),
                    below_zero = lines({1, 2, -3, 4, 5}, true);
  EXPECT_EQ(count_of(broken, "<polyline"), count_of(whole, "<polyline") + 1);
  EXPECT_EQ(count_of(below_zero, "<polyline"), count_of(whole, "<polyline") + 1);
  EXPECT_EQ(broken.find("nan"), std::string::npos);
}

TEST(LineChart, SaysWhereThereIsNothing) {
  for (const std::vector<double>& y : {std::vector<double>{}, {kNan}}) {
    const std::string html = line_chart_html({"t", "x", "y", {{"s", std::vector<double>(y.size(), 1), y}}, false});
    EXPECT_EQ(html.find("<polyline"), std::string::npos);
    EXPECT_EQ(html.find("nan"), std::string::npos);
  }
  EXPECT_THROW(line_chart_html({"t", "x", "y", {{"s", {1, 2}, {1}}}, false}), UsageError);
}

TEST(LineChart, TicksAreRound) {
  EXPECT_EQ(linear_ticks(0, 10, 5), (std::vector<double>{0, 2, 4, 6, 8, 10}));
  EXPECT_EQ(logarithmic_ticks(1, 1000, 5), (std::vector<double>{1, 10, 100, 1000}));
  EXPECT_EQ(linear_ticks(3, 3, 4).size(), 1u);
  EXPECT_THROW(linear_ticks(2, 1, 4), UsageError);
  EXPECT_THROW(logarithmic_ticks(0, 1, 4), UsageError);
}

}  // namespace
}  // namespace sscvae::report
