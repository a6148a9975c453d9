#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

/// SHA-256, to name content: split manifests, weights, datasets. Source: FIPS 180-4.
namespace sscvae {

/// The digest of a text that comes in pieces: update(a), update(b) is the same as update(a + b).
class Sha256 {
 public:
  Sha256();
  void update(std::string_view bytes);
  /// 64 lower-case hexadecimal digits of everything so far; more may follow.
  std::string hex() const;

 private:
  void compress(const unsigned char* block);

  std::array<uint32_t, 8> state_;
  std::array<unsigned char, 64> pending_{};
  uint64_t total_ = 0;  ///< bytes so far; total_ % 64 of them are pending
};

std::string sha256_hex(std::string_view bytes);

/// Reads in pieces, so that the file may be larger than the memory. Errors: IoError.
std::string sha256_of_file(const std::filesystem::path& path);

}  // namespace sscvae
