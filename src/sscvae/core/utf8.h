#pragma once

#include <cstddef>
#include <string>
#include <string_view>

/// Names of files are bytes; TOML and JSON hold UTF-8 only.
namespace sscvae {

/// Bytes of the UTF-8 character that starts at `i`, or 0 if there is none: surrogates and overlong forms are none.
size_t utf8_length(std::string_view text, size_t i);

/// The bytes as UTF-8 that bytes_of_utf8 turns back. What is UTF-8 already stays as it is; each other byte b (80 to FF)
/// becomes the private character U+EF00 + b. A text that has such characters has them byte by byte.
std::string utf8_of(std::string_view bytes);
std::string bytes_of_utf8(std::string_view text);

}  // namespace sscvae
