#include "sscvae/report/diagram.h"

#include <algorithm>

#include "sscvae/core/text.h"
#include "sscvae/report/html.h"

namespace sscvae::report {

namespace {

constexpr double kBoxWidth = 236, kLine = 15, kTitleLine = 18, kPadding = 8, kBetween = 20;
constexpr double kPanelPadding = 22, kPanelHead = 36, kPanelGap = 56, kDiagramTop = 44, kMargin = 16;

struct Place {
  double x = 0, y = 0, height = 0;
  double middle() const { return y + height / 2; }
};

/// Where boxes stand, and how large all is.
struct Plan {
  std::vector<Place> boxes;
  std::vector<double> panel_heights;
  double width = 0, height = 0;
  double panel_x(size_t panel) const {
    return kMargin + static_cast<double>(panel) * (kBoxWidth + 2 * kPanelPadding + kPanelGap);
  }
};

Plan plan_of(const Diagram& diagram) {
  Plan plan;
  plan.panel_heights.assign(diagram.panels.size(), kPanelHead);
  for (const Diagram::Box& box : diagram.boxes) {
    double& bottom = plan.panel_heights[box.panel];
    const double height = 2 * kPadding + kTitleLine + kLine * static_cast<double>(box.lines.size());
    plan.boxes.push_back({plan.panel_x(box.panel) + kPanelPadding, kDiagramTop + bottom, height});
    bottom += height + kBetween;
  }
  plan.width = plan.panel_x(diagram.panels.size()) - kPanelGap + kMargin;
  for (const double height : plan.panel_heights) plan.height = std::max(plan.height, height);
  plan.height += kDiagramTop + kMargin;
  return plan;
}

std::string text_at(double x, double y, const char* kind, const std::string& text, const char* anchor = "middle") {
  return format("<text x=\"%.1f\" y=\"%.1f\" class=\"%s\" text-anchor=\"%s\">", x, y, kind, anchor) +
         escape_html(text) + "</text>\n";
}

std::string rectangle(double x, double y, double width, double height, const char* kind) {
  return format("<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"6\" class=\"%s\"/>\n", x, y, width,
                height, kind);
}

/// Straight down to the next box, around others of the panel at their right side, and over to another panel.
std::string arrow(const Place& from, const Place& to, bool follows) {
  const double right = from.x + kBoxWidth, bend = kPanelPadding * 0.8;
  std::string path;
  if (follows) {
    const double x = from.x + kBoxWidth / 2;
    path = format("M%.1f %.1fV%.1f", x, from.y + from.height, to.y - 2);
  } else if (from.x == to.x) {
    path = format("M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1f", right, from.middle(), right + bend, from.middle(),
                  right + bend, to.middle(), right + 2, to.middle());
  } else {
    const bool forwards = to.x > from.x;
    const double start = forwards ? right : from.x, end = forwards ? to.x - 2 : to.x + kBoxWidth + 2;
    const double half = (start + end) / 2;
    path = format("M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1f", start, from.middle(), half, from.middle(), half,
                  to.middle(), end, to.middle());
  }
  return "<path class=\"arrow\" marker-end=\"url(#head)\" d=\"" + path + "\"/>\n";
}

/// The box below; that itself where there is none.
size_t next_in_panel(const Diagram& diagram, size_t box) {
  for (size_t i = box + 1; i < diagram.boxes.size(); ++i)
    if (diagram.boxes[i].panel == diagram.boxes[box].panel) return i;
  return box;
}

constexpr char kDiagramStyle[] =
    "<style>text{font-family:system-ui,sans-serif;fill:#1b1f24}.page{fill:#fff}.name{font-size:17px;font-weight:600}"
    ".panel{fill:#f2f4f7;stroke:#c9d1d9}.head{font-size:14px;font-weight:600}.box{fill:#fff;stroke:#57606a}"
    ".title{font-size:13px;font-weight:600}.line{font-size:11px}.arrow{fill:none;stroke:#57606a;stroke-width:1.4}"
    ".tip{fill:#57606a}@media(prefers-color-scheme:dark){text{fill:#e6edf3}.page{fill:#0d1117}.panel{fill:#161b22;"
    "stroke:#30363d}.box{fill:#0d1117;stroke:#8b949e}.arrow{stroke:#8b949e}.tip{fill:#8b949e}}</style>\n"
    "<defs><marker id=\"head\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" "
    "orient=\"auto\"><path class=\"tip\" d=\"M0 0L8 4L0 8z\"/></marker></defs>\n";

}  // namespace

std::string svg_of(const Diagram& diagram) {
  const Plan plan = plan_of(diagram);
  std::string svg = format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" width=\"%.0f\" "
      "height=\"%.0f\" role=\"img\">\n",
      plan.width, plan.height, plan.width, plan.height);
  svg += "<title>" + escape_html(diagram.title) + "</title>\n" + kDiagramStyle;
  svg += rectangle(0, 0, plan.width, plan.height, "page");
  svg += text_at(kMargin, 28, "name", diagram.title, "start");
  for (size_t panel = 0; panel < diagram.panels.size(); ++panel) {
    const double x = plan.panel_x(panel), width = kBoxWidth + 2 * kPanelPadding;
    svg += rectangle(x, kDiagramTop, width, plan.panel_heights[panel], "panel");
    svg += text_at(x + width / 2, kDiagramTop + 23, "head", diagram.panels[panel]);
  }
  for (const auto& [from, to] : diagram.arrows)
    svg += arrow(plan.boxes[from], plan.boxes[to], next_in_panel(diagram, from) == to);
  for (size_t i = 0; i < diagram.boxes.size(); ++i) {
    const Place& place = plan.boxes[i];
    svg += rectangle(place.x, place.y, kBoxWidth, place.height, "box");
    double y = place.y + kPadding + 13;
    svg += text_at(place.x + kBoxWidth / 2, y, "title", diagram.boxes[i].title);
    for (const std::string& line : diagram.boxes[i].lines)
      svg += text_at(place.x + kBoxWidth / 2, y += kLine + 1, "line", line);
  }
  return svg + "</svg>\n";
}

}  // namespace sscvae::report
