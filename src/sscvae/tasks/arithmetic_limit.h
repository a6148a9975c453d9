#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace sscvae::tasks {

/// How fast this machine multiplies and adds when nothing else is in the way.
struct ArithmeticLimit {
  double gflops = 0;  ///< 10^9 multiplications and additions per second
  std::string how;    ///< "best of 12 products of 2048 x 2048 matrices, float32"
};

/// The fastest of several products of two square matrices, with the threads of this process and the products that the
/// engine uses. Takes about half a second.
ArithmeticLimit measure_arithmetic_limit(bool bf16);
/// The same of any product of two matrices of that side.
ArithmeticLimit arithmetic_limit_of(const std::function<void()>& product, int64_t side, const std::string& type);

}  // namespace sscvae::tasks
