#pragma once

#include <string>

/// Messages for the person at the terminal, on standard error. Results go to standard output and never through here.
/// Each is one line: newlines and control characters are shown as printable() does.
namespace sscvae {

enum class Verbosity { kQuiet, kNormal };
void set_verbosity(Verbosity verbosity);

void note(const std::string& line);  ///< silent under --quiet
void warn(const std::string& line);  ///< "warning: ..." always shown

}  // namespace sscvae
