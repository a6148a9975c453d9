#pragma once

#include <cstdint>
#include <functional>

namespace sscvae {

/// Threads that a loop of the calling thread may use.
int num_threads();
/// For loops that the calling thread starts from now on. Errors: UsageError for counts below 1.
void set_num_threads(int count);
/// In a loop's body: loops within run on this thread alone.
bool in_parallel_loop();

/// Calls body(first, last) for parts that together are [begin, end), each on a thread of its own; parts have at least
/// `grain` steps where there is more than one. The first exception of a body is thrown here.
void parallel_for(int64_t begin, int64_t end, int64_t grain, const std::function<void(int64_t, int64_t)>& body);

}  // namespace sscvae
