#include <gtest/gtest.h>

#include <map>

#include "layering/source_text.h"

// What CONTRIBUTING.md says about sources, as far as reading them can tell.
namespace sscvae {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> kFolders{"src", "apps", "tests", "benchmarks"};
const std::set<std::string> kHeaders{".h", ".cuh"}, kSources{".cpp", ".cu", ".inl"};

std::vector<fs::path> all_files() {
  std::set<std::string> extensions = kHeaders;
  extensions.insert(kSources.begin(), kSources.end());
  return files_below(kFolders, extensions);
}

bool is_test(const fs::path& file) { return name_of(file).starts_with("tests/") || serves_tests(file); }

size_t line_limit(const fs::path& file) { return kHeaders.contains(file.extension().string()) ? 150 : 400; }

/// What lists rather than decides is as long as the list.
bool is_list(const std::string& head) {
  return head.find("::describe(FieldList&") != std::string::npos || head.find("published_rows(") != std::string::npos;
}

size_t function_limit(const fs::path& file, const std::string& head) {
  if (is_list(head)) return 400;
  return is_test(file) ? 60 : 40;
}

/// Files and functions that are longer than the limits, with the lengths they may have. None may be added, and none may
/// grow; what has become short enough leaves the list.
const std::map<std::string, size_t> kLongFiles{};
const std::map<std::string, size_t> kLongFunctions{
    {"src/sscvae/kernels/bfloat16_convolution.cpp Bfloat16Convolution::run", 61},
    {"src/sscvae/kernels/bfloat16_winograd.cpp Bfloat16Winograd::run", 46},
    {"src/sscvae/kernels/winograd.cpp winograd_weight_gradient", 43},
    {"src/sscvae/serialization/pickle_reader.cpp step", 75},
    {"src/sscvae/tasks/restore.cpp denoise", 57},
};

/// "Foo::bar" for "[[nodiscard]] int64_t Foo::bar(int64_t x) {"; empty where there is none.
std::string function_name(const std::string& whole_head) {
  static const std::regex attributes(R"(\[\[[^\]]*\]\] *)");
  static const std::regex name(R"(([A-Za-z_~][\w:~]*)(<[^()]*>)?\()");
  const std::string head = std::regex_replace(whole_head, attributes, "");
  std::smatch match;
  return std::regex_search(head, match, name) ? match[1].str() : "";
}

void expect_within(const std::map<std::string, size_t>& longer, const std::string& name, size_t lines, size_t limit) {
  const auto known = longer.find(name);
  if (known == longer.end()) EXPECT_LE(lines, limit) << name << " is longer than CONTRIBUTING.md allows: split it";
  else
    EXPECT_TRUE(lines > limit && lines <= known->second)
        << name << " has " << lines << " lines and stands in the list of long ones with " << known->second
        << ": it may not grow, and below " << limit + 1 << " lines it leaves the list";
}

TEST(Lengths, OfFilesAndLines) {
  size_t checked = 0;
  for (const fs::path& file : all_files()) {
    const std::vector<std::string> lines = lines_of(read_file(file));
    expect_within(kLongFiles, name_of(file), lines.size(), line_limit(file));
    for (size_t i = 0; i < lines.size(); ++i) EXPECT_LE(width_of(lines[i]), 120u) << name_of(file) << ":" << i + 1;
    ++checked;
  }
  EXPECT_GT(checked, 500u);
}

TEST(Lengths, OfFunctions) {
  size_t checked = 0;
  for (const fs::path& file : all_files())
    for (const Definition& function : functions_of(read_file(file))) {
      expect_within(kLongFunctions, name_of(file) + " " + function_name(function.head), function.lines,
                    function_limit(file, function.head));
      ++checked;
    }
  EXPECT_GT(checked, 3000u);
}

TEST(Lengths, FunctionsAreFound) {
  const std::string text =
      "namespace a {\nnamespace {\nint first(int x,\n          int y) {\n  if (x) {\n    y = 1;\n  }\n  return y;\n}\n"
      "}  // namespace\n\nclass B {\n public:\n  template <class T>\n  void second(T x) const {\n    use([&] {\n      "
      "x();\n"
      "    });\n  }\n};\nconst int kTable[]{\n    1,\n};\nB::B(int x)\n    : x_(x),\n      y_(0) {\n  third();\n}\n}\n";
  const std::vector<Definition> found = functions_of(text);
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].line, 3u);
  EXPECT_EQ(found[0].lines, 7u);
  EXPECT_TRUE(found[0].unnamed);
  EXPECT_EQ(function_name(found[0].head), "first");
  EXPECT_EQ(found[1].lines, 6u);
  EXPECT_EQ(function_name(found[1].head), "second");
  EXPECT_FALSE(found[1].unnamed);
  EXPECT_EQ(found[2].lines, 5u);
  EXPECT_EQ(function_name(found[2].head), "B::B");
  EXPECT_EQ(function_name("[[TARGET(\"avx2\")]] void fourth(int x) {"), "fourth");
}

/// What the namespaces without a name of a file define: the name of a type or constant, the whole first line of a
/// function (overloads may share a name) or of an alias (which may be said twice).
std::set<std::string> unnamed_definitions(const std::string& text) {
  static const std::regex type(R"((?:template <.*> )?(?:struct|class|enum class) (\w+).*)");
  static const std::regex constant(R"([\w:<>,* ]+ (k[A-Z]\w*)(?:\[.*\])?(?: = |\{|;).*)");
  static const std::regex function(R"([^=]*[ *&]\w+\(.*\{)");
  std::set<std::string> found;
  bool unnamed = false;
  for (const std::string& line : lines_of(text)) {
    if (line == "namespace {") unnamed = true;
    if (line == "}  // namespace") unnamed = false;
    if (!unnamed || line.empty() || std::string(" #/})").find(line[0]) != std::string::npos) continue;
    std::smatch match;
    if (std::regex_match(line, match, type) || std::regex_match(line, match, constant)) found.insert(match[1]);
    if (std::regex_match(line, function)) found.insert(line);
  }
  return found;
}

/// Compiled with options of their own, and so never in a batch.
bool is_compiled_alone(const fs::path& file) {
  static const std::regex name(R"(.*_(avx512|amx)\.cpp)");
  return std::regex_match(file.filename().string(), name);
}

TEST(Names, InUnnamedNamespacesAreUniqueWithinALayer) {
  std::map<std::string, std::string> first;  // layer, kind and name -> the file that has it
  for (const fs::path& file : files_below({"src"}, {".cpp"})) {
    if (is_compiled_alone(file)) continue;
    const std::string kind = file.parent_path().string() + (serves_tests(file) ? " tests " : " sources ");
    for (const std::string& name : unnamed_definitions(read_file(file))) {
      const auto [known, added] = first.emplace(kind + name, name_of(file));
      EXPECT_TRUE(added) << name << " is in " << known->second << " and in " << name_of(file)
                         << ": batches of sources (SSCVAE_UNITY) may hold both";
    }
  }
  EXPECT_GT(first.size(), 1000u);
}

TEST(Names, AreSeenInUnnamedNamespaces) {
  EXPECT_EQ(
      unnamed_definitions("struct Seen {};\nnamespace {\nstruct A {\n  int kNo = 1;\n};\nconstexpr double kB = 1;\n"
                          "int f(int x) {\n  return g(x);\n}\nconst char* const kNames[] = {\n}  // namespace\n"
                          "int h() {\n"),
      (std::set<std::string>{"A", "kB", "int f(int x) {", "kNames"}));
}

TEST(Names, TypesFilesAndFunctionsFollowTheStyle) {
  static const std::regex type(
      R"(^ *(?:template <.*> )?(?:struct|class|enum class) (?:alignas\(\d+\) )?(\w+)(?: :.*| \{.*|;))");
  static const std::regex pascal("[A-Z][A-Za-z0-9]*"), snake("[a-z_][a-z0-9_]*");
  size_t types = 0, functions = 0;
  for (const fs::path& file : all_files()) {
    EXPECT_TRUE(std::regex_match(file.stem().string(), snake)) << name_of(file);
    const std::string text = read_file(file);
    for (const std::string& line : lines_of(text)) {
      std::smatch match;
      if (!std::regex_match(line, match, type) || line.find("<>") != std::string::npos) continue;
      EXPECT_TRUE(std::regex_match(match[1].str(), pascal)) << name_of(file) << ": " << line;
      ++types;
    }
    if (is_test(file)) continue;
    for (const Definition& function : functions_of(text)) {
      if (function.head.find(" override ") != std::string::npos) continue;  // named by others
      std::string name = function_name(function.head);
      name = name.substr(name.rfind(':') + 1);
      if (name.empty() || name[0] == '~' || std::regex_match(name, pascal)) continue;  // constructors
      EXPECT_TRUE(std::regex_match(name, snake)) << name_of(file) << ":" << function.line << " " << function.head;
      ++functions;
    }
  }
  EXPECT_GT(types, 300u);
  EXPECT_GT(functions, 1000u);
}

/// Patterns that no library source has, and why.
TEST(Rules, SourcesKeepThem) {
  const std::vector<std::pair<std::regex, std::string>> rules{
      {std::regex("std::rand\\b|\\bsrand\\(|random_device|std::mt19937"), "a generator that no seed of ours decides"},
      {std::regex("TODO|FIXME|[Nn]ot implemented"), "work left undone"},
      {std::regex("(%zu|%lld|%d|to_string\\([^;\"]*\\) \\+\\s+\") "
                  "(images|threads|runs|results|files|pairs|steps|tensors|windows|patches|epochs|copies)\\b"),
       "1 images: core/wording.h counts"},
      {std::regex("std::cout|std::cerr"), "a library does not print: core/log.h does"},
      {std::regex("profile *[!=]= *\"|\"(sound|reference|paper)\" *[!=]="), "a branch on the name of a profile"}};
  const std::set<std::string> allowed{"src/sscvae/networks/table.cpp"};  // thresholds by profile: docs/architecture.md
  size_t checked = 0;
  for (const fs::path& file : files_below({"src"}, {".h", ".cpp", ".cu", ".inl"})) {
    if (is_test(file) || allowed.contains(name_of(file))) continue;
    const std::string text = read_file(file);
    for (const auto& [pattern, why] : rules)
      EXPECT_FALSE(std::regex_search(text, pattern)) << name_of(file) << ": " << why;
    ++checked;
  }
  EXPECT_GT(checked, 300u);
}

}  // namespace
}  // namespace sscvae
