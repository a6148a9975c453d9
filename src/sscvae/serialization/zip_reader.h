#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sscvae/serialization/byte_source.h"

/// Reading of zip archives with uncompressed entries, as torch checkpoints are. Source: PKWARE APPNOTE 6.3.10.
namespace sscvae::serialization {

/// The list of entries of an untrusted archive. Opening reads the list only; memory used is in proportion to it.
///
/// An archive is refused (FormatError) unless every entry is stored uncompressed and unencrypted, lies wholly before
/// the central directory, agrees with its local header, and shares no byte with another entry. So all entries together
/// are never larger than the file.
class ZipReader {
 public:
  struct Entry {
    uint64_t begin = 0;  ///< of the content, in bytes from the start of the file
    uint64_t size = 0;
    uint32_t crc = 0;
  };

  /// `source` must outlive the reader.
  explicit ZipReader(const ByteSource& source);

  const std::map<std::string, Entry, std::less<>>& entries() const { return entries_; }
  const Entry* find(std::string_view name) const;

  /// Content of an entry. Errors: FormatError if its CRC-32 is not what the archive says.
  std::string read(const std::string& name, const Entry& entry) const;

  /// For content that was read in another way. Errors: FormatError.
  void check_crc(const std::string& name, const Entry& entry, const void* content) const;

 private:
  struct Directory {
    uint64_t begin = 0, size = 0, count = 0;
  };
  Directory find_directory() const;
  Directory read_zip64_end(uint64_t end) const;
  void read_directory(const Directory& directory);
  void check_local_header(const std::string& name, Entry& entry, uint64_t header, uint64_t limit) const;
  void check_disjoint(std::vector<std::pair<uint64_t, uint64_t>> extents) const;

  const ByteSource& source_;
  std::map<std::string, Entry, std::less<>> entries_;
};

/// CRC-32 as in zip and PNG: crc32_of("123456789") = 0xcbf43926.
uint32_t crc32_of(std::string_view bytes);

}  // namespace sscvae::serialization
