#pragma once

#include <concepts>
#include <string>

/// Numbers in sentences and tables.
namespace sscvae {

/// The word that goes with a count: `of_one` for 1, otherwise `of_many` ("was", "were").
template <std::integral Count>
const char* agreeing(Count count, const char* of_one, const char* of_many) {
  return count == 1 ? of_one : of_many;
}

/// "1 image", "2 images", "0 images". `plural` where it is not the singular with an s.
template <std::integral Count>
std::string count_text(Count count, const std::string& singular, const std::string& plural = "") {
  return std::to_string(count) + " " +
         agreeing(count, singular.c_str(), (plural.empty() ? singular + "s" : plural).c_str());
}

/// "1 of 1 image", "1 of 4 images".
template <std::integral Part, std::integral Total>
std::string share_text(Part part, Total total, const std::string& singular) {
  return std::to_string(part) + " of " + count_text(total, singular);
}

/// A number by a pattern of printf with one double ("%.2f", "%+.4g"); what that rounds to zero has no sign: "0.00",
/// never "-0.00" or "+0.00".
std::string number_text(const char* pattern, double value);

}  // namespace sscvae
