#include "sscvae/tasks/interrupt.h"

#include <unistd.h>

#include <csignal>
#include <string_view>
#include <tuple>

namespace sscvae::tasks {

namespace {

volatile std::sig_atomic_t& flag() {
  static volatile std::sig_atomic_t raised = 0;
  return raised;
}

volatile std::sig_atomic_t& at_once() {
  static volatile std::sig_atomic_t wanted = 0;
  return wanted;
}

/// Only calls that are safe in a signal handler.
[[noreturn]] void end_now() {
  constexpr std::string_view start = "sscvae: error: ", end = "\n";
  if (::isatty(STDERR_FILENO) == 1) std::ignore = ::write(STDERR_FILENO, end.data(), end.size());  // behind a bar
  for (const std::string_view part : {start, std::string_view(kInterruptedLine), end})
    std::ignore = ::write(STDERR_FILENO, part.data(), part.size());
  ::_exit(128 + SIGINT);
}

void raise_flag(int signal) {
  flag() = 1;
  std::signal(signal, SIG_DFL);
  if (at_once() != 0) end_now();
}

}  // namespace

void watch_interrupts() {
  flag() = 0;
  std::signal(SIGINT, raise_flag);
  std::signal(SIGTERM, raise_flag);
  if (std::signal(SIGHUP, raise_flag) == SIG_IGN) std::signal(SIGHUP, SIG_IGN);  // nohup
}

bool interrupted() { return flag() != 0; }

void stop_if_interrupted() {
  if (interrupted()) throw Interrupted{};
}

EndsAtOnce::EndsAtOnce() {
  at_once() = 1;
  if (!interrupted()) return;  // from here on the handler ends the process itself
  at_once() = 0;
  throw Interrupted{};
}

EndsAtOnce::~EndsAtOnce() { at_once() = 0; }

}  // namespace sscvae::tasks
