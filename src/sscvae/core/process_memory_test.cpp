#include "sscvae/core/process_memory.h"

#include <gtest/gtest.h>

#include <vector>

namespace sscvae {
namespace {

TEST(ProcessMemory, ReadsTheKernelsLine) {
  EXPECT_EQ(parse_peak_resident("Name:\tx\nVmPeak:\t  99 kB\nVmHWM:\t    1234 kB\nVmRSS:\t  7 kB\n"), 1234 * 1024);
  EXPECT_EQ(parse_peak_resident("Name:\tx\n"), -1);
}

TEST(ProcessMemory, PeakGrowsWithWhatIsTouched) {
  if (peak_resident_bytes() < 0) GTEST_SKIP() << "no /proc/self/status here";
  const std::vector<char> touched(size_t{64} << 20, 1);
  EXPECT_GE(peak_resident_bytes(), static_cast<int64_t>(touched.size()));
}

}  // namespace
}  // namespace sscvae
