#include "sscvae/core/utf8.h"

#include <gtest/gtest.h>

#include "sscvae/core/options.h"
#include "sscvae/core/random.h"

namespace sscvae {
namespace {

TEST(Utf8, WhatIsUtf8StaysAsItIs) {
  for (const std::string text : {"", "plain", "gr\u00fc\u00df \u20ac \U0001F600", "tab\tand\nline"}) {
    EXPECT_EQ(utf8_of(text), text);
    EXPECT_EQ(bytes_of_utf8(text), text);
  }
}

TEST(Utf8, AnyBytesComeBack) {
  EXPECT_EQ(utf8_of("im\xff"), "im\uefff");
  EXPECT_EQ(bytes_of_utf8("im\uefff\uef80"), "im\xff\x80");
  for (const std::string text : {"\xff\xfe", "a\xc3", "\xed\xa0\x80", "\uef80", "\uefff", "x\uefbfy\xbf", "\xc0\xaf"})
    EXPECT_EQ(bytes_of_utf8(utf8_of(text)), text);
  Random random(3);
  for (int i = 0; i < 2000; ++i) {
    std::string bytes;
    for (int64_t k = random.below(12); k > 0; --k)
      bytes +=
          random.below(3) == 0 ? std::string("\xee\xbe\x80") : std::string(1, static_cast<char>(random.below(256)));
    const std::string text = utf8_of(bytes);
    for (size_t k = 0; k < text.size(); k += utf8_length(text, k)) ASSERT_GT(utf8_length(text, k), 0u);
    EXPECT_EQ(bytes_of_utf8(text), bytes);
  }
}

TEST(Utf8, OptionsKeepBytesThatAreNone) {
  std::string root = "/data/im\xffges\x7f", read;
  FieldList fields, other;
  fields.add("root", root, "a folder");
  other.add("root", read, "a folder");
  assign(other, parse_toml(to_toml(fields), "test"), "test");
  EXPECT_EQ(read, root);
  read.clear();
  assign(other, parse_json(to_json(fields), "test"), "test");
  EXPECT_EQ(read, root);
}

}  // namespace
}  // namespace sscvae
