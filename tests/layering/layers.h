#pragma once

#include "layering/source_text.h"

/// What CMake states about the layers.
namespace sscvae {

inline std::set<std::string> words(const std::string& text) {
  static const std::regex word("[A-Za-z_0-9]+");
  std::set<std::string> found;
  for (std::sregex_iterator it(text.begin(), text.end(), word), end; it != end; ++it) found.insert(it->str());
  return found;
}

/// The direct dependencies that one CMakeLists.txt states.
inline std::set<std::string> stated_dependencies(const std::string& cmake) {
  static const std::regex call("sscvae_layer\\(\\s*\\w+([^)]*)\\)"), depends("DEPENDS([a-z_\\s]*)");
  std::smatch arguments, names;
  if (!std::regex_search(cmake, arguments, call)) return {};
  const std::string text = arguments[1];
  return std::regex_search(text, names, depends) ? words(names[1]) : std::set<std::string>{};
}

/// The layers in the order in which src/sscvae/CMakeLists.txt adds them, bottom to top.
inline std::vector<std::string> layers_in_order(const std::string& cmake) {
  static const std::regex loop("foreach\\(layer ([a-z ]+)\\)"), word("[a-z]+");
  std::smatch names;
  if (!std::regex_search(cmake, names, loop)) return {};
  const std::string text = names[1];
  return {std::sregex_token_iterator(text.begin(), text.end(), word), std::sregex_token_iterator()};
}

}  // namespace sscvae
