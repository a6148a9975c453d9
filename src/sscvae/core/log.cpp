#include "sscvae/core/log.h"

#include <cstdio>

#include "sscvae/core/log_state.h"
#include "sscvae/core/printable.h"

namespace sscvae {

LogState& log_state() {
  static LogState state;
  return state;
}

void set_verbosity(Verbosity verbosity) { log_state().verbosity = verbosity; }

namespace {

void print(const std::string& line) {
  LogState& state = log_state();
  const std::lock_guard lock(state.mutex);
  if (state.bar_visible) std::fputs("\r\033[K", stderr);
  state.bar_visible = false;
  std::fprintf(stderr, "%s\n", printable(line).c_str());
}

}  // namespace

void note(const std::string& line) {
  if (log_state().verbosity != Verbosity::kQuiet) print(line);
}

void warn(const std::string& line) { print("warning: " + line); }

}  // namespace sscvae
