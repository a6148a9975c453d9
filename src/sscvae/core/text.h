#pragma once

#include <string>
#include <string_view>
#include <vector>

/// Small text helpers.
namespace sscvae {

/// printf into a std::string, the same in every locale.
[[gnu::format(printf, 1, 2)]] std::string format(const char* pattern, ...);

std::vector<std::string> split(std::string_view text, char separator);
std::string_view trim(std::string_view text);
std::string join(const std::vector<std::string>& parts, std::string_view separator);

/// Shortest decimal text that reads back as the same double ("0.1", "1e-08", "inf", "nan").
std::string to_text(double value);

/// The candidate with the smallest edit distance to `name` if it is close enough to be meant, else the one whose part
/// behind the last dot is ("epochs" -> "train.epochs"), else "".
std::string nearest_name(std::string_view name, const std::vector<std::string>& candidates);

/// " (did you mean 'x'?)" or "".
std::string suggestion(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace sscvae
