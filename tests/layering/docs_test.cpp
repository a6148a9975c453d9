#include <gtest/gtest.h>

#include <map>

#include "layering/layers.h"

// Documents against what they speak of: links, and the layers.
namespace sscvae {
namespace {

namespace fs = std::filesystem;
using Words = std::set<std::string>;

std::vector<fs::path> documents() {
  std::vector<fs::path> found = files_below({"docs", "src", "benchmarks", "models", "training"}, {".md"});
  for (const char* name : {"README.md", "CONTRIBUTING.md", "CHANGELOG.md"})
    found.push_back(testing::source_folder() / name);
  return found;
}

/// What a link can point to: each heading in lower case, words joined by hyphens, other marks left out.
Words anchors_of(const std::string& document) {
  Words found;
  bool code = false;
  for (const std::string& line : lines_of(document)) {
    if (line.starts_with("```")) code = !code;
    if (code || !line.starts_with("#")) continue;
    std::string anchor;
    for (const char c : line.substr(std::min(line.find(' ') + 1, line.size())))
      if (c == ' ') anchor += '-';
      else if (std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || (c & 0x80))
        anchor += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    for (int number = 1; !found.insert(number == 1 ? anchor : anchor + "-" + std::to_string(number - 1)).second;)
      ++number;
  }
  return found;
}

/// The targets of a document's links, without those inside of code.
std::vector<std::string> links_of(const std::string& document) {
  static const std::regex link(R"(\]\(([^()\s]+)\))"), code("`[^`]*`"), block("```[^]*?```");
  const std::string text = std::regex_replace(std::regex_replace(document, block, ""), code, "");
  std::vector<std::string> found;
  for (std::sregex_iterator it(text.begin(), text.end(), link), end; it != end; ++it) found.push_back((*it)[1]);
  return found;
}

TEST(Documents, LinksAreFound) {
  EXPECT_EQ(links_of("a [b](c.md) `[d](e)` [f](#g-h)\n[i](https://j)\n```\n[k](l)\n```\n"),
            (std::vector<std::string>{"c.md", "#g-h", "https://j"}));
  EXPECT_EQ(anchors_of("# A title: `x`\n## 9. Two\n## Same\n## Same\n```\n# no\n```\n"),
            (Words{"a-title-x", "9-two", "same", "same-1"}));
}

TEST(Documents, LinksLeadSomewhere) {
  size_t checked = 0;
  for (const fs::path& file : documents())
    for (const std::string& link : links_of(read_file(file))) {
      if (link.starts_with("http")) continue;
      const size_t hash = link.find('#');
      const std::string path = link.substr(0, hash);
      const fs::path target = path.empty() ? file : file.parent_path() / path;
      ++checked;
      ASSERT_TRUE(fs::exists(target)) << name_of(file) << " links to " << link;
      if (hash == std::string::npos) continue;
      EXPECT_TRUE(anchors_of(read_file(target)).contains(link.substr(hash + 1)))
          << name_of(file) << " links to " << link << ", and there is no such heading";
    }
  EXPECT_GT(checked, 20u);
}

/// A row of docs/architecture.md's table of layers.
struct Row {
  std::string layer;
  Words uses;
};

std::vector<Row> rows_of(const std::string& document) {
  static const std::regex row(R"(\| `([a-z]+)` \| [^|]* \| ([^|]*)\|)");
  std::vector<Row> rows;
  for (const std::string& line : lines_of(document)) {
    std::smatch cells;
    if (std::regex_match(line, cells, row)) rows.push_back({cells[1], words(cells[2])});
  }
  return rows;
}

TEST(Documents, LayersAreThoseOfCMake) {
  const fs::path source = testing::source_folder() / "src" / "sscvae";
  const std::vector<Row> rows = rows_of(read_file(testing::source_folder() / "docs" / "architecture.md"));
  const std::vector<std::string> order = layers_in_order(read_file(source / "CMakeLists.txt"));
  ASSERT_EQ(rows.size(), order.size());
  Words above;
  for (size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i].layer, order[i]) << "the order of layers in docs/architecture.md and in CMake";
    const Words stated = stated_dependencies(read_file(source / rows[i].layer / "CMakeLists.txt"));
    EXPECT_EQ(rows[i].uses, stated) << rows[i].layer << " in docs/architecture.md";
    for (const std::string& used : stated) EXPECT_TRUE(above.contains(used)) << rows[i].layer << " uses " << used;
    above.insert(rows[i].layer);
  }
}

TEST(Documents, FoldersSayWhatTheyMayInclude) {
  static const std::regex line("May include: ([a-z,\\s]+)[.(]");
  const fs::path source = testing::source_folder() / "src" / "sscvae";
  for (const std::string& layer : layers_in_order(read_file(source / "CMakeLists.txt"))) {
    const std::string document = read_file(source / layer / "README.md");
    std::smatch names;
    ASSERT_TRUE(std::regex_search(document, names, line)) << layer << "/README.md: no line 'May include: ...'";
    const Words stated = stated_dependencies(read_file(source / layer / "CMakeLists.txt"));
    if (stated.empty()) EXPECT_EQ(names[1].str(), "nothing of the project ") << layer;
    else EXPECT_EQ(words(names[1]), stated) << layer << "/README.md";
  }
}

}  // namespace
}  // namespace sscvae
