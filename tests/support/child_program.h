#pragma once

#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <string>
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

/// The exit status, or 128 and the number of the signal that ended it.
inline int wait_for(pid_t child) {
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace sscvae::testing
