#include "sscvae/tasks/size_option.h"

#include <charconv>
#include <vector>

#include "sscvae/core/error.h"
#include "sscvae/core/text.h"

namespace sscvae::tasks {

std::pair<int64_t, int64_t> parse_size(const std::string& text, int64_t largest) {
  const std::vector<std::string> parts = split(text, 'x');
  int64_t values[2] = {};
  bool good = parts.size() == 2;
  for (size_t i = 0; good && i < 2; ++i) {
    const char* end = parts[i].data() + parts[i].size();
    const auto result = std::from_chars(parts[i].data(), end, values[i]);
    good = result.ec == std::errc() && result.ptr == end && values[i] >= 1 && values[i] <= largest;
  }
  if (!good)
    throw UsageError("--size: expected HEIGHTxWIDTH with 1 to " + std::to_string(largest) + " pixels each, got '" +
                     text + "'");
  return {values[0], values[1]};
}

}  // namespace sscvae::tasks
