#pragma once

#include <cstdint>
#include <string>

/// Numbers in sentences and tables.
namespace sscvae {

/// "1 image", "2 images", "0 images". `plural` where it is not the singular with an s.
std::string count_text(int64_t count, const std::string& singular, const std::string& plural = "");

/// "1 of 1 image", "1 of 4 images".
std::string share_text(int64_t part, int64_t total, const std::string& singular);

/// The word that goes with a count: of_one for 1, otherwise of_many ("was", "were").
const char* agreeing(int64_t count, const char* of_one, const char* of_many);

/// A number by a pattern of printf with one double ("%.2f", "%+.4g"); what that rounds to zero has no sign: "0.00",
/// never "-0.00" or "+0.00".
std::string number_text(const char* pattern, double value);

}  // namespace sscvae
