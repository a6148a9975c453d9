#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

/// Random access to the bytes of an untrusted file, and the care that such a file needs.
namespace sscvae::serialization {

/// The bytes of a file or of a piece of memory. Nothing is read before it is asked for.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  uint64_t size() const { return size_; }
  /// What errors call it: the path, without quotes.
  const std::string& name() const { return name_; }

  /// Copies bytes [offset, offset + count). Errors: FormatError if that is not all inside; IoError from the system.
  void read(uint64_t offset, uint64_t count, void* out) const;
  std::string read_text(uint64_t offset, uint64_t count) const;

  /// Throws FormatError: "'<name>' <what>".
  [[noreturn]] void fail(const std::string& what) const;

 protected:
  ByteSource(std::string name, uint64_t size) : name_(std::move(name)), size_(size) {}
  virtual void copy(uint64_t offset, uint64_t count, void* out) const = 0;
  void set_size(uint64_t size) { size_ = size; }

 private:
  std::string name_;
  uint64_t size_;
};

/// A regular file, kept open. Errors: IoError if it cannot be opened or is a folder, pipe or device.
class FileSource : public ByteSource {
 public:
  explicit FileSource(const std::filesystem::path& path);
  ~FileSource() override;
  FileSource(const FileSource&) = delete;
  FileSource& operator=(const FileSource&) = delete;

 private:
  void copy(uint64_t offset, uint64_t count, void* out) const override;
  int descriptor_ = -1;
};

/// Memory of somebody else, which must outlive this object.
class MemorySource : public ByteSource {
 public:
  MemorySource(std::string_view bytes, std::string name) : ByteSource(std::move(name), bytes.size()), bytes_(bytes) {}

 private:
  void copy(uint64_t offset, uint64_t count, void* out) const override;
  std::string_view bytes_;
};

/// A name out of a file for an error message: in single quotes, control characters and invalid UTF-8 as \xNN, cut after
/// 100 bytes, so that it stays one line.
std::string quoted_name(std::string_view name);

/// Well-formed UTF-8 without surrogates and overlong forms.
bool is_utf8(std::string_view text);

/// False on overflow.
bool checked_add(uint64_t a, uint64_t b, uint64_t& sum);
bool checked_multiply(uint64_t a, uint64_t b, uint64_t& product);

}  // namespace sscvae::serialization
