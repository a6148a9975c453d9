#include "sscvae/serialization/zip_writer.h"

#include "sscvae/core/error.h"
#include "sscvae/serialization/zip_reader.h"

namespace sscvae::serialization {

namespace {

constexpr uint64_t kAlignment = 64, kLocalHeaderSize = 30;
constexpr uint64_t kVersion = 20, kVersionZip64 = 45, kUtf8Names = 0x0800, kDate1980 = 0x0021;

/// Little-endian fields one after the other.
class Fields {
 public:
  Fields& text(std::string_view bytes) {
    bytes_ += bytes;
    return *this;
  }
  Fields& u16(uint64_t value) { return number(value, 2); }
  Fields& u32(uint64_t value) { return number(value, 4); }
  Fields& u64(uint64_t value) { return number(value, 8); }
  const std::string& bytes() const { return bytes_; }

 private:
  Fields& number(uint64_t value, int size) {
    for (int i = 0; i < size; ++i) bytes_ += static_cast<char>(value >> (8 * i));
    return *this;
  }
  std::string bytes_;
};

}  // namespace

void ZipWriter::write(std::string_view bytes) {
  if (bytes.empty()) return;  // the values of an empty tensor have no address
  out_.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  position_ += bytes.size();
}

void ZipWriter::add(const std::string& name, std::string_view content) {
  SSCVAE_ASSERT(name.size() < 0x8000);
  const uint64_t header = position_, size = content.size();
  const bool wide_size = is_wide(size), wide_header = is_wide(header);
  const uint64_t version = wide_size || wide_header ? kVersionZip64 : kVersion;
  const uint64_t crc = crc32_of(content), size32 = wide_size ? 0xffffffff : size;

  Fields extra;
  if (wide_size) extra.u16(1).u16(16).u64(size).u64(size);
  // "FB" is torch's name for its field of padding.
  const uint64_t unpadded = header + kLocalHeaderSize + name.size() + extra.bytes().size() + 4;
  const uint64_t padding = (kAlignment - unpadded % kAlignment) % kAlignment;
  extra.text("FB").u16(padding).text(std::string(padding, 'Z'));

  Fields common;  // what the local header and the directory entry share
  common.u16(version).u16(kUtf8Names).u16(0).u16(0).u16(kDate1980).u32(crc).u32(size32).u32(size32).u16(name.size());
  write(Fields().text("PK\3\4").text(common.bytes()).u16(extra.bytes().size()).text(name).text(extra.bytes()).bytes());
  write(content);

  Fields wide;
  if (wide_size || wide_header) {
    wide.u16(1).u16((wide_size ? 16 : 0) + (wide_header ? 8 : 0));
    if (wide_size) wide.u64(size).u64(size);
    if (wide_header) wide.u64(header);
  }
  directory_ += Fields()
                    .text("PK\1\2")
                    .u16(version)
                    .text(common.bytes())
                    .u16(wide.bytes().size())
                    .u16(0)
                    .u16(0)
                    .u16(0)
                    .u32(0)
                    .u32(wide_header ? 0xffffffff : header)
                    .text(name)
                    .text(wide.bytes())
                    .bytes();
  ++count_;
}

void ZipWriter::finish() {
  const uint64_t begin = position_, size = directory_.size();
  write(directory_);
  const bool wide = is_wide(begin) || is_wide(size) || count_ >= 0xffff;
  if (wide) {
    const uint64_t end = position_;
    write(Fields()
              .text("PK\6\6")
              .u64(44)
              .u16(kVersionZip64)
              .u16(kVersionZip64)
              .u32(0)
              .u32(0)
              .u64(count_)
              .u64(count_)
              .u64(size)
              .u64(begin)
              .bytes());
    write(Fields().text("PK\6\7").u32(0).u64(end).u32(1).bytes());
  }
  const uint64_t count = wide ? 0xffff : count_;
  write(Fields()
            .text("PK\5\6")
            .u16(0)
            .u16(0)
            .u16(count)
            .u16(count)
            .u32(wide ? 0xffffffff : size)
            .u32(wide ? 0xffffffff : begin)
            .u16(0)
            .bytes());
}

}  // namespace sscvae::serialization
