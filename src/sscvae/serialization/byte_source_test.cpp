#include "sscvae/serialization/byte_source.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "sscvae/core/atomic_file.h"
#include "sscvae/core/error.h"
#include "support/paths.h"

namespace sscvae::serialization {
namespace {

TEST(ByteSource, FileAndMemoryReadTheSame) {
  const testing::TemporaryFolder folder;
  write_atomically(folder / "f", "0123456789");
  const FileSource file(folder / "f");
  const MemorySource memory("0123456789", "m");
  for (const ByteSource* source : {static_cast<const ByteSource*>(&file), static_cast<const ByteSource*>(&memory)}) {
    EXPECT_EQ(source->size(), 10u);
    EXPECT_EQ(source->read_text(3, 4), "3456");
    EXPECT_EQ(source->read_text(10, 0), "");
    EXPECT_THROW(source->read_text(3, 8), FormatError);
    EXPECT_THROW(source->read_text(11, 0), FormatError);
    EXPECT_THROW(source->read_text(~uint64_t{0}, 2), FormatError);
    EXPECT_THROW(source->read_text(2, ~uint64_t{0}), FormatError);
  }
}

TEST(ByteSource, WhatIsNotARegularFileIsAnIoError) {
  const testing::TemporaryFolder folder;
  EXPECT_THROW(FileSource(folder / "absent"), IoError);
  EXPECT_THROW(FileSource(folder.path()), IoError);
  EXPECT_THROW(FileSource("/dev/zero"), IoError);
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_THROW(FileSource(folder / "pipe"), IoError);
}

TEST(ByteSource, FileThatBecomesShorterIsAFormatError) {
  const testing::TemporaryFolder folder;
  write_atomically(folder / "f", "0123456789");
  const FileSource file(folder / "f");
  std::filesystem::resize_file(folder / "f", 5);
  EXPECT_THROW(file.read_text(0, 10), FormatError);
}

TEST(QuotedName, IsOneShortPrintableLine) {
  EXPECT_EQ(quoted_name("a.b"), "'a.b'");
  EXPECT_EQ(quoted_name("\xc3\xa4"), "'\xc3\xa4'");
  EXPECT_EQ(quoted_name("a\nb\x7f\xff"), "'a\\x0ab\\x7f\\xff'");
  EXPECT_EQ(quoted_name(std::string(1000, 'x')), "'" + std::string(100, 'x') + "...'");
}

TEST(Utf8, AcceptsAndRefuses) {
  for (const char* good : {"", "a", "\xc2\x80", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf"})
    EXPECT_TRUE(is_utf8(good)) << good;
  for (const char* bad :
       {"\x80", "\xc0\x80", "\xc3", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xff"})
    EXPECT_FALSE(is_utf8(bad));
}

TEST(CheckedArithmetic, TellsOverflow) {
  uint64_t result = 0;
  EXPECT_TRUE(checked_add(~uint64_t{0} - 1, 1, result));
  EXPECT_EQ(result, ~uint64_t{0});
  EXPECT_FALSE(checked_add(~uint64_t{0}, 1, result));
  EXPECT_TRUE(checked_multiply(uint64_t{1} << 31, uint64_t{1} << 32, result));
  EXPECT_FALSE(checked_multiply(uint64_t{1} << 32, uint64_t{1} << 32, result));
}

}  // namespace
}  // namespace sscvae::serialization
