#include "sscvae/train/tensorboard.h"
#include "sscvae/core/atomic_file.h"
#include "sscvae/core/error.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/train/tensorboard_format.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <cstring>

#include "support/paths.h"

namespace sscvae::train {
namespace {

using namespace std::string_literals;
using namespace tensorboard_format;

const std::string kTime = "\x09\0\0\0\0\0\0\xf8\x3f"s;  // field 1: the double 1.5

/// The contents of the frames of a file, each checked; the wall time of each event is set to 1.5.
std::vector<std::string> events_of(const std::string& bytes) {
  std::vector<std::string> events;
  for (size_t i = 0; i < bytes.size();) {
    uint64_t length = 0;
    std::memcpy(&length, bytes.data() + i, 8);
    std::string event = bytes.substr(i + 12, length);
    EXPECT_EQ(bytes.substr(i, length + 16), frame(event));
    event.replace(0, kTime.size(), kTime);
    events.push_back(event);
    i += length + 16;
  }
  return events;
}

TEST(TensorBoardFormat, Crc32cKnownVectors) {
  EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(crc32c(""), 0u);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aau);  // RFC 3720, B.4
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43u);
}

TEST(TensorBoardFormat, Frame) {
  // Bytes that tensorboard.summary.writer.record_writer.RecordWriter gives for b"abc".
  EXPECT_EQ(frame("abc"),
            "\x03\0\0\0\0\0\0\0\xb0\x99I\x0e"
            "abcnW\xf1!"s);
}

TEST(TensorBoardFormat, Events) {
  // As event_pb2.Event(...).SerializeToString() gives them.
  EXPECT_EQ(file_version_event(1.5), kTime +
                                         "\x1a\x0d"
                                         "brain.Event:2");
  EXPECT_EQ(session_start_event(1.5, 300), kTime + "\x10\xac\x02\x3a\x02\x08\x01"s);
  EXPECT_EQ(scalar_event(1.5, 7, "a/b", 0.5f), kTime +
                                                   "\x10\x07\x2a\x0c\x0a\x0a\x0a\x03"
                                                   "a/b\x15\0\0\0\x3f"s);
  EXPECT_EQ(image_event(1.5, 0, "t", "PNG", 200, 3, 1),
            kTime + "\x2a\x13\x0a\x11\x0a\x01t\x22\x0c\x08\x03\x10\xc8\x01\x18\x01\x22\x03PNG"s);
  EXPECT_EQ(scalar_event(1.5, -1, "", 0).substr(9, 11), "\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"s);
}

TEST(TensorBoardWriter, WritesWhatItIsGiven) {
  const testing::TemporaryFolder folder;
  TensorBoardWriter writer(folder / "run" / "events");
  const std::vector start = {file_version_event(1.5), session_start_event(1.5, 0)};
  EXPECT_EQ(events_of(read_file(writer.path())), start);
  writer.scalar("loss/total", 10, 0.25);
  writer.image("preview", 10, "PNG", 4, 5, 3);
  writer.flush();
  EXPECT_EQ(events_of(read_file(writer.path())),
            (std::vector{start[0], start[1], scalar_event(1.5, 10, "loss/total", 0.25f),
                         image_event(1.5, 10, "preview", "PNG", 4, 5, 3)}));
}

TEST(TensorBoardWriter, FileNamesSortInOrderOfCreation) {
  const testing::TemporaryFolder folder;
  std::string last;
  for (int i = 0; i < 3; ++i) {
    const std::string name = TensorBoardWriter(folder.path()).path().filename();
    EXPECT_EQ(name.find("events.out.tfevents."), 0u);
    EXPECT_GT(name, last);
    last = name;
  }
}

TEST(TensorBoardWriter, ResumingStartsASessionAtTheStep) {
  const testing::TemporaryFolder folder;
  const TensorBoardWriter writer(folder.path(), 120);
  EXPECT_EQ(events_of(read_file(writer.path())), (std::vector{file_version_event(1.5), session_start_event(1.5, 120)}));
}

TEST(TensorBoardWriter, TheEndFlushes) {
  const testing::TemporaryFolder folder;
  std::filesystem::path path;
  {
    TensorBoardWriter writer(folder.path());
    writer.scalar("a", 1, 1);
    path = writer.path();
  }
  EXPECT_EQ(events_of(read_file(path)).size(), 3u);
}

TEST(TensorBoardWriter, FoldersThatCannotBeWrittenAreIoErrors) {
  const testing::TemporaryFolder folder;
  write_atomically(folder / "file", "");
  EXPECT_THROW(TensorBoardWriter(folder / "file"), IoError);
  EXPECT_THROW(TensorBoardWriter("/proc/absent"), IoError);
}

TEST(TensorBoardWriter, AFullDiskIsAnIoErrorAndLosesNothing) {
  const testing::TemporaryFolder folder;
  TensorBoardWriter writer(folder.path());
  const size_t before = std::filesystem::file_size(writer.path());
  // A limit on the size of files stands in for the full disk.
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit unlimited{};
  ::getrlimit(RLIMIT_FSIZE, &unlimited);
  rlimit limited = unlimited;
  limited.rlim_cur = before + 20;
  ::setrlimit(RLIMIT_FSIZE, &limited);
  writer.scalar("loss", 1, 1);
  EXPECT_THROW(writer.flush(), IoError);
  ::setrlimit(RLIMIT_FSIZE, &unlimited);
  writer.flush();
  EXPECT_EQ(events_of(read_file(writer.path())).size(), 3u);
}

}  // namespace
}  // namespace sscvae::train
