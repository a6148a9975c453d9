#include "sscvae/serialization/zip_reader.h"

#include <zlib.h>

#include <algorithm>

#include "sscvae/core/text.h"

namespace sscvae::serialization {

namespace {

constexpr uint64_t kEndSize = 22, kLocatorSize = 20, kEnd64Size = 56, kCentralSize = 46, kLocalSize = 30;

/// A little-endian number inside bytes that have been read.
uint64_t number(std::string_view bytes, size_t offset, size_t size) {
  uint64_t value = 0;
  for (size_t i = size; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[offset + i]);
  return value;
}

bool has_signature(std::string_view bytes, std::string_view signature) { return bytes.substr(0, 4) == signature; }

/// Replaces saturated 32-bit fields by those of the extra field 0x0001, in its fixed order. False if it lacks them.
bool widen(std::string_view extra, uint64_t& size, uint64_t& stored_size, uint64_t& header) {
  std::string_view wide;
  while (extra.size() >= 4) {
    const uint64_t length = number(extra, 2, 2);
    if (length > extra.size() - 4) return false;
    if (number(extra, 0, 2) == 1) wide = extra.substr(4, length);
    extra.remove_prefix(4 + length);
  }
  for (uint64_t* field : {&size, &stored_size, &header}) {
    if (*field != 0xffffffff) continue;
    if (wide.size() < 8) return false;
    *field = number(wide, 0, 8);
    wide.remove_prefix(8);
  }
  return true;
}

}  // namespace

ZipReader::ZipReader(const ByteSource& source) : source_(source) { read_directory(find_directory()); }

const ZipReader::Entry* ZipReader::find(std::string_view name) const {
  const auto found = entries_.find(name);
  return found == entries_.end() ? nullptr : &found->second;
}

ZipReader::Directory ZipReader::find_directory() const {
  const uint64_t tail_size = std::min<uint64_t>(source_.size(), kEndSize + 0xffff);
  const uint64_t tail_begin = source_.size() - tail_size;
  const std::string tail = source_.read_text(tail_begin, tail_size);
  // The end record is the last one whose comment reaches exactly to the end of the file.
  for (size_t i = tail.rfind("PK\5\6"); i != std::string::npos;
       i = i == 0 ? std::string::npos : tail.rfind("PK\5\6", i - 1)) {
    if (tail.size() - i < kEndSize || number(tail, i + 20, 2) != tail.size() - i - kEndSize) continue;
    if (number(tail, i + 4, 2) != number(tail, i + 6, 2)) source_.fail("is a part of a divided zip archive");
    Directory directory{number(tail, i + 16, 4), number(tail, i + 12, 4), number(tail, i + 10, 2)};
    if (directory.begin == 0xffffffff || directory.size == 0xffffffff || directory.count == 0xffff)
      directory = read_zip64_end(tail_begin + i);
    uint64_t end = 0;
    if (!checked_add(directory.begin, directory.size, end) || end > tail_begin + i)
      source_.fail("has a zip directory that points outside the file");
    return directory;
  }
  source_.fail("has no zip directory at its end (truncated, or not a torch checkpoint)");
}

ZipReader::Directory ZipReader::read_zip64_end(uint64_t end) const {
  if (end < kLocatorSize) source_.fail("has a damaged zip64 directory");
  const std::string locator = source_.read_text(end - kLocatorSize, kLocatorSize);
  const uint64_t place = number(locator, 8, 8);
  if (!has_signature(locator, "PK\6\7") || place > end || end - place < kLocatorSize + kEnd64Size)
    source_.fail("has a damaged zip64 directory");
  const std::string record = source_.read_text(place, kEnd64Size);
  if (!has_signature(record, "PK\6\6")) source_.fail("has a damaged zip64 directory");
  return {number(record, 48, 8), number(record, 40, 8), number(record, 32, 8)};
}

void ZipReader::read_directory(const Directory& directory) {
  if (directory.count > directory.size / kCentralSize)
    source_.fail(format("has a zip directory of %ju bytes for %ju entries", uintmax_t{directory.size},
                        uintmax_t{directory.count}));
  const std::string bytes = source_.read_text(directory.begin, directory.size);
  std::string_view rest = bytes;
  std::vector<std::pair<uint64_t, uint64_t>> extents;
  for (uint64_t i = 0; i < directory.count; ++i) {
    if (rest.size() < kCentralSize || !has_signature(rest, "PK\1\2")) source_.fail("has a damaged zip directory");
    const uint64_t name_size = number(rest, 28, 2), extra_size = number(rest, 30, 2), comment = number(rest, 32, 2);
    if (rest.size() < kCentralSize + name_size + extra_size + comment) source_.fail("has a damaged zip directory");
    const std::string name(rest.substr(kCentralSize, name_size));
    uint64_t size = number(rest, 24, 4), stored_size = number(rest, 20, 4), header = number(rest, 42, 4);
    if (!widen(rest.substr(kCentralSize + name_size, extra_size), size, stored_size, header))
      source_.fail("has a damaged zip directory entry " + quoted_name(name));
    if ((number(rest, 8, 2) & 1) != 0) source_.fail("has an encrypted entry " + quoted_name(name));
    if (number(rest, 10, 2) != 0 || size != stored_size)
      source_.fail("has a compressed entry " + quoted_name(name) + "; torch.save stores entries uncompressed");
    Entry entry{0, size, static_cast<uint32_t>(number(rest, 16, 4))};
    check_local_header(name, entry, header, directory.begin);
    extents.emplace_back(header, entry.begin + entry.size);
    if (!entries_.emplace(name, entry).second) source_.fail("has two zip entries " + quoted_name(name));
    rest.remove_prefix(kCentralSize + name_size + extra_size + comment);
  }
  check_disjoint(std::move(extents));
}

void ZipReader::check_local_header(const std::string& name, Entry& entry, uint64_t header, uint64_t limit) const {
  const auto outside = [&]() {
    source_.fail("has a zip entry " + quoted_name(name) + " that points outside the file");
  };
  if (header > limit || limit - header < kLocalSize) outside();
  const std::string local = source_.read_text(header, kLocalSize);
  if (!has_signature(local, "PK\3\4") || number(local, 26, 2) != name.size() || number(local, 8, 2) != 0)
    source_.fail("has a zip entry " + quoted_name(name) + " without its local header");
  entry.begin = header + kLocalSize + name.size() + number(local, 28, 2);
  if (entry.begin > limit || entry.size > limit - entry.begin) outside();
  if (source_.read_text(header + kLocalSize, name.size()) != name)
    source_.fail("has a zip entry " + quoted_name(name) + " that has another name in its local header");
}

void ZipReader::check_disjoint(std::vector<std::pair<uint64_t, uint64_t>> extents) const {
  std::sort(extents.begin(), extents.end());
  for (size_t i = 1; i < extents.size(); ++i)
    if (extents[i].first < extents[i - 1].second) source_.fail("has zip entries that overlap");
}

std::string ZipReader::read(const std::string& name, const Entry& entry) const {
  std::string content = source_.read_text(entry.begin, entry.size);
  check_crc(name, entry, content.data());
  return content;
}

void ZipReader::check_crc(const std::string& name, const Entry& entry, const void* content) const {
  const uint32_t found = crc32_of({static_cast<const char*>(content), entry.size});
  if (found != entry.crc)
    source_.fail(format("is damaged: the checksum of entry %s is %08x, expected %08x", quoted_name(name).c_str(), found,
                        entry.crc));
}

uint32_t crc32_of(std::string_view bytes) {
  uLong crc = ::crc32(0, nullptr, 0);
  while (!bytes.empty()) {
    const size_t piece = std::min(bytes.size(), size_t{1} << 30);
    crc = ::crc32(crc, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(piece));
    bytes.remove_prefix(piece);
  }
  return static_cast<uint32_t>(crc);
}

}  // namespace sscvae::serialization
