#include "sscvae/train/tensorboard.h"

#include <gtest/gtest.h>

#include <cstring>

#include "sscvae/core/atomic_file.h"
#include "sscvae/train/tensorboard_format.h"
#include "support/paths.h"

namespace sscvae::train {
namespace {

namespace wire = tensorboard_format;

TEST(TensorBoard, ChecksumsHaveTheirPublishedValues) {
  EXPECT_EQ(wire::crc32c("123456789"), 0xe3069283u);  // RFC 3720, appendix B.4 uses the same polynomial
  EXPECT_EQ(wire::crc32c(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(wire::crc32c(""), 0u);
}

TEST(TensorBoard, AScalarEventIsTheExpectedBytes) {
  // wall_time = 1.0 (field 1, fixed64), step = 300 (field 2), summary { value { tag "a" simple_value 0.5 } }
  const std::string expected("\x09\0\0\0\0\0\0\xf0\x3f" "\x10\xac\x02" "\x2a\x0a" "\x0a\x08" "\x0a\x01" "a" "\x15\0\0\0\x3f", 24);
  EXPECT_EQ(wire::scalar_event(1.0, 300, "a", 0.5f), expected);
}

/// Splits a file into records, checking every length and checksum.
std::vector<std::string> records(const std::string& bytes) {
  std::vector<std::string> found;
  for (size_t at = 0; at < bytes.size();) {
    uint64_t length = 0;
    std::memcpy(&length, bytes.data() + at, 8);
    const std::string content = bytes.substr(at + 12, length);
    EXPECT_EQ(bytes.substr(at, 16 + length), wire::frame(content));
    found.push_back(content);
    at += 16 + length;
  }
  return found;
}

TEST(TensorBoard, FilesHoldFramedEventsAndSortByAge) {
  testing::TemporaryFolder folder;
  std::filesystem::path first;
  {
    TensorBoardWriter writer(folder.path());
    first = writer.path();
    writer.scalar("loss", 1, 0.25);
    writer.image("preview", 1, "png", 4, 3, 1);
  }
  const auto events = records(read_file(first));
  ASSERT_EQ(events.size(), 3u);
  EXPECT_NE(events[0].find("brain.Event:2"), std::string::npos);
  EXPECT_NE(events[2].find("png"), std::string::npos);
  TensorBoardWriter resumed(folder.path(), 1);
  EXPECT_GT(resumed.path().filename().string(), first.filename().string());
  resumed.flush();
  EXPECT_EQ(records(read_file(resumed.path())).size(), 2u);  // version and session start
}

}  // namespace
}  // namespace sscvae::train
