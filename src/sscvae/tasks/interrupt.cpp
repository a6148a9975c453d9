#include "sscvae/tasks/interrupt.h"

#include <csignal>

namespace sscvae::tasks {

namespace {

volatile std::sig_atomic_t& flag() {
  static volatile std::sig_atomic_t raised = 0;
  return raised;
}

void raise_flag(int signal) {
  flag() = 1;
  std::signal(signal, SIG_DFL);
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

}  // namespace sscvae::tasks
