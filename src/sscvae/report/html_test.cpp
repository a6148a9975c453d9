#include "sscvae/report/html.h"

#include <gtest/gtest.h>

#include <limits>
#include <regex>

#include "sscvae/core/atomic_file.h"
#include "support/paths.h"

namespace sscvae::report {
namespace {

/// A name as a file or a configuration could bring it along, and what must become of it.
const std::string kHostile = "\"><script src='//x'>&\x01\xff";
const std::string kHarmless = "&quot;&gt;&lt;script src=&#39;//x&#39;&gt;&amp;\xEF\xBF\xBD\xEF\xBF\xBD";

image::Image dot() {
  image::Image picture;
  picture.width = picture.height = picture.channels = 1;
  picture.bytes = {7};
  return picture;
}

/// The tags of a page in order, "" for each that is well-formed and closed where it must be; else what is wrong.
std::string fault_of(const std::string& page) {
  static const std::regex tag(R"(<(/?)([a-z0-9]+)((?: [a-zA-Z0-9:-]+="[^"<]*")*)(/?)>)");
  std::vector<std::string> open;
  const size_t style = page.find("<style>"), style_end = page.find("</style>");
  for (size_t at = page.find('<', 15); at != std::string::npos; at = page.find('<', at + 1)) {
    if (at > style && at < style_end) continue;
    std::smatch match;
    if (!std::regex_search(page.begin() + static_cast<std::ptrdiff_t>(at), page.end(), match, tag,
                           std::regex_constants::match_continuous))
      return "no tag: " + page.substr(at, 60);
    if (match[1].length() == 0 && match[4].length() == 0) open.push_back(match[2]);
    if (match[1].length() == 0) continue;
    if (open.empty() || open.back() != match[2]) return "closed without being open: " + match[0].str();
    open.pop_back();
  }
  return open.empty() ? "" : "never closed: " + open.back();
}

/// Everything that takes text, with one text.
HtmlReport page_with(const std::string& text) {
  HtmlReport report(text, text);
  for (int level = 1; level <= 4; ++level) report.heading(text, level);
  report.heading(text);
  report.paragraph(text);
  report.callout(text);
  report.preformatted(text);
  report.table({text, "n"}, {{text, "1"}}, text);
  report.key_values({{text, text}}, text);
  report.image_row({{text, dot(), ""}, {text, dot(), text}});
  report.line_chart(text, text, text, {{text, {1, 2}, {3, 4}}, {text, {1, 2}, {4, 3}}});
  return report;
}

TEST(HtmlReport, TextOfOthersStaysText) {
  const std::string page = page_with(kHostile).html();
  EXPECT_EQ(page.find("<script"), std::string::npos);
  EXPECT_EQ(page.find('\x01'), std::string::npos);
  EXPECT_EQ(page.find('\xff'), std::string::npos);
  EXPECT_EQ(fault_of(page), "");
  size_t places = 0;
  for (size_t at = page.find(kHarmless); at != std::string::npos; at = page.find(kHarmless, at + 1)) ++places;
  const std::string plain = page_with("Q7Q").html();
  size_t expected = 0;
  for (size_t at = plain.find("Q7Q"); at != std::string::npos; at = plain.find("Q7Q", at + 1)) ++expected;
  EXPECT_EQ(places, expected);
  EXPECT_GE(places, 20u);
}

TEST(HtmlReport, FaultsAreSeen) {
  const std::string start = "<!DOCTYPE html>\n";
  EXPECT_EQ(fault_of(start + "<p class=\"a\">b</p><br/>"), "");
  EXPECT_NE(fault_of(start + "<p>"), "");
  EXPECT_NE(fault_of(start + "<p></b>"), "");
  EXPECT_NE(fault_of(start + "<p a='b'></p>"), "");
}

TEST(HtmlReport, LoadsNothingFromElsewhere) {
  const std::string page = page_with("text").html();
  const std::regex outside("(src|href)=\"(?!data:|#)[^\"]*\"");
  EXPECT_FALSE(std::regex_search(page, outside));
  EXPECT_NE(page.find("href=\"#section-2\""), std::string::npos);
}

TEST(HtmlReport, ColumnsOfNumbersStandRight) {
  HtmlReport report("a");
  report.table({"name", "x", "y"}, {{"b", "1.5"}, {"c", "–", "2", "wide"}});
  const std::string page = report.html();
  EXPECT_NE(page.find("<td>b</td><td class=\"number\">1.5</td><td class=\"number\"></td><td></td>"), std::string::npos);
  EXPECT_NE(page.find("<td>wide</td>"), std::string::npos);
}

TEST(HtmlReport, IsWrittenAsItIs) {
  const testing::TemporaryFolder folder;
  const HtmlReport report = page_with("text");
  report.write(folder / "page.html");
  EXPECT_EQ(read_file(folder / "page.html"), report.html());
}

TEST(Html, EscapesWhatIsNoUtf8) {
  EXPECT_EQ(escape_html("a\nb\tc ü €"), "a\nb\tc ü €");
  for (const char* broken : {"\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80"})  // overlong, a surrogate, beyond Unicode
    EXPECT_EQ(escape_html(broken).find(broken), std::string::npos);
  EXPECT_EQ(escape_html("\xe2\x82"), "\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(Html, Base64OfTheStandard) {
  const std::vector<std::pair<std::string, std::string>> vectors{
      {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}};
  for (const auto& [bytes, text] : vectors) EXPECT_EQ(base64(bytes), text);
}

TEST(Html, NumbersForPeople) {
  EXPECT_EQ(number_text(3), "3");
  EXPECT_EQ(number_text(-0.0), "0");
  EXPECT_EQ(number_text(31.52345), "31.52");
  EXPECT_EQ(number_text(0.5), "0.5");
  EXPECT_EQ(number_text(1.5e-7), "1.5e-07");
  EXPECT_EQ(number_text(std::numeric_limits<double>::quiet_NaN()), "–");
  EXPECT_EQ(number_text(-std::numeric_limits<double>::infinity()), "−∞");
}

}  // namespace
}  // namespace sscvae::report
