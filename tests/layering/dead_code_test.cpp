#include <gtest/gtest.h>

#include <map>

#include "layering/source_text.h"

// Functions that nothing but tests uses. A name that occurs no more often than its declaration and definition take is
// never called: overloads and names that others have, too, escape.
namespace sscvae {
namespace {

namespace fs = std::filesystem;
using Counts = std::map<std::string, size_t>;

/// Offered to programs that use the library, or the plain form that tests hold a fast one against.
const std::set<std::string> kOffered{
    "arena_bytes",             // memory that an engine holds
    "available_isas",          // what SSCVAE_ISA may say on this processor
    "is_active",               // recorded work of training steps
    "lasso_objective",         // F of docs/maths.md
    "parse_safetensors",       // from memory instead of a file
    "parse_torch_checkpoint",  //
    "plain_steps",             // steps of the iterations for a processor; a GPU has its own
    "run_plain",               // the meaning of a graph's operations
    "samples_per_epoch",       // of training batches
};

std::string without_comments_and_strings(const std::string& text) {
  static const std::regex left_out(R"re(//[^\n]*|"(?:\\.|[^"\\\n])*")re");
  return std::regex_replace(text, left_out, "");
}

void count_words(const std::string& text, Counts& counts) {
  static const std::regex word("[A-Za-z_]\\w*");
  for (std::sregex_iterator it(text.begin(), text.end(), word), end; it != end; ++it) ++counts[it->str()];
}

/// Names with a parenthesis behind them that follow a type: what a header declares.
std::set<std::string> declared_in(const std::string& header) {
  static const std::regex declaration(R"((?:^|\n)[ \t]*[\w:<>,&*\[\] ]*[\w>&*\]] +[&*]?([a-z_]\w*)\()");
  std::set<std::string> found;
  for (std::sregex_iterator it(header.begin(), header.end(), declaration), end; it != end; ++it) found.insert((*it)[1]);
  return found;
}

TEST(DeadCode, DeclarationsAreFound) {
  EXPECT_EQ(declared_in("int first(int x);\n  const std::map<int, B>& second(\n      int y) const;\nreturn third(x);\n"
                        "std::optional<double> fourth();\n"),
            (std::set<std::string>{"first", "second", "third", "fourth"}));
}

TEST(DeadCode, WhatHeadersDeclareIsUsed) {
  Counts counts;
  std::map<std::string, std::set<std::string>> declared;  // by header
  for (const fs::path& file : files_below({"src", "apps"}, {".h", ".cpp", ".cu", ".cuh", ".inl"})) {
    if (serves_tests(file)) continue;
    const std::string text = without_comments_and_strings(read_file(file));
    count_words(text, counts);
    if (file.extension() == ".h") declared[name_of(file)] = declared_in(text);
  }
  std::set<std::string> unused;
  size_t checked = 0;
  for (const auto& [header, names] : declared) {
    const std::string text = without_comments_and_strings(read_file(testing::source_folder() / header));
    fs::path source = testing::source_folder() / header;
    source.replace_extension(".cpp");
    Counts own;
    count_words(text, own);
    if (fs::exists(source)) count_words(without_comments_and_strings(read_file(source)), own);
    for (const std::string& name : names) {
      ++checked;
      const bool elsewhere = counts[name] > own[name];
      const bool defined_here = std::regex_search(text, std::regex("\\b" + name + R"(\([^;{]*\{)"));
      if (elsewhere || own[name] > (defined_here ? 1u : 2u)) continue;
      unused.insert(name);
      EXPECT_TRUE(kOffered.contains(name)) << name << " of " << header << " is used by tests at most: remove it";
    }
  }
  for (const std::string& name : kOffered) EXPECT_TRUE(unused.contains(name)) << name << " is used now: off the list";
  EXPECT_GT(checked, 600u);
}

}  // namespace
}  // namespace sscvae
