#include "sscvae/report/html.h"

#include <algorithm>
#include <cmath>

#include "sscvae/core/atomic_file.h"
#include "sscvae/core/numbers.h"
#include "sscvae/core/text.h"

namespace sscvae::report {

namespace {

constexpr char kStyle[] = R"(
:root{color-scheme:light dark;--back:#ffffff;--text:#1c2430;--soft:#5b6675;--line:#d5dbe3;--card:#f5f7fa;--grid:#e3e8ee;
--series-0:#1f6fb4;--series-1:#d0591e;--series-2:#2b8a3e;--series-3:#8a3ab9;--series-4:#b58900;--series-5:#c2255c;
--series-6:#0b7285;--series-7:#5c5f66}
@media (prefers-color-scheme:dark){:root{--back:#14181e;--text:#e6eaf0;--soft:#9aa6b5;--line:#343c48;--card:#1d232c;
--grid:#2a313c;
--series-0:#6cb2f0;--series-1:#ff9a62;--series-2:#69d37f;--series-3:#c792ea;--series-4:#e6c04d;--series-5:#ff7ba8;
--series-6:#4dd0e1;--series-7:#b0b8c4}}
body{margin:0 auto;max-width:1080px;padding:1.2rem;background:var(--back);color:var(--text);
font:16px/1.5 system-ui,sans-serif}
h1{margin:0 0 .2rem}h2{margin-top:2rem;border-bottom:1px solid var(--line);padding-bottom:.2rem}
.subtitle{color:var(--soft);margin-top:0}
.callout{border-left:4px solid var(--series-1);background:var(--card);padding:.6rem .9rem}
pre{background:var(--card);padding:.8rem;overflow-x:auto;font-size:13px}
.scroll{overflow-x:auto}table{border-collapse:collapse;margin:.8rem 0;font-size:15px}caption{text-align:left;
color:var(--soft)}
th,td{padding:.3rem .7rem;border-bottom:1px solid var(--line);text-align:left}.number{text-align:right;
font-variant-numeric:tabular-nums}
.images{display:grid;grid-template-columns:repeat(auto-fill,minmax(190px,1fr));gap:.8rem;margin:.8rem 0}
.images figure{margin:0}.images input{position:absolute;opacity:0}.images img{width:100%;image-rendering:auto;
display:block;border:1px solid var(--line)}
.images input:focus-visible+img{outline:3px solid var(--series-0)}
.images input:checked+img{position:fixed;inset:2vh 2vw;width:96vw;height:96vh;object-fit:contain;
image-rendering:pixelated;background:var(--back);z-index:2}
figcaption{font-size:14px;color:var(--soft)}.chart{margin:1rem 0}.chart svg{width:100%;max-width:760px;height:auto}
svg text{fill:var(--text);font-size:12px}svg .grid{stroke:var(--grid)}.legend{margin:.2rem 0;font-size:14px}
)";

bool is_continuation(unsigned char byte) { return (byte & 0xc0) == 0x80; }

/// Length of the valid UTF-8 sequence at `at`, or 0.
size_t utf8_length(std::string_view text, size_t at) {
  const auto first = static_cast<unsigned char>(text[at]);
  size_t length = first < 0x80                    ? 1
                  : first >= 0xc2 && first < 0xe0 ? 2
                  : first >= 0xe0 && first < 0xf0 ? 3
                  : first >= 0xf0 && first < 0xf5 ? 4
                                                  : 0;
  if (length == 0 || at + length > text.size()) return 0;
  uint32_t point = length == 1 ? first : first & (0xffu >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    const auto next = static_cast<unsigned char>(text[at + i]);
    if (!is_continuation(next)) return 0;
    point = (point << 6) | (next & 0x3fu);
  }
  const bool is_overlong = (length == 3 && point < 0x800) || (length == 4 && point < 0x10000);
  const bool is_control = point < 0x20 && point != '\n' && point != '\t';
  return is_overlong || is_control || (point >= 0xd800 && point < 0xe000) || point > 0x10ffff || point == 0x7f ? 0
                                                                                                               : length;
}

bool is_number(const std::string& text) {
  return text.empty() || text == "–" || text == "∞" || text == "−∞" || parse_real(text);
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string safe;
  for (size_t at = 0; at < text.size();) {
    const size_t length = utf8_length(text, at);
    if (length == 0) {
      safe += "\xEF\xBF\xBD";
      ++at;
      continue;
    }
    switch (text[at]) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      case '\'':
        safe += "&#39;";
        break;
      default:
        safe += text.substr(at, length);
    }
    at += length;
  }
  return safe;
}

std::string base64(std::string_view bytes) {
  static constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t at = 0; at < bytes.size(); at += 3) {
    const size_t count = std::min<size_t>(3, bytes.size() - at);
    uint32_t group = 0;
    for (size_t i = 0; i < 3; ++i) group = (group << 8) | (i < count ? static_cast<unsigned char>(bytes[at + i]) : 0u);
    for (size_t i = 0; i < 4; ++i) text += i <= count ? kAlphabet[(group >> (18 - 6 * i)) & 63] : '=';
  }
  return text;
}

std::string number_text(double value, int significant) {
  if (std::isnan(value)) return "–";
  if (std::isinf(value)) return value > 0 ? "∞" : "−∞";
  const double magnitude = std::abs(value);
  if (magnitude < 1e7 && value == std::floor(value)) return format("%.0f", value == 0 ? 0.0 : value);
  if (magnitude >= 1e-4 && magnitude < 1e7) {
    const int digits = std::max(0, significant - 1 - static_cast<int>(std::floor(std::log10(magnitude))));
    std::string text = format("%.*f", digits, value);
    if (text.find('.') != std::string::npos) {
      text.erase(text.find_last_not_of('0') + 1);
      if (text.back() == '.') text.pop_back();
    }
    return text;
  }
  return format("%.*g", significant, value);
}

HtmlReport::HtmlReport(std::string title, std::string subtitle)
    : title_(std::move(title)), subtitle_(std::move(subtitle)) {}

void HtmlReport::heading(const std::string& text, int level) {
  level = std::clamp(level, 2, 4);
  std::string id;
  if (level == 2) {
    id = format(" id=\"section-%zu\"", sections_.size() + 1);
    sections_.push_back({format("section-%zu", sections_.size() + 1), text});
  }
  body_ += format("<h%d%s>", level, id.c_str()) + escape_html(text) + format("</h%d>\n", level);
}

void HtmlReport::paragraph(const std::string& text) { body_ += "<p>" + escape_html(text) + "</p>\n"; }

void HtmlReport::callout(const std::string& text) { body_ += "<p class=\"callout\">" + escape_html(text) + "</p>\n"; }

void HtmlReport::preformatted(const std::string& text) { body_ += "<pre>" + escape_html(text) + "</pre>\n"; }

void HtmlReport::table(const std::vector<std::string>& header, const std::vector<std::vector<std::string>>& rows,
                       const std::string& caption) {
  size_t columns = header.size();
  for (const auto& row : rows) columns = std::max(columns, row.size());
  const auto cell = [](const std::vector<std::string>& row, size_t i) {
    return i < row.size() ? row[i] : std::string();
  };
  std::vector<bool> numeric(columns, !rows.empty());
  for (const auto& row : rows)
    for (size_t i = 0; i < columns; ++i)
      if (!is_number(cell(row, i))) numeric[i] = false;
  const auto line = [&](const std::vector<std::string>& row, const char* tag) {
    std::string html = "<tr>";
    for (size_t i = 0; i < columns; ++i)
      html += format("<%s%s>", tag, numeric[i] ? " class=\"number\"" : "") + escape_html(cell(row, i)) +
              format("</%s>", tag);
    return html + "</tr>\n";
  };
  body_ += "<div class=\"scroll\"><table>";
  if (!caption.empty()) body_ += "<caption>" + escape_html(caption) + "</caption>";
  if (!header.empty()) body_ += "<thead>" + line(header, "th") + "</thead>";
  body_ += "<tbody>";
  for (const auto& row : rows) body_ += line(row, "td");
  body_ += "</tbody></table></div>\n";
}

void HtmlReport::key_values(const std::vector<std::pair<std::string, std::string>>& pairs, const std::string& caption) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& [name, value] : pairs) rows.push_back({name, value});
  table({}, rows, caption);
}

void HtmlReport::image_row(const std::vector<Figure>& figures) {
  body_ += "<div class=\"images\">\n";
  for (const Figure& figure : figures) {
    const std::string description = escape_html(figure.description.empty() ? figure.caption : figure.description);
    body_ += "<figure><label><input type=\"checkbox\" aria-label=\"enlarge\"/><img alt=\"" + description +
             "\" src=\"data:image/png;base64," + base64(image::encode_png(figure.image)) + "\"/></label><figcaption>" +
             escape_html(figure.caption) + "</figcaption></figure>\n";
  }
  body_ += "</div>\n";
}

void HtmlReport::drawing(const std::string& svg, const std::string& description) {
  body_ += "<figure><img style=\"width:100%\" alt=\"" + escape_html(description) +
           "\" src=\"data:image/svg+xml;base64," + base64(svg) + "\"/></figure>\n";
}

void HtmlReport::line_chart(const LineChart& chart) { body_ += line_chart_html(chart); }

void HtmlReport::line_chart(const std::string& title, const std::string& x_label, const std::string& y_label,
                            const std::vector<Series>& series, bool log_y) {
  line_chart(LineChart{title, x_label, y_label, series, log_y});
}

std::string HtmlReport::contents() const {
  if (sections_.size() < 3) return "";
  std::string html = "<nav><ul>";
  for (const Section& section : sections_)
    html += "<li><a href=\"#" + section.id + "\">" + escape_html(section.text) + "</a></li>";
  return html + "</ul></nav>\n";
}

std::string HtmlReport::html() const {
  std::string page =
      "<!DOCTYPE html>\n<html lang=\"en\" xmlns=\"http://www.w3.org/1999/xhtml\">\n<head><meta charset=\"utf-8\"/>"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/><title>" +
      escape_html(title_) + "</title><style>" + kStyle + "</style></head>\n<body>\n<h1>" + escape_html(title_) +
      "</h1>\n";
  if (!subtitle_.empty()) page += "<p class=\"subtitle\">" + escape_html(subtitle_) + "</p>\n";
  return page + contents() + body_ + "</body>\n</html>\n";
}

void HtmlReport::write(const std::filesystem::path& path) const { write_atomically(path, html()); }

}  // namespace sscvae::report
