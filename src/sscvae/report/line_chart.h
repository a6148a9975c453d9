#pragma once

#include <string>
#include <vector>

/// Line charts as inline SVG.
namespace sscvae::report {

/// One line. x and y have the same length; points that are not finite (with log_y: not above 0) break the line.
struct Series {
  std::string name;
  std::vector<double> x, y;
};

struct LineChart {
  std::string title, x_label, y_label;
  std::vector<Series> series;
  bool log_y = false;
};

/// A <figure> with title, legend and SVG: axes with round tick values, a grid, lines told apart by colour and by
/// dashes. Lines of many points are thinned to the smallest and largest of each step of about one pixel. A single point
/// is a dot. Colours come from the CSS variables --series-0 ... --series-7, --grid and --text of the page. Errors:
/// UsageError if x and y of a series differ in length.
std::string line_chart_html(const LineChart& chart);

/// Round values from about `low` to `high`, at most `count` + 1 of them, steps 1, 2 or 5 times a power of ten. Equal
/// bounds give one value. Errors: UsageError if low > high, count < 1 or a bound is not finite.
std::vector<double> linear_ticks(double low, double high, int count);
/// Powers of ten (at most `count` + 1, then every second or third ...) within the bounds; where fewer than two fit,
/// also 2 and 5 times them. 0 < low <= high, otherwise UsageError.
std::vector<double> logarithmic_ticks(double low, double high, int count);

}  // namespace sscvae::report
