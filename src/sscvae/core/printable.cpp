#include "sscvae/core/printable.h"

#include <clocale>
#include <cwchar>
#include <cwctype>

#include "sscvae/core/text.h"

namespace sscvae {

namespace {

/// UTF-8 for the functions of the C library in this thread, whatever the locale of the process.
class Utf8Locale {
 public:
  Utf8Locale() : before_(::uselocale(shared())) {}
  ~Utf8Locale() { ::uselocale(before_); }
  Utf8Locale(const Utf8Locale&) = delete;
  Utf8Locale& operator=(const Utf8Locale&) = delete;

 private:
  static locale_t shared() {
    static const locale_t locale = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    return locale;  // null where the system has none: uselocale then changes nothing
  }
  locale_t before_;
};

/// A character of a text, or a byte that begins none.
struct Character {
  std::string_view bytes;
  wchar_t value = 0;
  bool valid = false;
};

Character first_character(std::string_view text) {
  std::mbstate_t state{};
  Character character{text.substr(0, 1)};
  const size_t size = std::mbrtowc(&character.value, text.data(), text.size(), &state);
  if (size == 0) character.valid = true;  // the character 0
  if (size == 0 || size > text.size()) return character;
  return {text.substr(0, size), character.value, true};
}

std::string escaped(std::string_view bytes) {
  std::string result;
  for (const char byte : bytes) {
    if (byte == '\n') result += "\\n";
    else if (byte == '\t') result += "\\t";
    else if (byte == '\r') result += "\\r";
    else result += format("\\x%02x", static_cast<unsigned char>(byte));
  }
  return result;
}

}  // namespace

std::string printable(std::string_view text, bool lines) {
  const Utf8Locale locale;
  std::string result;
  while (!text.empty()) {
    const Character character = first_character(text);
    text.remove_prefix(character.bytes.size());
    const bool shown = character.valid && !std::iswcntrl(static_cast<std::wint_t>(character.value));
    if (shown || (lines && character.bytes == "\n")) result += character.bytes;
    else result += escaped(character.bytes);
  }
  return result;
}

size_t display_width(std::string_view text) {
  const Utf8Locale locale;
  size_t width = 0;
  while (!text.empty()) {
    const Character character = first_character(text);
    text.remove_prefix(character.bytes.size());
    const int columns = character.valid ? ::wcwidth(character.value) : 1;
    width += static_cast<size_t>(columns < 0 ? 1 : columns);
  }
  return width;
}

bool has_extension(const std::filesystem::path& path, std::string_view extension) {
  std::string own = path.extension().string();
  for (char& c : own) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return own == extension;
}

}  // namespace sscvae
