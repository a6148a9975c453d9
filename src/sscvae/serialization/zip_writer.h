#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>

/// Writing of zip archives with uncompressed entries, as torch checkpoints are. Source: PKWARE APPNOTE 6.3.10.
namespace sscvae::serialization {

/// Writes an archive of uncompressed entries in one pass. Deterministic: no times. Content starts at multiples of 64
/// bytes, as torch.save places it, so that it can be mapped into memory.
class ZipWriter {
 public:
  enum class Zip64 { kWhereNeeded, kEverywhere };  ///< 64-bit fields above 4 GiB or 65534 entries, or for tests always

  explicit ZipWriter(std::ostream& out, Zip64 policy = Zip64::kWhereNeeded) : out_(out), policy_(policy) {}
  void add(const std::string& name, std::string_view content);
  /// The central directory; nothing may follow.
  void finish();

 private:
  void write(std::string_view bytes);
  bool is_wide(uint64_t value) const { return policy_ == Zip64::kEverywhere || value >= 0xffffffff; }

  std::ostream& out_;
  Zip64 policy_;
  uint64_t position_ = 0, count_ = 0;
  std::string directory_;
};

}  // namespace sscvae::serialization
