#include "sscvae/report/line_chart.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "sscvae/core/error.h"
#include "sscvae/core/text.h"
#include "sscvae/report/html.h"

namespace sscvae::report {

namespace {

constexpr double kWidth = 640, kHeight = 320, kLeft = 64, kRight = 16, kTop = 12, kBottom = 44;
constexpr size_t kColors = 8;

struct Point {
  double x, y;
};

struct Frame {
  double x_low = 0, x_high = 1, y_low = 0, y_high = 1;
  bool log_y = false;
  double scale_y(double y) const { return log_y ? std::log10(y) : y; }
  double to_x(double x) const { return kLeft + (x - x_low) / (x_high - x_low) * (kWidth - kLeft - kRight); }
  double to_y(double y) const {
    return kHeight - kBottom - (scale_y(y) - y_low) / (y_high - y_low) * (kHeight - kTop - kBottom);
  }
};

bool is_drawable(double x, double y, bool log_y) { return std::isfinite(x) && std::isfinite(y) && (!log_y || y > 0); }

/// Widens equal bounds so that a single value has room around it.
void widen(double& low, double& high) {
  if (low < high) return;
  const double room = low == 0 ? 1 : std::abs(low) * 0.1;
  low -= room;
  high += room;
}

/// The bounds of all drawable points; false if there are none.
bool frame_of(const LineChart& chart, Frame& frame) {
  frame.log_y = chart.log_y;
  frame.x_low = frame.y_low = std::numeric_limits<double>::infinity();
  frame.x_high = frame.y_high = -std::numeric_limits<double>::infinity();
  for (const Series& series : chart.series)
    for (size_t i = 0; i < series.x.size(); ++i) {
      if (!is_drawable(series.x[i], series.y[i], chart.log_y)) continue;
      frame.x_low = std::min(frame.x_low, series.x[i]);
      frame.x_high = std::max(frame.x_high, series.x[i]);
      frame.y_low = std::min(frame.y_low, frame.scale_y(series.y[i]));
      frame.y_high = std::max(frame.y_high, frame.scale_y(series.y[i]));
    }
  if (!(frame.x_low <= frame.x_high)) return false;
  widen(frame.x_low, frame.x_high);
  widen(frame.y_low, frame.y_high);
  return true;
}

/// The unbroken pieces of a line in pixels, at most the lowest and highest point of each pixel column.
std::vector<std::vector<Point>> pieces_of(const Series& series, const Frame& frame) {
  std::vector<std::vector<Point>> pieces(1);
  const auto column = [](const Point& point) { return std::floor(point.x); };
  size_t in_column = 0;
  for (size_t i = 0; i < series.x.size(); ++i) {
    if (!is_drawable(series.x[i], series.y[i], frame.log_y)) {
      if (!pieces.back().empty()) pieces.emplace_back();
      in_column = 0;
      continue;
    }
    std::vector<Point>& piece = pieces.back();
    const Point point{frame.to_x(series.x[i]), frame.to_y(series.y[i])};
    in_column = !piece.empty() && column(piece.back()) == column(point) ? in_column + 1 : 0;
    if (in_column < 2) {
      piece.push_back(point);
      continue;
    }
    Point& a = piece[piece.size() - 2];
    Point& b = piece[piece.size() - 1];
    if (point.y < std::min(a.y, b.y)) (a.y < b.y ? a : b) = point;
    else if (point.y > std::max(a.y, b.y)) (a.y > b.y ? a : b) = point;
  }
  if (pieces.back().empty()) pieces.pop_back();
  return pieces;
}

std::string axes(const LineChart& chart, const Frame& frame) {
  std::string svg;
  for (const double tick : linear_ticks(frame.x_low, frame.x_high, 6)) {
    if (tick < frame.x_low || tick > frame.x_high) continue;
    const double x = frame.to_x(tick);
    svg +=
        format("<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>", x, x, kTop, kHeight - kBottom);
    svg += format("<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%s</text>", x, kHeight - kBottom + 16,
                  number_text(tick).c_str());
  }
  const std::vector<double> y_ticks = frame.log_y
                                          ? logarithmic_ticks(std::pow(10, frame.y_low), std::pow(10, frame.y_high), 6)
                                          : linear_ticks(frame.y_low, frame.y_high, 6);
  for (const double tick : y_ticks) {
    const double y = frame.to_y(tick);
    if (y < kTop - 0.5 || y > kHeight - kBottom + 0.5) continue;
    svg +=
        format("<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>", kLeft, kWidth - kRight, y, y);
    svg += format("<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%s</text>", kLeft - 6, y + 4,
                  number_text(tick).c_str());
  }
  svg += format("<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%s</text>", (kLeft + kWidth - kRight) / 2,
                kHeight - 6, escape_html(chart.x_label).c_str());
  svg += format("<text x=\"14\" y=\"%.1f\" text-anchor=\"middle\" transform=\"rotate(-90 14 %.1f)\">%s</text>",
                (kTop + kHeight - kBottom) / 2, (kTop + kHeight - kBottom) / 2, escape_html(chart.y_label).c_str());
  return svg;
}

std::string line_of(const Series& series, size_t number, const Frame& frame) {
  const std::string color = format("var(--series-%zu)", number % kColors);
  const char* dashes = number < kColors ? "" : " stroke-dasharray=\"6 3\"";
  std::string svg;
  for (const auto& piece : pieces_of(series, frame)) {
    if (piece.size() == 1) {
      svg += format("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"/>", piece[0].x, piece[0].y, color.c_str());
      continue;
    }
    svg += format("<polyline fill=\"none\" stroke-width=\"1.6\" stroke=\"%s\"%s points=\"", color.c_str(), dashes);
    for (const Point& point : piece) svg += format("%.1f,%.1f ", point.x, point.y);
    svg += "\"/>";
  }
  return svg;
}

}  // namespace

std::vector<double> linear_ticks(double low, double high, int count) {
  if (!(low <= high) || !std::isfinite(low) || !std::isfinite(high) || count < 1)
    throw UsageError("ticks: expected finite bounds low <= high and a count of at least 1");
  if (low == high) return {low};
  const double rough = (high - low) / count, power = std::pow(10, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double factor : {1.0, 2.0, 5.0})
    if (factor * power >= rough * (1 - 1e-9)) {
      step = factor * power;
      break;
    }
  std::vector<double> ticks;
  for (double i = std::ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; ++i) ticks.push_back(i * step);
  return ticks;
}

std::vector<double> logarithmic_ticks(double low, double high, int count) {
  if (!(low > 0) || !(low <= high) || !std::isfinite(high) || count < 1)
    throw UsageError("ticks: expected finite bounds 0 < low <= high and a count of at least 1");
  const int first = static_cast<int>(std::ceil(std::log10(low) - 1e-9)),
            last = static_cast<int>(std::floor(std::log10(high) + 1e-9));
  std::vector<double> ticks;
  if (last - first >= 1) {
    const int stride = std::max(1, (last - first + count) / (count + 1));
    for (int exponent = first; exponent <= last; exponent += stride) ticks.push_back(std::pow(10, exponent));
    return ticks;
  }
  for (int exponent = first - 1; exponent <= last + 1; ++exponent)
    for (const double factor : {1.0, 2.0, 5.0}) {
      const double tick = factor * std::pow(10, exponent);
      if (tick >= low * (1 - 1e-9) && tick <= high * (1 + 1e-9)) ticks.push_back(tick);
    }
  return ticks;
}

std::string line_chart_html(const LineChart& chart) {
  for (const Series& series : chart.series)
    if (series.x.size() != series.y.size())
      throw UsageError("chart '" + chart.title + "': x and y of '" + series.name + "' differ in length");
  std::string html = "<figure class=\"chart\"><figcaption>" + escape_html(chart.title) + "</figcaption>";
  Frame frame;
  if (!frame_of(chart, frame)) return html + "<p>No points to draw.</p></figure>\n";
  if (chart.series.size() > 1) {
    html += "<p class=\"legend\">";
    for (size_t i = 0; i < chart.series.size(); ++i)
      html += format("<span style=\"color:var(--series-%zu)\">&#9644;</span> %s ", i % kColors,
                     escape_html(chart.series[i].name).c_str());
    html += "</p>";
  }
  html += format("<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"%s\">", kWidth, kHeight,
                 escape_html(chart.title).c_str());
  html += axes(chart, frame);
  for (size_t i = 0; i < chart.series.size(); ++i) html += line_of(chart.series[i], i, frame);
  return html + "</svg></figure>\n";
}

}  // namespace sscvae::report
