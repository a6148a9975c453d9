#include "sscvae/core/numbers.h"

#include <charconv>

namespace sscvae {

namespace {

/// Whether the number has a sign in front that from_chars would take a second time.
bool has_sign(std::string_view text) { return !text.empty() && (text[0] == '-' || text[0] == '+'); }

}  // namespace

std::optional<double> parse_real(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (has_sign(text)) text.remove_prefix(1);
  if (has_sign(text)) return std::nullopt;
  const bool hexadecimal = text.starts_with("0x") || text.starts_with("0X");
  if (hexadecimal) text.remove_prefix(2);
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] =
      std::from_chars(text.data(), end, value, hexadecimal ? std::chars_format::hex : std::chars_format::general);
  if (error != std::errc() || stop != end) return std::nullopt;
  return negative ? -value : value;
}

std::optional<int64_t> parse_whole(std::string_view text) {
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (has_sign(text)) return std::nullopt;
  }
  int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && stop == end && !text.empty() ? std::optional(value) : std::nullopt;
}

std::string lower_case(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

}  // namespace sscvae
