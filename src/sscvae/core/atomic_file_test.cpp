#include "sscvae/core/atomic_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>
#include <thread>

#include "sscvae/core/error.h"
#include "support/paths.h"

namespace sscvae {
namespace {

namespace fs = std::filesystem;

template <class Action>
std::string io_error_of(const Action& action) {
  try {
    action();
  } catch (const IoError& error) {
    return error.what();
  }
  return "no IoError";
}

size_t files_in(const fs::path& folder) {
  return static_cast<size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

TEST(WriteAtomically, TakesTheLongestNames) {
  const testing::TemporaryFolder folder;
  const fs::path path = folder / std::string(255, 'n');
  write_atomically(path, "content");
  EXPECT_EQ(read_file(path), "content");
  EXPECT_EQ(files_in(folder.path()), 1u);
}

TEST(WriteAtomically, GoesWhereADescriptorStands) {
  const testing::TemporaryFolder folder;
  const int descriptor = ::open((folder / "a.txt").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  ASSERT_GE(descriptor, 0);
  ASSERT_EQ(::write(descriptor, "one ", 4), 4);
  write_atomically("/dev/fd/" + std::to_string(descriptor), "two ");  // neither replaced nor from the start
  ASSERT_EQ(::write(descriptor, "three", 5), 5);
  ::close(descriptor);
  EXPECT_EQ(read_file(folder / "a.txt"), "one two three");
}

TEST(WriteAtomically, WritesAndReplaces) {
  const testing::TemporaryFolder folder;
  write_atomically(folder / "a.txt", "first");
  EXPECT_EQ(read_file(folder / "a.txt"), "first");
  write_atomically(folder / "a.txt", [](std::ostream& out) { out << "sec" << 'o' << "nd" << 2; });
  EXPECT_EQ(read_file(folder / "a.txt"), "second2");
  EXPECT_EQ(files_in(folder.path()), 1u);
}

TEST(WriteAtomically, KeepsEveryByteOfSmallAndLargePieces) {
  const testing::TemporaryFolder folder;
  std::string expected;
  write_atomically(folder / "b", [&](std::ostream& out) {
    for (const size_t size : {0u, 1u, 65535u, 65536u, 65537u, 7u, 300000u, 3u}) {
      const std::string piece(size, static_cast<char>('a' + size % 26));
      out.write(piece.data(), static_cast<std::streamsize>(size)).put('\0');
      expected += piece + '\0';
    }
  });
  EXPECT_EQ(read_file(folder / "b"), expected);
  write_atomically(folder / "empty", "");
  EXPECT_EQ(read_file(folder / "empty"), "");
}

TEST(WriteAtomically, AFailingWriterKeepsTheOldFile) {
  const testing::TemporaryFolder folder;
  write_atomically(folder / "a", "old");
  EXPECT_THROW(write_atomically(folder / "a",
                                [](std::ostream& out) {
                                  out << std::string(100000, 'x');
                                  throw std::runtime_error("in between");
                                }),
               std::runtime_error);
  EXPECT_EQ(read_file(folder / "a"), "old");
  EXPECT_EQ(files_in(folder.path()), 1u);
}

TEST(WriteAtomically, AFullDiskKeepsTheOldFileAndNamesTheReason) {
  const testing::TemporaryFolder folder;
  write_atomically(folder / "a", "old");
  // A limit on the size of files stands for the full disk.
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{50000, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const std::string message = io_error_of([&] { write_atomically(folder / "a", std::string(100000, 'x')); });
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(message, "cannot write '" + (folder / "a").string() + "': File too large");
  EXPECT_EQ(read_file(folder / "a"), "old");
  EXPECT_EQ(files_in(folder.path()), 1u);
}

TEST(WriteAtomically, AFullDeviceIsNamedAndStaysADevice) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "no /dev/full";
  EXPECT_EQ(io_error_of([] { write_atomically("/dev/full", "text"); }),
            "cannot write '/dev/full': No space left on device");
  EXPECT_TRUE(fs::is_character_file("/dev/full"));
  write_atomically("/dev/null", "text");
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
}

TEST(WriteAtomically, NamesTheReasonForWhatCannotBeWritten) {
  const testing::TemporaryFolder folder;
  EXPECT_EQ(io_error_of([&] { write_atomically(folder / "no/where", "x"); }),
            "cannot write '" + (folder / "no/where").string() + "': No such file or directory");
  EXPECT_EQ(io_error_of([&] { write_atomically(folder.path(), "x"); }),
            "cannot write '" + folder.path().string() + "': Is a directory");
  write_atomically(folder / "file", "x");
  EXPECT_EQ(io_error_of([&] { write_atomically(folder / "file/below", "x"); }),
            "cannot write '" + (folder / "file/below").string() + "': Not a directory");
}

TEST(WriteAtomically, AnUnwritableFolderIsNamed) {
  const testing::TemporaryFolder folder;
  fs::permissions(folder.path(), fs::perms(0555));
  const bool root = ::geteuid() == 0;  // who may write everywhere becomes somebody else for a moment
  constexpr uid_t kNobody = 65534;
  if (root && ::seteuid(kNobody) != 0) GTEST_SKIP() << "root may write everywhere and cannot become another user";
  const std::string message = io_error_of([&] { write_atomically(folder / "a", "x"); });
  if (root) {
    ASSERT_EQ(::seteuid(0), 0);
  }
  fs::permissions(folder.path(), fs::perms::owner_all);
  EXPECT_EQ(message, "cannot write '" + (folder / "a").string() + "': Permission denied");
  EXPECT_EQ(files_in(folder.path()), 0u);
}

TEST(WriteAtomically, FollowsALink) {
  const testing::TemporaryFolder folder;
  fs::create_directory(folder / "store");
  write_atomically(folder / "store/real", "old");
  fs::create_symlink("store/real", folder / "link");
  write_atomically(folder / "link", "new");
  EXPECT_TRUE(fs::is_symlink(folder / "link"));
  EXPECT_EQ(read_file(folder / "store/real"), "new");
}

TEST(WriteAtomically, WritesIntoTheCurrentFolder) {
  const testing::TemporaryFolder folder;
  const fs::path before = fs::current_path();
  fs::current_path(folder.path());
  write_atomically("plain", "text");
  fs::current_path(before);
  EXPECT_EQ(read_file(folder / "plain"), "text");
}

TEST(WriteAtomically, AKilledProcessKeepsTheOldFile) {
  const testing::TemporaryFolder folder;
  write_atomically(folder / "a", "old");
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    write_atomically(folder / "a", [](std::ostream& out) {
      out << std::string(200000, 'x') << std::flush;
      ::kill(::getpid(), SIGKILL);
    });
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(read_file(folder / "a"), "old");
}

TEST(WriteAtomically, ConcurrentWritersLeaveOneOfTheirTexts) {
  const testing::TemporaryFolder folder;
  std::vector<std::thread> writers;
  for (const char letter : {'a', 'b', 'c', 'd'})
    writers.emplace_back([&folder, letter] {
      for (int i = 0; i < 20; ++i) write_atomically(folder / "shared", std::string(100000, letter));
    });
  for (std::thread& writer : writers) writer.join();
  const std::string text = read_file(folder / "shared");
  EXPECT_EQ(text, std::string(100000, text.at(0)));
  EXPECT_EQ(files_in(folder.path()), 1u);
}

TEST(ReadFile, SaysWhatIsWrong) {
  const testing::TemporaryFolder folder;
  EXPECT_EQ(io_error_of([&] { read_file(folder / "absent"); }),
            "cannot read '" + (folder / "absent").string() + "': No such file or directory");
  EXPECT_EQ(io_error_of([&] { read_file(folder.path()); }),
            "cannot read '" + folder.path().string() + "': it is a folder");
}

TEST(ReadFile, RefusesMoreThanAsked) {
  const testing::TemporaryFolder folder;
  write_atomically(folder / "a", std::string(1000, 'x'));
  EXPECT_EQ(read_file(folder / "a", 1000).size(), 1000u);
  EXPECT_THROW(read_file(folder / "a", 999), FormatError);
}

TEST(ReadFile, EndlessInputEnds) {
  if (!fs::exists("/dev/zero")) GTEST_SKIP() << "no /dev/zero";
  EXPECT_THROW(read_file("/dev/zero", 1 << 20), FormatError);
  EXPECT_EQ(read_file("/dev/null"), "");
}

TEST(CreateFolder, MakesParentsAndAcceptsWhatIsThere) {
  const testing::TemporaryFolder folder;
  create_folder(folder / "a/b/c");
  create_folder(folder / "a/b/c");
  create_folder(folder / "a/d/");
  EXPECT_TRUE(fs::is_directory(folder / "a/b/c"));
  EXPECT_TRUE(fs::is_directory(folder / "a/d"));
}

TEST(CreateFolder, SaysWhyNot) {
  const testing::TemporaryFolder folder;
  write_atomically(folder / "file", "x");
  EXPECT_NE(io_error_of([&] { create_folder(folder / "file"); }).find("cannot create folder"), std::string::npos);
  const std::string message = io_error_of([&] { create_folder(folder / "file/below"); });
  EXPECT_EQ(message, "cannot create folder '" + (folder / "file/below").string() + "': Not a directory");
}

}  // namespace
}  // namespace sscvae
