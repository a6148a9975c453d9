#include "sscvae/array/parallel.h"

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <string>

#include "sscvae/core/error.h"

namespace sscvae {

int num_threads() { return omp_get_max_threads(); }

void set_num_threads(int count) {
  if (count < 1) throw UsageError("threads: expected 1 or more, got " + std::to_string(count));
  omp_set_num_threads(count);
}

bool in_parallel_loop() { return omp_in_parallel() != 0; }

void parallel_for(int64_t begin, int64_t end, int64_t grain, const std::function<void(int64_t, int64_t)>& body) {
  const int64_t steps = end - begin;
  if (steps <= 0) return;
  const int64_t parts = std::min<int64_t>(num_threads(), (steps + grain - 1) / std::max<int64_t>(grain, 1));
  if (parts <= 1 || in_parallel_loop()) {
    body(begin, end);
    return;
  }
  std::atomic_flag failed;
  std::exception_ptr error;
#pragma omp parallel num_threads(static_cast <int>(parts))
  {
    // The runtime may give fewer threads than asked for.
    const int64_t threads = omp_get_num_threads(), length = (steps + threads - 1) / threads;
    const int64_t first = begin + omp_get_thread_num() * length, last = std::min(first + length, end);
    try {
      if (first < last) body(first, last);
    } catch (...) {
      if (!failed.test_and_set()) error = std::current_exception();
    }
  }
  if (error) std::rethrow_exception(error);
}

}  // namespace sscvae
