#include "sscvae/core/error.h"

#include <cstring>
#include <filesystem>
#include <new>

namespace sscvae {

void fail_assertion(const char* condition, const char* file, int line) {
  const char* name = std::strstr(file, "sscvae/");
  throw InternalError("internal error: " + std::string(condition) + " does not hold at " + (name ? name : file) + ":" +
                      std::to_string(line));
}

Failure describe_failure(const std::exception& error) {
  if (const auto* own = dynamic_cast<const Error*>(&error)) return {own->code(), own->what()};
  if (dynamic_cast<const std::bad_alloc*>(&error)) return {ExitCode::kIo, "out of memory"};
  if (const auto* file = dynamic_cast<const std::filesystem::filesystem_error*>(&error))
    return {ExitCode::kIo, file->what()};
  std::string text = error.what();
  text = text.substr(0, text.find('\n'));  // LibTorch's go on with the calls that led there
  if (text.find("not enough memory") != std::string::npos) return {ExitCode::kIo, "out of memory: " + text};
  return {ExitCode::kInternal, "internal error: " + text};
}

}  // namespace sscvae
