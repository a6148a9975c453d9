#include <gtest/gtest.h>

#include <string>

#include "sscvae/kernels/bfloat16_unit.h"
#include "sscvae/kernels/isa.h"

// Runs and lists the tests of kernels, and of what calls them, that this processor can run: the others run in the
// programs that emulate what it lacks (sscvae_*_emulated_test). One that is asked for by name runs or skips.
namespace {

/// As the names of tests say what they need.
std::string beyond_this_processor() {
  using sscvae::kernels::Isa;
  std::string patterns;
  for (const Isa isa : sscvae::kernels::known_isas())
    if (isa > sscvae::kernels::best_isa()) patterns += std::string(":*/") + name_of(isa);
  if (!sscvae::kernels::has_bfloat16_kernels()) patterns += ":*Bfloat16*:*Bf16*";
  return patterns;
}

}  // namespace

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  const std::string patterns = beyond_this_processor();
  if (::testing::GTEST_FLAG(filter) == "*" && !patterns.empty())
    ::testing::GTEST_FLAG(filter) = "-" + patterns.substr(1);
  return RUN_ALL_TESTS();
}
