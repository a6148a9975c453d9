#include "sscvae/serialization/zip_reader.h"

#include <gtest/gtest.h>

#include <sstream>

#include "sscvae/core/error.h"
#include "sscvae/serialization/zip_writer.h"
#include "support/hostile_input.h"

namespace sscvae::serialization {
namespace {

using Zip64 = ZipWriter::Zip64;

std::string archive_of(const std::vector<std::pair<std::string, std::string>>& entries,
                       Zip64 policy = Zip64::kWhereNeeded) {
  std::ostringstream out;
  ZipWriter writer(out, policy);
  for (const auto& [name, content] : entries) writer.add(name, content);
  writer.finish();
  return out.str();
}

std::string two_entries(Zip64 policy = Zip64::kWhereNeeded) {
  return archive_of({{"a/first", "0123456789"}, {"a/second", std::string(100, 'x')}}, policy);
}

/// Opens an archive and reads all of it.
size_t read_all(const std::string& bytes) {
  const MemorySource source(bytes, "x");
  const ZipReader reader(source);
  size_t total = 0;
  for (const auto& [name, entry] : reader.entries()) total += reader.read(name, entry).size();
  return total;
}

std::string refusal_of_zip(const std::string& bytes) {
  try {
    read_all(bytes);
  } catch (const FormatError& error) {
    return error.what();
  }
  return "no error";
}

/// Overwrites bytes of the nth occurrence of a signature, at an offset from it.
std::string patched(std::string bytes, const std::string& signature, size_t nth, size_t offset,
                    const std::string& value) {
  size_t place = bytes.find(signature);
  while (nth-- > 0) place = bytes.find(signature, place + 1);
  EXPECT_NE(place, std::string::npos);
  return bytes.replace(place + offset, value.size(), value);
}

TEST(Zip, CrcOfTheStandardText) { EXPECT_EQ(crc32_of("123456789"), 0xcbf43926u); }

TEST(Zip, RoundTripWithAndWithoutZip64) {
  for (const Zip64 policy : {Zip64::kWhereNeeded, Zip64::kEverywhere}) {
    const std::string bytes = two_entries(policy);
    const MemorySource source(bytes, "x");
    const ZipReader reader(source);
    ASSERT_EQ(reader.entries().size(), 2u);
    EXPECT_EQ(reader.read("a/first", *reader.find("a/first")), "0123456789");
    EXPECT_EQ(reader.read("a/second", *reader.find("a/second")), std::string(100, 'x'));
    EXPECT_EQ(reader.find("a/third"), nullptr);
  }
}

TEST(Zip, ContentStartsAtMultiplesOf64) {
  const std::string bytes =
      archive_of({{"a", "1"}, {"bcd", ""}, {"efghi", "12345"}, {std::string(60, 'n'), "0"}}, Zip64::kEverywhere);
  const MemorySource source(bytes, "x");
  const ZipReader reader(source);
  for (const auto& [name, entry] : reader.entries()) EXPECT_EQ(entry.begin % 64, 0u) << name;
}

TEST(Zip, MoreEntriesThanSixteenBits) {
  std::vector<std::pair<std::string, std::string>> entries;
  for (int i = 0; i < 70000; ++i) entries.emplace_back(std::to_string(i), "");
  const std::string bytes = archive_of(entries);
  const MemorySource source(bytes, "x");
  EXPECT_EQ(ZipReader(source).entries().size(), 70000u);
}

TEST(Zip, NoEntriesAndATrailingComment) {
  EXPECT_EQ(refusal_of_zip(archive_of({})), "no error");
  std::string bytes = two_entries();
  bytes.replace(bytes.size() - 2, 2, std::string("\7\0", 2));
  EXPECT_EQ(read_all(bytes + "comment"), 110u);
}

TEST(ZipHostile, EveryTruncationIsRefused) {
  const testing::MemoryLimit limit(256);
  for (const Zip64 policy : {Zip64::kWhereNeeded, Zip64::kEverywhere})
    testing::expect_truncations_refused(read_all, two_entries(policy));
}

TEST(ZipHostile, EveryFlipIsRefusedOrHarmless) {
  const testing::MemoryLimit limit(256);
  for (const Zip64 policy : {Zip64::kWhereNeeded, Zip64::kEverywhere})
    EXPECT_GT(testing::refused_after_flips(read_all, two_entries(policy)), 1000u);
}

TEST(ZipHostile, ContentThatChangedIsRefused) {
  std::string bytes = two_entries();
  bytes[bytes.find("0123456789")] = '!';
  EXPECT_NE(refusal_of_zip(bytes).find("'x' is damaged: the checksum of entry 'a/first'"), std::string::npos);
}

TEST(ZipHostile, EntriesThatPointOutside) {
  const std::string far("\xf0\xff\xff\xff", 4);
  EXPECT_EQ(refusal_of_zip(patched(two_entries(), "PK\1\2", 0, 42, far)),
            "'x' has a zip entry 'a/first' that points outside the file");
  const std::string sizes = patched(two_entries(), "PK\1\2", 1, 20, far + far);
  EXPECT_EQ(refusal_of_zip(sizes), "'x' has a zip entry 'a/second' that points outside the file");
  EXPECT_EQ(refusal_of_zip(patched(two_entries(), "PK\5\6", 0, 16, far)),
            "'x' has a zip directory that points outside the file");
  EXPECT_EQ(refusal_of_zip(patched(two_entries(), "PK\5\6", 0, 12, far)),
            "'x' has a zip directory that points outside the file");
  const std::string wide = two_entries(Zip64::kEverywhere), huge(8, '\xff');
  EXPECT_EQ(refusal_of_zip(patched(wide, "PK\6\7", 0, 8, huge)), "'x' has a damaged zip64 directory");
  EXPECT_EQ(refusal_of_zip(patched(wide, "PK\6\6", 0, 48, huge)),
            "'x' has a zip directory that points outside the file");
  EXPECT_NE(refusal_of_zip(patched(wide, "PK\6\6", 0, 32, huge)).find("entries"), std::string::npos);
}

TEST(ZipHostile, EntriesThatShareBytes) {
  // The directory lists the first entry twice under two names: only the local header knows better.
  std::string bytes = archive_of({{"a", "0123456789"}, {"b", "0123456789"}});
  const size_t first = bytes.find("PK\1\2"), second = bytes.find("PK\1\2", first + 1);
  bytes.replace(second + 42, 4, bytes.substr(first + 42, 4));
  EXPECT_EQ(refusal_of_zip(bytes), "'x' has a zip entry 'b' that has another name in its local header");
  // An entry whose content is all that follows, the next entry included.
  bytes = archive_of({{"a", ""}, {"b", std::string(200, 'x')}});
  const std::string size("\x90\0\0\0", 4);
  EXPECT_EQ(refusal_of_zip(patched(bytes, "PK\1\2", 0, 20, size + size)), "'x' has zip entries that overlap");
  bytes = archive_of({{"same", "1"}, {"same", "2"}});
  EXPECT_EQ(refusal_of_zip(bytes), "'x' has two zip entries 'same'");
}

TEST(ZipHostile, CompressedEncryptedAndDividedArchives) {
  EXPECT_NE(refusal_of_zip(patched(two_entries(), "PK\1\2", 0, 10, "\x8")).find("compressed entry 'a/first'"),
            std::string::npos);
  EXPECT_EQ(refusal_of_zip(patched(two_entries(), "PK\1\2", 0, 8, "\x1")), "'x' has an encrypted entry 'a/first'");
  EXPECT_EQ(refusal_of_zip(patched(two_entries(), "PK\5\6", 0, 4, "\x1")), "'x' is a part of a divided zip archive");
}

}  // namespace
}  // namespace sscvae::serialization
