#include "sscvae/core/utf8.h"

namespace sscvae {

namespace {

/// The byte that the three bytes at `i` stand for, or 0.
unsigned char hidden_byte(std::string_view text, size_t i) {
  if (i + 2 >= text.size() || text[i] != '\xee' || (text[i + 1] != '\xbe' && text[i + 1] != '\xbf')) return 0;
  const auto last = static_cast<unsigned char>(text[i + 2]);
  if ((last & 0xc0) != 0x80) return 0;
  return static_cast<unsigned char>((text[i + 1] == '\xbf' ? 0xc0 : 0x80) | (last & 0x3f));
}

}  // namespace

size_t utf8_length(std::string_view text, size_t i) {
  const auto byte = [&](size_t k) { return static_cast<unsigned char>(text[k]); };
  const unsigned char lead = byte(i);
  if (lead < 0x80) return 1;
  const size_t length = lead >= 0xc2 && lead <= 0xdf   ? 2
                        : lead >= 0xe0 && lead <= 0xef ? 3
                        : lead >= 0xf0 && lead <= 0xf4 ? 4
                                                       : 0;
  if (length == 0 || length > text.size() - i) return 0;
  for (size_t k = 1; k < length; ++k)
    if ((byte(i + k) & 0xc0) != 0x80) return 0;
  const unsigned char second = byte(i + 1);
  const bool overlong = (lead == 0xe0 && second < 0xa0) || (lead == 0xf0 && second < 0x90);
  const bool outside = (lead == 0xed && second > 0x9f) || (lead == 0xf4 && second > 0x8f);
  return overlong || outside ? 0 : length;
}

std::string utf8_of(std::string_view bytes) {
  std::string text;
  for (size_t i = 0; i < bytes.size();) {
    const size_t length = utf8_length(bytes, i);
    if (length > 0 && hidden_byte(bytes, i) == 0) {
      text += bytes.substr(i, length);
      i += length;
    } else {
      const auto byte = static_cast<unsigned char>(bytes[i++]);
      text += {'\xee', byte < 0xc0 ? '\xbe' : '\xbf', static_cast<char>(0x80 | (byte & 0x3f))};
    }
  }
  return text;
}

std::string bytes_of_utf8(std::string_view text) {
  std::string bytes;
  for (size_t i = 0; i < text.size();) {
    if (const unsigned char hidden = hidden_byte(text, i); hidden != 0) {
      bytes += static_cast<char>(hidden);
      i += 3;
    } else {
      bytes += text[i++];
    }
  }
  return bytes;
}

}  // namespace sscvae
