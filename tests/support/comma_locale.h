#pragma once

#include <gtest/gtest.h>

#include <clocale>
#include <cstdlib>
#include <locale>
#include <string>

#include "support/paths.h"

namespace sscvae::testing {

/// While it lives, the process writes "1.234,5", in C and in C++, as a host with a German locale does. The locale is
/// made in a folder of its own with localedef (Debian: package locales).
class CommaLocale {
 public:
  CommaLocale() {
    const std::string file = (folder_ / "de_DE.UTF-8").string();
    // Its exit status counts warnings, too: what was made decides.
    if (std::system(("localedef -i de_DE -f UTF-8 '" + file + "' >/dev/null 2>&1").c_str()) < 0) return;
    ::setenv("LOCPATH", folder_.path().c_str(), 1);
    if (std::setlocale(LC_ALL, "de_DE.UTF-8")) std::locale::global(std::locale("de_DE.UTF-8"));
    EXPECT_EQ(std::string(std::localeconv()->decimal_point), ",") << "no locale: is the package locales installed?";
  }
  ~CommaLocale() {
    std::locale::global(std::locale::classic());
    ::unsetenv("LOCPATH");
  }
  CommaLocale(const CommaLocale&) = delete;
  CommaLocale& operator=(const CommaLocale&) = delete;

 private:
  TemporaryFolder folder_;
};

}  // namespace sscvae::testing
