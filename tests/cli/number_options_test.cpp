#include <gtest/gtest.h>

#include <CLI/CLI.hpp>

#include "sscvae/command.h"
#include "support/comma_locale.h"

// Options that take numbers, in the process of the test.
namespace sscvae::testing {
namespace {

TEST(CommaLocale, NumbersOnTheCommandLineHaveADecimalPoint) {
  const CommaLocale locale;
  CLI::App app;
  double strength = 1, level = 0, minutes = 2;
  int64_t tile = -1;
  cli::add_strength_option(app, strength);
  cli::add_level_option(app, "--sigma-8bit", level, 255, "");
  cli::add_number_option(app, "--minutes", "M", minutes, "");
  cli::add_tile_option(app, tile);
  app.parse("--strength 1.25 --sigma-8bit 2.5e1 --minutes 0.5 --tile 512");
  EXPECT_EQ(strength, 1.25);
  EXPECT_EQ(level, 25);
  EXPECT_EQ(minutes, 0.5);
  EXPECT_EQ(tile, 512);
  for (const char* wrong : {"--strength 1,25", "--sigma-8bit 2,5", "--minutes 0,5", "--tile 5,5"})
    EXPECT_ANY_THROW(app.parse(wrong)) << wrong;
  EXPECT_NE(app.help().find("--strength X=1 "), std::string::npos) << app.help();
}

}  // namespace
}  // namespace sscvae::testing
