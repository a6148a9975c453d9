#include "sscvae/core/wording.h"

#include <cmath>

#include "sscvae/core/text.h"

namespace sscvae {

std::string count_text(int64_t count, const std::string& singular, const std::string& plural) {
  return std::to_string(count) + " " + (count == 1 ? singular : plural.empty() ? singular + "s" : plural);
}

std::string share_text(int64_t part, int64_t total, const std::string& singular) {
  return std::to_string(part) + " of " + count_text(total, singular);
}

const char* agreeing(int64_t count, const char* of_one, const char* of_many) { return count == 1 ? of_one : of_many; }

std::string number_text(const char* pattern, double value) {
  std::string text = format(pattern, value);
  const size_t sign = text.find_first_of("+-");
  if (std::isfinite(value) && sign != std::string::npos && text.find_first_of("123456789") == std::string::npos)
    text.erase(sign, 1);
  return text;
}

}  // namespace sscvae
