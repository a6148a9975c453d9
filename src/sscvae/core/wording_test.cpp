#include "sscvae/core/wording.h"

#include <gtest/gtest.h>

#include <cmath>

namespace sscvae {
namespace {

TEST(Wording, CountsAgreeWithTheirNouns) {
  EXPECT_EQ(count_text(0, "image"), "0 images");
  EXPECT_EQ(count_text(1, "image"), "1 image");
  EXPECT_EQ(count_text(2, "image"), "2 images");
  EXPECT_EQ(count_text(1, "entry", "entries"), "1 entry");
  EXPECT_EQ(count_text(3, "entry", "entries"), "3 entries");
  EXPECT_EQ(share_text(1, 1, "image"), "1 of 1 image");
  EXPECT_EQ(share_text(1, 4, "image"), "1 of 4 images");
  EXPECT_STREQ(agreeing(1, "was", "were"), "was");
  EXPECT_STREQ(agreeing(0, "was", "were"), "were");
}

TEST(Wording, ZeroHasNoSign) {
  EXPECT_EQ(number_text("%+.2f", -0.001), "0.00");
  EXPECT_EQ(number_text("%+.2f", 0.001), "0.00");
  EXPECT_EQ(number_text("%.3f", -0.0), "0.000");
  EXPECT_EQ(number_text("%+.4g", -0.0), "0");
  EXPECT_EQ(number_text("%+.2f", -0.01), "-0.01");
  EXPECT_EQ(number_text("%+.2f", 1.5), "+1.50");
  EXPECT_EQ(number_text("%.4g", 1e-20), "1e-20");
  EXPECT_EQ(number_text("%.2f", -INFINITY), "-inf");
}

}  // namespace
}  // namespace sscvae
