#include "sscvae/tables/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <utility>

#include "sscvae/core/error.h"
#include "sscvae/core/text.h"

namespace sscvae::tables {

namespace {

constexpr int kNoProgram = 127;

/// In the new process; only calls that are safe between fork and exec.
[[noreturn]] void become(char* const* arguments, int log, int nowhere, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(kNoProgram);  // it ended before the line above
  ::dup2(nowhere, STDIN_FILENO);
  ::dup2(log, STDOUT_FILENO);
  ::dup2(log, STDERR_FILENO);
  ::execv("/proc/self/exe", arguments);
  ::_exit(kNoProgram);
}

int exit_status(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

}  // namespace

ChildProcess::ChildProcess(const std::vector<std::string>& arguments, const std::filesystem::path& log) {
  std::vector<char*> list{const_cast<char*>("sscvae")};
  for (const std::string& argument : arguments) list.push_back(const_cast<char*>(argument.c_str()));
  list.push_back(nullptr);
  const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  const int nowhere = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (out < 0 || nowhere < 0) throw IoError("cannot write '" + log.string() + "'");
  const pid_t parent = ::getpid();
  process_ = ::fork();
  if (process_ == 0) become(list.data(), out, nowhere, parent);
  ::close(out);
  ::close(nowhere);
  if (process_ < 0) throw IoError("cannot start another process");
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : process_(std::exchange(other.process_, -1)), status_(other.status_) {}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  std::swap(process_, other.process_);
  std::swap(status_, other.status_);
  return *this;
}

ChildProcess::~ChildProcess() {
  if (process_ < 0 || status_) return;
  ask_to_stop();
  int status = 0;
  ::waitpid(process_, &status, 0);
}

std::optional<int> ChildProcess::poll() {
  int status = 0;
  if (!status_ && ::waitpid(process_, &status, WNOHANG) == process_) status_ = exit_status(status);
  return status_;
}

void ChildProcess::ask_to_stop() {
  if (!status_) ::kill(process_, SIGTERM);
}

std::string last_line(const std::filesystem::path& log) {
  std::ifstream in(log);
  std::string line, last;
  while (std::getline(in, line))
    if (!trim(line).empty()) last = trim(line);
  const std::string prefix = "sscvae: error: ";
  return last.starts_with(prefix) ? last.substr(prefix.size()) : last;
}

}  // namespace sscvae::tables
