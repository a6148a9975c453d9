#pragma once

#include <signal.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <functional>
#include <string>
#include <thread>
#include <vector>

/// The program as a child process that is left running.
namespace sscvae::testing {

/// Starts SSCVAE_PROGRAM with these arguments; `prepare` runs in the child before it.
inline pid_t start_program(const std::vector<std::string>& arguments, const std::function<void()>& prepare = {}) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  if (prepare) prepare();
  std::vector<char*> list{const_cast<char*>(SSCVAE_PROGRAM)};
  for (const std::string& argument : arguments) list.push_back(const_cast<char*>(argument.c_str()));
  list.push_back(nullptr);
  ::execv(SSCVAE_PROGRAM, list.data());
  ::_exit(127);
}

/// The same; its messages go to `log` where one is named.
inline pid_t start(const std::vector<std::string>& arguments, const std::string& log = "") {
  return start_program(arguments, [&] {
    if (!log.empty() && !std::freopen(log.c_str(), "w", stderr)) ::_exit(127);
  });
}

/// The exit status, or 128 and the number of the signal that ended it.
inline int wait_for(pid_t child) {
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/// Sends the signal as soon as `reached`; the exit status.
inline int interrupt(pid_t child, int signal, const std::function<bool()>& reached) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(120);
  while (!reached() && std::chrono::steady_clock::now() < give_up)
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  ::kill(child, signal);
  return wait_for(child);
}

}  // namespace sscvae::testing
