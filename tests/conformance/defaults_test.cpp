#include <gtest/gtest.h>

#include <cmath>
#include <locale>
#include <regex>
#include <sstream>

#include "sscvae/core/atomic_file.h"
#include "sscvae/core/text.h"
#include "sscvae/experiments/experiment.h"
#include "support/paths.h"

/// The tables of docs/maths.md, which say what each profile is, against the program.
namespace sscvae::train {
namespace {

using Strings = std::vector<std::string>;

/// The cells of a table's row, without the bars; a bar inside of quotation marks of code does not occur.
Strings cells_of(const std::string& line) {
  Strings cells;
  std::istringstream text(line.substr(1));
  for (std::string cell; std::getline(text, cell, '|');) cells.emplace_back(trim(cell));
  return cells;
}

/// The keys in the cell of options. A name without a section has that of the one before it.
Strings keys_of(const std::string& cell) {
  static const std::regex name("`([a-z_0-9.]+)`"), parenthesis(R"(\([^)]*\))");
  const std::string text = std::regex_replace(cell, parenthesis, "");
  std::string section = "model.sparse_coder.";
  Strings keys;
  for (std::sregex_iterator it(text.begin(), text.end(), name), end; it != end; ++it) {
    const std::string found = (*it)[1];
    const size_t dot = found.rfind('.');
    if (dot != std::string::npos) section = found.substr(0, dot + 1);
    keys.push_back(section + found.substr(dot == std::string::npos ? 0 : dot + 1));
  }
  return keys;
}

bool as_number(const std::string& text, double& value) {
  std::istringstream stream(text);
  stream.imbue(std::locale::classic());
  return static_cast<bool>(stream >> value) && stream.eof();
}

/// Does the document's text, "1e-4 at the start" or "projected: S(D^T x)", say this value?
bool says(const std::string& text, const OptionValue& value) {
  std::string actual = to_toml(value);
  std::erase(actual, '"');
  const std::string word = text.substr(0, text.find_first_of(" :("));
  double stated = 0, held = 0;
  if (as_number(actual, held))
    return as_number(word, stated) ? std::abs(stated - held) <= 1e-9 * std::abs(held) : word == "none" && held == 0;
  if (actual == "true" || actual == "false") return word == (actual == "true" ? "yes" : "no") || word == actual;
  const auto plain = [](std::string name) {
    std::erase(name, '-');
    return name;
  };
  return plain(word) == plain(actual);
}

TEST(Defaults, WordsAreUnderstood) {
  EXPECT_EQ(keys_of("`train.learning_rate`, `schedule` (`a`)"), (Strings{"train.learning_rate", "train.schedule"}));
  EXPECT_EQ(keys_of("`num_atoms`"), Strings{"model.sparse_coder.num_atoms"});
  EXPECT_TRUE(says("1e-4 at the start", 1e-4));
  EXPECT_FALSE(says("1e-4 at the start", 1e-3));
  EXPECT_TRUE(says("projected: S(D^T x)", std::string("projected")));
  EXPECT_FALSE(says("spectral", std::string("trainable")));
  EXPECT_TRUE(says("none", 0.0));
  EXPECT_FALSE(says("none", 0.5));
  EXPECT_TRUE(says("yes", true));
  EXPECT_FALSE(says("no", true));
}

/// Which of a cell's parts are wrong for the options in that profile; "" if none is.
std::string contradiction(const Strings& keys, std::string cell, const FieldList& fields) {
  static const std::regex remark(R"(^\((lite)\) )");
  cell = std::regex_replace(cell, remark, "");
  if (cell == "(unused)") return "";
  Strings parts;
  std::istringstream text(cell);
  for (std::string part; std::getline(text, part, ',');) parts.emplace_back(trim(part));
  std::string wrong;
  size_t right = 0;
  for (size_t i = 0; i < keys.size(); ++i) {
    const OptionValue value = fields.find(keys[i], "docs/maths.md").get();
    if (says(parts[std::min(i, parts.size() - 1)], value)) ++right;
    else wrong += " " + keys[i] + " is " + to_toml(value);
  }
  const bool one_of = parts.size() < keys.size();  // one value for whichever of them applies
  return one_of && right > 0 ? "" : wrong;
}

TEST(Defaults, OfEachProfileAreThoseOfTheDocument) {
  const Strings profiles{"reference", "paper", "sound"};
  size_t compared = 0;
  std::istringstream document(read_file(testing::source_folder() / "docs" / "maths.md"));
  for (std::string line; std::getline(document, line);) {
    Strings cells = line.starts_with("| ") ? cells_of(line) : Strings{};
    if (cells.size() < 5 || cells[0] == "name in code") continue;
    const bool is_numbered = cells.size() == 6;
    if (is_numbered && cells[0] == "13") continue;  // says in words what follows from the backbone
    if (is_numbered) cells.erase(cells.begin());
    const Strings keys = keys_of(cells[1]);
    if (keys.empty()) continue;
    for (size_t i = 0; i < 3; ++i) {
      const std::string cell = cells[2 + i] == "the same" ? cells[1 + i] : cells[2 + i];
      if (cells[2 + i] == "the same") cells[2 + i] = cell;
      Strings set{"profile=\"" + profiles[i] + "\""};
      if (cells[0].find("`sc-vae`") != std::string::npos) set.push_back("model.name=\"sc-vae\"");
      experiments::ExperimentOptions options = experiments::resolve_experiment("", set).options;
      EXPECT_EQ(contradiction(keys, cell, fields_of(options)), "") << cells[0] << ", " << profiles[i] << ": " << cell;
      compared += keys.size();
    }
  }
  EXPECT_GE(compared, 120u);
}

}  // namespace
}  // namespace sscvae::train
