#pragma once

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <random>
#include <string>

#include "sscvae/core/error.h"

/// Damaged files: every reader must answer them with one clear line or, where the damage cannot be seen, a result.
namespace sscvae::testing {

/// While it lives, the process cannot reserve more than `megabytes` above what it has, so that an allocation by an
/// untrusted size fails. Without effect under the address sanitizer, which reserves its own memory freely.
class MemoryLimit {
 public:
  explicit MemoryLimit(uint64_t megabytes) {
#ifndef __SANITIZE_ADDRESS__
    uint64_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    ::getrlimit(RLIMIT_AS, &before_);
    rlimit limited = before_;
    limited.rlim_cur = pages * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE)) + (megabytes << 20);
    if (pages != 0) ::setrlimit(RLIMIT_AS, &limited);
#endif
  }
  ~MemoryLimit() {
#ifndef __SANITIZE_ADDRESS__
    ::setrlimit(RLIMIT_AS, &before_);
#endif
  }
  MemoryLimit(const MemoryLimit&) = delete;
  MemoryLimit& operator=(const MemoryLimit&) = delete;

 private:
  rlimit before_{};
};

/// True if `read(bytes)` throws FormatError with a message of one line; false if it succeeds. Anything else is a
/// failure.
template <class Read>
bool is_refused(const Read& read, const std::string& bytes, const std::string& what) {
  try {
    read(bytes);
    return false;
  } catch (const FormatError& error) {
    const std::string message = error.what();
    EXPECT_FALSE(message.empty() || message.size() > 1000) << what;
    for (const char c : message) EXPECT_GE(static_cast<unsigned char>(c), 0x20) << what << ": " << message;
  } catch (const std::exception& error) {
    ADD_FAILURE() << what << ": " << error.what();
  }
  return true;
}

/// Every truncation of `bytes` must be refused.
template <class Read>
void expect_truncations_refused(const Read& read, const std::string& bytes) {
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_TRUE(is_refused(read, bytes.substr(0, size), "cut to " + std::to_string(size))) << "cut to " << size;
}

/// Replaces every single byte by several values, then `mutations` times a few random bytes at once. Returns how many
/// of the damaged files were refused.
template <class Read>
size_t refused_after_flips(const Read& read, const std::string& bytes, size_t mutations = 20000) {
  size_t refused = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    const unsigned char original = static_cast<unsigned char>(bytes[i]);
    for (const int value : {original ^ 1, original ^ 0x10, original ^ 0x80, original + 1, 0x00, 0x7f, 0xff, int{'('}}) {
      std::string damaged = bytes;
      damaged[i] = static_cast<char>(value);
      if (damaged != bytes)
        refused += is_refused(read, damaged, "byte " + std::to_string(i) + " = " + std::to_string(value));
    }
  }
  std::mt19937 random(1);
  for (size_t k = 0; k < mutations; ++k) {
    std::string damaged = bytes;
    for (size_t n = 1 + random() % 4; n-- > 0;) damaged[random() % damaged.size()] = static_cast<char>(random());
    refused += is_refused(read, damaged, "mutation " + std::to_string(k));
  }
  return refused;
}

}  // namespace sscvae::testing
