#include "sscvae/core/error.h"

#include <c10/util/Exception.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <new>

namespace sscvae {
namespace {

template <class Exception>
ExitCode code_of(const std::string& message) {
  return describe_failure(Exception(message)).code;
}

TEST(Error, EachKindHasItsExitCode) {
  EXPECT_EQ(code_of<UsageError>("x"), ExitCode::kUsage);
  EXPECT_EQ(code_of<IoError>("x"), ExitCode::kIo);
  EXPECT_EQ(code_of<FormatError>("x"), ExitCode::kData);
  EXPECT_EQ(code_of<ShapeError>("x"), ExitCode::kData);
  EXPECT_EQ(code_of<DivergenceError>("x"), ExitCode::kData);
  EXPECT_EQ(code_of<InternalError>("x"), ExitCode::kInternal);
  EXPECT_EQ(code_of<std::runtime_error>("x"), ExitCode::kInternal);
  EXPECT_EQ(static_cast<int>(ExitCode::kOk), 0);
  EXPECT_EQ(static_cast<int>(ExitCode::kInternal), 1);
  EXPECT_EQ(static_cast<int>(ExitCode::kUsage), 2);
  EXPECT_EQ(static_cast<int>(ExitCode::kIo), 3);
  EXPECT_EQ(static_cast<int>(ExitCode::kData), 4);
}

TEST(Error, OwnMessagesAreKeptAsTheyAre) {
  EXPECT_EQ(describe_failure(FormatError("a.png: truncated")).line, "a.png: truncated");
}

TEST(Error, ForeignMessagesAreOneLine) {
  EXPECT_EQ(describe_failure(std::runtime_error("first\nsecond")).line, "internal error: first");
}

TEST(Error, LibTorchErrorsAreCutToTheirFirstLine) {
  try {
    TORCH_CHECK(false, "sizes differ");
    FAIL() << "TORCH_CHECK did not throw";
  } catch (const std::exception& error) {
    const Failure failure = describe_failure(error);
    EXPECT_EQ(failure.code, ExitCode::kInternal);
    EXPECT_EQ(failure.line, "internal error: sizes differ");
  }
}

TEST(Error, MemoryAndFileSystemFailuresAreNotOurMistake) {
  EXPECT_EQ(describe_failure(std::bad_alloc()).code, ExitCode::kIo);
  EXPECT_EQ(describe_failure(std::bad_alloc()).line, "out of memory");
  const std::filesystem::filesystem_error error("cannot list", "/somewhere",
                                                std::make_error_code(std::errc::permission_denied));
  const Failure failure = describe_failure(error);
  EXPECT_EQ(failure.code, ExitCode::kIo);
  EXPECT_NE(failure.line.find("/somewhere"), std::string::npos);
}

TEST(Error, AssertionNamesConditionAndPlace) {
  const int one = 1;
  EXPECT_NO_THROW(SSCVAE_ASSERT(one == 1));
  try {
    SSCVAE_ASSERT(one == 2);
    FAIL() << "the assertion held";
  } catch (const InternalError& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find("one == 2 does not hold"), std::string::npos) << text;
    EXPECT_NE(text.find("sscvae/core/error_test.cpp:"), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace sscvae
