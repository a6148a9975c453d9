#pragma once

#include <stdexcept>
#include <string>

/// Failures and what the program answers to them. Three kinds, three mechanisms:
///   the user's (UsageError, IoError, ShapeError), the data's (FormatError), our own (InternalError by SSCVAE_ASSERT).
/// Every message is one line that says what, where, what was expected and what was found.
namespace sscvae {

/// The exit codes of the program.
enum class ExitCode { kOk = 0, kInternal = 1, kUsage = 2, kIo = 3, kData = 4 };

/// Base of all errors that are reported to a person in one line.
class Error : public std::runtime_error {
 public:
  Error(ExitCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ExitCode code() const { return code_; }

 private:
  ExitCode code_;
};

/// A wrong option, configuration key or combination of them. Exit code 2.
struct UsageError : Error {
  explicit UsageError(const std::string& message) : Error(ExitCode::kUsage, message) {}
};

/// A file or folder that cannot be found, read or written. Exit code 3.
struct IoError : Error {
  explicit IoError(const std::string& message) : Error(ExitCode::kIo, message) {}
};

/// A file whose content is damaged, foreign or not what was asked for. Exit code 4.
struct FormatError : Error {
  explicit FormatError(const std::string& message) : Error(ExitCode::kData, message) {}
};

/// Tensors whose shapes do not fit each other or the model. Exit code 4.
struct ShapeError : Error {
  explicit ShapeError(const std::string& message) : Error(ExitCode::kData, message) {}
};

/// Training that left the finite numbers. Exit code 4.
struct DivergenceError : Error {
  explicit DivergenceError(const std::string& message) : Error(ExitCode::kData, message) {}
};

/// A mistake of this program. Exit code 1.
struct InternalError : Error {
  explicit InternalError(const std::string& message) : Error(ExitCode::kInternal, message) {}
};

[[noreturn]] void fail_assertion(const char* condition, const char* file, int line);

/// What only a mistake of ours can violate; never used on input.
#define SSCVAE_ASSERT(condition) \
  ((condition) ? static_cast<void>(0) : ::sscvae::fail_assertion(#condition, __FILE__, __LINE__))

/// The code and the single line for any exception (cut to its first line).
struct Failure {
  ExitCode code;
  std::string line;
};
Failure describe_failure(const std::exception& error);

}  // namespace sscvae
