#include <gtest/gtest.h>

#include <cmath>

#include "sscvae/train/csv_log.h"
#include "sscvae/train/training_fixture.h"
#include "support/comma_locale.h"

namespace sscvae::train {
namespace {

/// A host process may have set a locale whose decimal point is a comma.
TEST_F(ResumeTest, InALocaleWithADecimalComma) {
  train(request("whole"));
  {
    const testing::CommaLocale locale;
    TrainRequest pieces = request("pieces");
    kill_after(pieces, 5);
    EXPECT_THROW(train(pieces), Killed);
    EXPECT_TRUE(train(resume_request(folder_.path() / "pieces")).finished);
    const auto log = read_csv_log(folder_.path() / "pieces" / "log.csv");
    EXPECT_EQ(log.at("step"), (std::vector<double>{2, 4, 6, 8, 10, 12}));
    for (const double loss : log.at("loss")) EXPECT_NE(loss, std::trunc(loss)) << "digits behind the point are read";
  }
  expect_same_run("whole", "pieces");
}

}  // namespace
}  // namespace sscvae::train
