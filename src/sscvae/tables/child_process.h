#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace sscvae::tables {

/// This program once more, with other arguments, its output in a file. It is told to stop (SIGTERM: a training ends its
/// step and writes a checkpoint) when this process ends in whatever way, SIGKILL included.
class ChildProcess {
 public:
  /// Errors: IoError if no process can be made or the log cannot be written.
  ChildProcess(const std::vector<std::string>& arguments, const std::filesystem::path& log);
  ~ChildProcess();  ///< tells it to stop and waits
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;  ///< `other` takes the process that was here

  /// The exit status once it has ended (128 + signal where a signal ended it), else nothing. Does not wait.
  std::optional<int> poll();
  void ask_to_stop();

 private:
  pid_t process_ = -1;
  std::optional<int> status_;
};

/// The last non-empty line of a log, without "sscvae: error: ".
std::string last_line(const std::filesystem::path& log);

}  // namespace sscvae::tables
