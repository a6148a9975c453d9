#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sscvae/image/image.h"
#include "sscvae/report/line_chart.h"

/// A page that a person can open, send and keep: one file, nothing loaded from elsewhere, no scripts. Light and dark by
/// the reader's setting, readable on a phone, well-formed as XML too. All text is escaped.
namespace sscvae::report {

/// An image with the line under it.
struct Figure {
  std::string caption;
  image::Image image;
  std::string description = {};  ///< for readers who do not see it; the caption where empty
};

class HtmlReport {
 public:
  explicit HtmlReport(std::string title, std::string subtitle = "");

  /// Level 2 (a section, listed in the contents at the top once there are three) to 4. Others are clamped.
  void heading(const std::string& text, int level = 2);
  void paragraph(const std::string& text);
  /// A paragraph that stands out: a limit, a warning, a finding.
  void callout(const std::string& text);
  /// Fixed-width text, line breaks kept (configurations, logs).
  void preformatted(const std::string& text);
  /// Columns whose cells are all numbers (or empty) are set right-aligned. Short rows are filled, long rows widen it.
  void table(const std::vector<std::string>& header, const std::vector<std::vector<std::string>>& rows,
             const std::string& caption = "");
  /// A two-column table of names and values.
  void key_values(const std::vector<std::pair<std::string, std::string>>& pairs, const std::string& caption = "");
  /// Images side by side, as many as fit, as base64 PNG. A click (or the space key) enlarges one with its pixels
  /// visible.
  void image_row(const std::vector<Figure>& figures);
  /// An SVG document, as a picture of its own.
  void drawing(const std::string& svg, const std::string& description);
  /// See LineChart. Not-finite points break the line; a chart without any point says so.
  void line_chart(const LineChart& chart);
  void line_chart(const std::string& title, const std::string& x_label, const std::string& y_label,
                  const std::vector<Series>& series, bool log_y = false);

  std::string html() const;
  /// Atomic. Errors: IoError.
  void write(const std::filesystem::path& path) const;

 private:
  struct Section {
    std::string id, text;
  };
  std::string contents() const;
  std::string title_, subtitle_, body_;
  std::vector<Section> sections_;
};

/// Text safe between tags and inside quoted attributes: & < > " ' become entities, bytes that are not UTF-8 and control
/// characters become U+FFFD.
std::string escape_html(std::string_view text);

/// RFC 4648, with padding.
std::string base64(std::string_view bytes);

/// A number for people: `significant` digits without trailing zeros, exponent form outside 1e-4 ... 1e7, "∞", "−∞", "–"
/// for NaN. Integers below 1e7 are written in full.
std::string number_text(double value, int significant = 4);

}  // namespace sscvae::report
