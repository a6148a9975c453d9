#pragma once

#include <algorithm>
#include <filesystem>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "sscvae/core/atomic_file.h"
#include "support/paths.h"

/// Sources as text, for tests of what CONTRIBUTING.md promises. They rely on the layout of clang-format: a scope ends
/// at the line that starts with a brace at the indentation of the line it began at.
namespace sscvae {

/// All files below `folders` of the source tree whose names end in one of `extensions`, in order.
inline std::vector<std::filesystem::path> files_below(const std::vector<std::string>& folders,
                                                      const std::set<std::string>& extensions) {
  std::vector<std::filesystem::path> found;
  for (const std::string& folder : folders)
    for (const auto& entry : std::filesystem::recursive_directory_iterator(testing::source_folder() / folder))
      if (entry.is_regular_file() && extensions.contains(entry.path().extension().string()))
        found.push_back(entry.path());
  std::sort(found.begin(), found.end());
  return found;
}

/// The path from the root of the source tree, with slashes.
inline std::string name_of(const std::filesystem::path& file) {
  return std::filesystem::relative(file, testing::source_folder()).generic_string();
}

/// Tests and what only they include: foo_test.cpp, foo_fixture.h, test_foo.h. They are not installed.
inline bool serves_tests(const std::filesystem::path& file) {
  const std::string stem = file.stem().string();
  return stem.ends_with("_test") || stem.ends_with("_fixture") || stem.starts_with("test_");
}

inline std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

/// Characters, not bytes.
inline size_t width_of(const std::string& line) {
  return static_cast<size_t>(std::count_if(line.begin(), line.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

/// A definition: its first line, counted from 1, how many lines it has, and what stands before its opening brace.
struct Definition {
  size_t line, lines;
  std::string head;
  bool unnamed;  ///< in a namespace without a name
};

/// The first line of the statement that ends in line `index`.
inline size_t statement_begin(const std::vector<std::string>& lines, size_t index) {
  static const std::regex border(R"(\s*|.*[;{}]|\s*(//|#).*|\s*(public|private|protected):)");
  while (index > 0 && !std::regex_match(lines[index - 1], border)) --index;
  return index;
}

/// The functions that are defined over several lines, in order; what is inside of one is left out.
inline std::vector<Definition> functions_of(const std::string& text) {
  static const std::regex scope(R"(\s*(inline )?(template <.*> )?(namespace|class|struct|union|extern "C")\b.*)");
  const std::vector<std::string> lines = lines_of(text);
  std::vector<Definition> found;
  bool unnamed = false;
  for (size_t i = 0; i < lines.size(); ++i) {
    if (lines[i] == "namespace {") unnamed = true;
    if (lines[i] == "}  // namespace") unnamed = false;
    if (!lines[i].ends_with("{") || lines[i].starts_with("#") || lines[i].starts_with("//")) continue;
    const size_t begin = statement_begin(lines, i);
    std::string head;
    for (size_t k = begin; k <= i; ++k) head += (k > begin ? " " : "") + lines[k];
    if (std::regex_match(head, scope) && !head.ends_with(") {")) continue;
    const size_t indentation = std::min(lines[begin].find_first_not_of(' '), lines[begin].size());
    const std::string closing = std::string(indentation, ' ') + "}";
    size_t end = i + 1;
    while (end < lines.size() && !lines[end].starts_with(closing)) ++end;
    if (head.find('(') != std::string::npos) found.push_back({begin + 1, end - begin + 1, head, unnamed});
    i = end;
  }
  return found;
}

}  // namespace sscvae
