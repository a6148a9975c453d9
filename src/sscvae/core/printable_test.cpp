#include "sscvae/core/printable.h"

#include <gtest/gtest.h>

namespace sscvae {
namespace {

using namespace std::string_literals;

TEST(Printable, IsOneLineWithoutControlCharacters) {
  EXPECT_EQ(printable("plain name.png"), "plain name.png");
  EXPECT_EQ(printable("a\nb\tc\rd"), "a\\nb\\tc\\rd");
  EXPECT_EQ(printable("\x1b[31mred\x7f"), "\\x1b[31mred\\x7f");
  EXPECT_EQ(printable("a\0b"s), "a\\x00b");
  EXPECT_EQ(printable("\xc3\xa4\xe7\x8c\xab\xf0\x9f\x98\x80"), "\xc3\xa4\xe7\x8c\xab\xf0\x9f\x98\x80");
  EXPECT_EQ(printable("\xff\xc3"), "\\xff\\xc3");
  EXPECT_EQ(printable("\xc2\x9b"), "\\xc2\\x9b");  // a control character of two bytes
  EXPECT_EQ(printable("two\nlines\x07", true), "two\nlines\\x07");
}

TEST(Printable, WidthIsThatOfATerminal) {
  EXPECT_EQ(display_width(""), 0u);
  EXPECT_EQ(display_width("abc"), 3u);
  EXPECT_EQ(display_width("\xc3\xa4\xc3\xb6"), 2u);          // ae, oe as one character each
  EXPECT_EQ(display_width("a\xcc\x88"), 1u);                 // a and a combining diaeresis
  EXPECT_EQ(display_width("\xe7\x8c\xab\xe7\x8a\xac"), 4u);  // two wide characters
  EXPECT_EQ(display_width("\xff"), 1u);
}

TEST(Printable, ExtensionsHaveAnyCase) {
  for (const char* name : {"a.json", "a.JSON", "b/a.x.Json"}) EXPECT_TRUE(has_extension(name, ".json")) << name;
  for (const char* name : {"json", ".json", "a.json2", "a.json/b"}) EXPECT_FALSE(has_extension(name, ".json")) << name;
}

}  // namespace
}  // namespace sscvae
