#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sscvae/serialization/byte_source.h"
#include "sscvae/serialization/element_type.h"

/// The JSON header of a safetensors file.
namespace sscvae::serialization {

/// One tensor as the header tells it. `begin`, `end`: bytes from the end of the header.
struct HeaderEntry {
  std::string name;
  const ElementType* type = nullptr;
  std::vector<int64_t> shape;
  uint64_t begin = 0, end = 0;
};

/// A header that has been checked: every entry's size is that of its type and shape, and the entries cover the data
/// from its first to its last byte without gap or overlap.
struct SafetensorsHeader {
  std::vector<HeaderEntry> entries;  ///< in the header's order
  std::map<std::string, std::string> metadata;
  uint64_t data_begin = 0;  ///< bytes from the start of the file
};

/// Reads 8 bytes of length and the header, and no data. Errors: FormatError, IoError.
SafetensorsHeader read_header(const ByteSource& source);

/// The bytes before the data: length, JSON, spaces up to a multiple of 8. Entries are written in the order given.
/// Errors: FormatError for a name or metadata text that is not UTF-8, or a tensor named "__metadata__".
std::string header_bytes(const std::vector<HeaderEntry>& entries, const std::map<std::string, std::string>& metadata);

}  // namespace sscvae::serialization
