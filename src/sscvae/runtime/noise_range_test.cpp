#include "sscvae/runtime/noise_range.h"
#include "sscvae/nn/arrays.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

namespace sscvae::runtime {
namespace {

TEST(NoiseRange, GreyInColourHasAllItsNoiseInOneDirection) {
  const at::Tensor grey = torch::rand({1, 5, 7}), colour = torch::rand({3, 5, 7});
  EXPECT_FALSE(is_grey_in_colour(grey));
  EXPECT_FALSE(is_grey_in_colour(colour));
  EXPECT_TRUE(is_grey_in_colour(grey.expand({3, 5, 7})));
  EXPECT_EQ(level_for_weights(grey, 20), 20);
  EXPECT_EQ(level_for_weights(colour, 20), 20);
  EXPECT_EQ(level_for_weights(grey.expand({3, 5, 7}), 20), 20 * std::sqrt(3.0));
}

TEST(NoiseRange, LevelsOutsideAreNamed) {
  LevelCheck check("w", {5, 55});
  check.add("inside.png", 55, 55);
  EXPECT_EQ(check.warning(), "");
  check.add("loud.png", 63.2, 63.2);
  check.add("quiet.png", 3, 3);
  const std::string warning = check.warning();
  EXPECT_NE(warning.find("2 of 3 images"), std::string::npos) << warning;
  EXPECT_NE(warning.find("5 to 55"), std::string::npos) << warning;
  EXPECT_NE(warning.find("loud.png (63.2)"), std::string::npos) << warning;
  LevelCheck grey("w", {0, 55});
  grey.add("grey.png", 40, 69.3);
  EXPECT_NE(grey.warning().find("69.3"), std::string::npos) << grey.warning();
  LevelCheck without_noise("w", {0, 0});
  without_noise.add("any.png", 40, 40);
  EXPECT_EQ(without_noise.warning(), "");
}

}  // namespace
}  // namespace sscvae::runtime
