#pragma once

#include <cstdint>
#include <string>
#include <utility>

namespace sscvae::tasks {

/// Of inputs that a command makes up, pixels.
inline constexpr int64_t kLargestSize = 16384;

/// Height and width of "--size HxW", each 1 to `largest` pixels. Errors: UsageError.
std::pair<int64_t, int64_t> parse_size(const std::string& text, int64_t largest);

}  // namespace sscvae::tasks
