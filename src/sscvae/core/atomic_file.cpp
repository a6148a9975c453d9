#include "sscvae/core/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <memory>
#include <streambuf>
#include <utility>

#include "sscvae/core/error.h"
#include "sscvae/core/output_files.h"
#include "sscvae/core/text.h"

namespace sscvae {

namespace fs = std::filesystem;

namespace {

constexpr uint64_t kMaxStreamBytes = uint64_t{1} << 30;  // of what has no size of its own
constexpr size_t kLongestStem = 200;                     // of temporary names: file systems take 255 bytes in all

[[noreturn]] void fail(const fs::path& path, const char* what, int reason) {
  throw IoError("cannot " + std::string(what) + " '" + path.string() + "': " + std::strerror(reason));
}

class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() { close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return value_; }
  bool valid() const { return value_ >= 0; }
  /// 0 or the reason why the last data could not be written.
  int close() {
    const int descriptor = std::exchange(value_, -1);
    return descriptor >= 0 && ::close(descriptor) != 0 ? errno : 0;
  }

 private:
  int value_;
};

/// A buffer over a file descriptor that remembers why a write failed.
class DescriptorBuffer : public std::streambuf {
 public:
  explicit DescriptorBuffer(int descriptor) : descriptor_(descriptor) { reset(); }
  int reason() const { return reason_; }

 protected:
  int_type overflow(int_type c) override {
    if (!flush_buffer()) return traits_type::eof();
    if (!traits_type::eq_int_type(c, traits_type::eof())) {
      *pptr() = traits_type::to_char_type(c);
      pbump(1);
    }
    return traits_type::not_eof(c);
  }
  std::streamsize xsputn(const char* data, std::streamsize count) override {
    if (count < epptr() - pptr()) {
      std::memcpy(pptr(), data, static_cast<size_t>(count));
      pbump(static_cast<int>(count));
      return count;
    }
    return flush_buffer() && write_all(data, count) ? count : 0;
  }
  int sync() override { return flush_buffer() ? 0 : -1; }

 private:
  void reset() { setp(buffer_.data(), buffer_.data() + buffer_.size()); }
  bool flush_buffer() {
    const bool written = write_all(pbase(), pptr() - pbase());
    reset();
    return written;
  }
  bool write_all(const char* data, std::streamsize count) {
    while (count > 0) {
      const ssize_t written = ::write(descriptor_, data, static_cast<size_t>(count));
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) {
        reason_ = written == 0 ? ENOSPC : errno;
        return false;
      }
      data += written;
      count -= written;
    }
    return true;
  }

  int descriptor_;
  int reason_ = 0;
  std::array<char, 1 << 16> buffer_;
};

/// Runs `write` on the descriptor; 0 or the reason of a failure.
int write_to(int descriptor, const std::function<void(std::ostream&)>& write) {
  const auto buffer = std::make_unique<DescriptorBuffer>(descriptor);
  std::ostream stream(buffer.get());
  write(stream);
  stream.flush();
  if (buffer->reason() != 0) return buffer->reason();
  return stream ? 0 : EIO;
}

void sync_folder(const fs::path& folder) {
  const Descriptor descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (descriptor.valid()) ::fsync(descriptor.get());
}

/// Removes the file unless it has been renamed away.
struct TemporaryName {
  fs::path path;
  ~TemporaryName() {
    if (!path.empty()) ::unlink(path.c_str());
  }
};

/// A file without a name in `folder`, or -1 where the file system has no such thing.
int open_nameless(const fs::path& folder) {
  if (::access("/proc/self/fd", X_OK) != 0) return -1;  // it gets its name through there
  return ::open(folder.c_str(), O_WRONLY | O_TMPFILE | O_CLOEXEC, 0666);
}

/// Beside a file of that name, and no other call's.
fs::path temporary_name(const fs::path& folder, const std::string& name) {
  static std::atomic<unsigned> counter{0};
  return folder / format(".%s.%d-%u.tmp", name.substr(0, kLongestStem).c_str(), ::getpid(), counter++);
}

void replace_file(const fs::path& path, const fs::path& target, const std::function<void(std::ostream&)>& write) {
  const fs::path folder = target.has_parent_path() ? target.parent_path() : fs::path(".");
  const fs::path name = temporary_name(folder, target.filename().string());
  TemporaryName temporary;
  int descriptor = open_nameless(folder);
  const bool nameless = descriptor >= 0;
  if (!nameless) {
    descriptor = ::open(name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (descriptor < 0) fail(path, "write", errno);
    temporary.path = name;
  }
  Descriptor file(descriptor);
  int reason = write_to(file.get(), write);
  if (reason == 0 && ::fsync(file.get()) != 0) reason = errno;
  if (reason != 0) fail(path, "write", reason);
  if (nameless) {
    ::unlink(name.c_str());  // left by a killed process of the same number
    const std::string link = format("/proc/self/fd/%d", file.get());
    if (::linkat(AT_FDCWD, link.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) != 0) fail(path, "write", errno);
    temporary.path = name;
  }
  if ((reason = file.close()) != 0) fail(path, "write", reason);
  if (::rename(name.c_str(), target.c_str()) != 0) fail(path, "write", errno);
  temporary.path.clear();
  sync_folder(folder);
}

/// Into what is open already, or is no file that could be replaced.
void write_directly(const fs::path& path, int descriptor, const std::function<void(std::ostream&)>& write) {
  Descriptor file(descriptor);
  if (!file.valid()) fail(path, "write", errno);
  int reason = write_to(file.get(), write);
  if (reason == 0) reason = file.close();
  if (reason != 0) fail(path, "write", reason);
}

}  // namespace

void write_atomically(const fs::path& path, const std::function<void(std::ostream&)>& write) {
  if (const std::optional<int> open = descriptor_of(path))
    return write_directly(path, ::fcntl(*open, F_DUPFD_CLOEXEC, 0), write);
  std::error_code error;
  const fs::file_status status = fs::status(path, error);  // of what a link points at
  if (fs::is_directory(status)) fail(path, "write", EISDIR);
  if (fs::exists(status) && !fs::is_regular_file(status))
    return write_directly(path, ::open(path.c_str(), O_WRONLY | O_CLOEXEC), write);
  const fs::path target = fs::is_symlink(fs::symlink_status(path, error)) ? fs::weakly_canonical(path, error) : path;
  replace_file(path, target.empty() ? path : target, write);
}

void write_atomically(const fs::path& path, std::string_view content) {
  write_atomically(
      path, [content](std::ostream& out) { out.write(content.data(), static_cast<std::streamsize>(content.size())); });
}

int try_to_write_in(const fs::path& folder) {
  if (const Descriptor nameless(open_nameless(folder)); nameless.valid()) return 0;
  TemporaryName temporary{temporary_name(folder, "trial")};
  const Descriptor named(::open(temporary.path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  const int reason = errno;
  if (named.valid()) return 0;
  temporary.path.clear();
  return reason;
}

std::string read_file(const fs::path& path, uint64_t max_bytes) {
  std::error_code error;
  if (fs::is_directory(path, error)) throw IoError("cannot read '" + path.string() + "': it is a folder");
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) fail(path, "read", errno);
  const bool regular = fs::is_regular_file(path, error);
  const uint64_t size = regular ? fs::file_size(path, error) : 0;
  const uint64_t limit = regular ? max_bytes : std::min(max_bytes, kMaxStreamBytes);
  const auto refuse = [&](uint64_t bytes) {
    throw FormatError(format("'%s' has %llu bytes or more, above the %llu accepted here", path.c_str(),
                             static_cast<unsigned long long>(bytes), static_cast<unsigned long long>(limit)));
  };
  if (!error && size > limit) refuse(size);
  std::string content;
  content.resize(std::max<uint64_t>(error ? 0 : size + 1, 1 << 16));  // one more than expected: the end is seen at once
  for (size_t done = 0;;) {
    if (done == content.size()) content.resize(2 * done);
    const ssize_t got = ::read(file.get(), content.data() + done, content.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(path, "read", errno);
    done += static_cast<size_t>(got);
    if (done > limit) refuse(done);
    if (got > 0) continue;
    content.resize(done);
    return content;
  }
}

void create_folder(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) throw IoError("cannot create folder '" + path.string() + "': " + error.message());
  if (!fs::is_directory(path, error))
    throw IoError("cannot create folder '" + path.string() + "': a file has that name");
}

}  // namespace sscvae
