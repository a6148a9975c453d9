#include "sscvae/serialization/byte_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "sscvae/core/error.h"
#include "sscvae/core/text.h"
#include "sscvae/core/utf8.h"

namespace sscvae::serialization {

void ByteSource::fail(const std::string& what) const { throw FormatError("'" + name_ + "' " + what); }

void ByteSource::read(uint64_t offset, uint64_t count, void* out) const {
  if (offset > size_ || count > size_ - offset) fail("ends too early");
  if (count != 0) copy(offset, count, out);
}

std::string ByteSource::read_text(uint64_t offset, uint64_t count) const {
  if (offset > size_ || count > size_ - offset) fail("ends too early");
  std::string text(count, '\0');
  read(offset, count, text.data());
  return text;
}

FileSource::FileSource(const std::filesystem::path& path) : ByteSource(path.string(), 0) {
  const auto refuse = [&](const std::string& reason) { throw IoError("cannot read '" + name() + "': " + reason); };
  // O_NONBLOCK: opening a pipe must not wait for its writer.
  descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor_ < 0) refuse(std::strerror(errno));
  struct stat status {};
  const int failed = ::fstat(descriptor_, &status) != 0 ? errno : 0;
  if (failed == 0 && S_ISREG(status.st_mode)) {
    set_size(static_cast<uint64_t>(status.st_size));
    return;
  }
  ::close(descriptor_);
  refuse(failed != 0 ? std::strerror(failed) : S_ISDIR(status.st_mode) ? "it is a folder" : "it is not a regular file");
}

FileSource::~FileSource() { ::close(descriptor_); }

void FileSource::copy(uint64_t offset, uint64_t count, void* out) const {
  char* target = static_cast<char*>(out);
  while (count != 0) {
    const size_t wanted = std::min(count, uint64_t{1} << 30);
    const ssize_t got = ::pread(descriptor_, target, wanted, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw IoError("cannot read '" + name() + "': " + std::strerror(errno));
    if (got == 0) fail("became shorter while it was read");
    target += got;
    offset += static_cast<uint64_t>(got);
    count -= static_cast<uint64_t>(got);
  }
}

void MemorySource::copy(uint64_t offset, uint64_t count, void* out) const {
  std::memcpy(out, bytes_.data() + offset, count);
}

bool is_utf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const size_t length = utf8_length(text, i);
    if (length == 0) return false;
    i += length;
  }
  return true;
}

std::string quoted_name(std::string_view name) {
  constexpr size_t kLongest = 100;
  std::string text = "'";
  for (size_t i = 0; i < name.size();) {
    if (i >= kLongest) return text + "...'";
    const size_t length = utf8_length(name, i);
    const unsigned char byte = static_cast<unsigned char>(name[i]);
    if (length == 0 || byte < 0x20 || byte == 0x7f) {
      text += format("\\x%02x", byte);
      ++i;
    } else {
      text += name.substr(i, length);
      i += length;
    }
  }
  return text + "'";
}

bool checked_add(uint64_t a, uint64_t b, uint64_t& sum) { return !__builtin_add_overflow(a, b, &sum); }
bool checked_multiply(uint64_t a, uint64_t b, uint64_t& product) { return !__builtin_mul_overflow(a, b, &product); }

}  // namespace sscvae::serialization
