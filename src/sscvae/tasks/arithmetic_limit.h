#pragma once

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <string>

namespace sscvae::tasks {

/// How fast this machine multiplies and adds when nothing else is in the way.
struct ArithmeticLimit {
  double gflops = 0;  ///< 10^9 multiplications and additions per second
  std::string how;    ///< "best of 12 products of 2048 x 2048 matrices, float32"
};

/// The fastest of several products of two square matrices, with the threads of this process and the library that the
/// networks use. Takes about half a second.
ArithmeticLimit measure_arithmetic_limit(c10::Device device, bool bf16);

/// Returns when the device has done what it was given.
void finish_work(c10::Device device);

}  // namespace sscvae::tasks
