#include "sscvae/core/wording.h"

#include <cmath>

#include "sscvae/core/text.h"

namespace sscvae {

std::string number_text(const char* pattern, double value) {
  std::string text = format(pattern, value);
  const size_t sign = text.find_first_of("+-");
  if (std::isfinite(value) && sign != std::string::npos && text.find_first_of("123456789") == std::string::npos)
    text.erase(sign, 1);
  return text;
}

}  // namespace sscvae
