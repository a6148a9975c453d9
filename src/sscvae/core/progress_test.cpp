#include "sscvae/core/progress.h"

#include <gtest/gtest.h>

#include <cmath>

#include "sscvae/core/log.h"

// Under the test runner standard error is no terminal: plain lines, at most one in ten seconds and one at the end.
namespace sscvae {
namespace {

class ProgressTest : public ::testing::Test {
 protected:
  void SetUp() override { ::testing::internal::CaptureStderr(); }
  void TearDown() override { set_verbosity(Verbosity::kNormal); }
  static std::string printed() { return ::testing::internal::GetCapturedStderr(); }
};

TEST_F(ProgressTest, PrintsAtTheStartAndAtTheEnd) {
  {
    Progress progress("training", 200, "step");
    for (int step = 1; step <= 200; ++step) progress.update(step, "loss 0.5");
  }
  const std::string text = printed();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2) << text;
  EXPECT_EQ(text.rfind("training:   0% 1/200 step", 0), 0u) << text;
  EXPECT_NE(text.find("training: 100% 200/200 step"), std::string::npos) << text;
  EXPECT_NE(text.find("took "), std::string::npos) << text;
  EXPECT_NE(text.find("loss 0.5"), std::string::npos) << text;
}

TEST_F(ProgressTest, EndsOnce) {
  {
    Progress progress("work", 2, "image");
    progress.finish();
    progress.finish();
  }
  const std::string text = printed();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << text;
}

TEST_F(ProgressTest, IsSilentUnderQuiet) {
  set_verbosity(Verbosity::kQuiet);
  {
    Progress progress("work", 2, "image");
    progress.update(1);
  }
  note("a note");
  EXPECT_EQ(printed(), "");
}

TEST_F(ProgressTest, WarningsAreAlwaysShown) {
  set_verbosity(Verbosity::kQuiet);
  warn("broken.png is skipped");
  EXPECT_EQ(printed(), "warning: broken.png is skipped\n");
}

TEST_F(ProgressTest, NotesAreLines) {
  note("first");
  note("second");
  EXPECT_EQ(printed(), "first\nsecond\n");
}

TEST_F(ProgressTest, RateCountsOnlyWorkOfThisRun) {
  Progress resumed("training", 100, "step", 90);
  EXPECT_EQ(resumed.units_per_second(), 0);
  EXPECT_EQ(resumed.seconds_left(), -1);  // nothing is known yet
  resumed.update(95);
  EXPECT_GT(resumed.units_per_second(), 0);
  EXPECT_GE(resumed.seconds_left(), 0);
  resumed.finish();
  EXPECT_NE(printed().find("95/100 step"), std::string::npos);
}

TEST_F(ProgressTest, NoWorkIsDoneAtOnce) {
  { Progress progress("work", 0, "image"); }
  EXPECT_NE(printed().find("100% 0/0"), std::string::npos);
}

TEST(DurationText, ChoosesItsUnits) {
  EXPECT_EQ(duration_text(4.24), "4.2s");
  EXPECT_EQ(duration_text(0), "0.0s");
  EXPECT_EQ(duration_text(200), "3m20s");
  EXPECT_EQ(duration_text(59.98), "1m00s");
  EXPECT_EQ(duration_text(3900), "1h05m");
  EXPECT_EQ(duration_text(3599.9), "1h00m");
  EXPECT_EQ(duration_text(-1), "?");
  EXPECT_EQ(duration_text(std::nan("")), "?");
}

}  // namespace
}  // namespace sscvae
