#include "sscvae/serialization/protobuf.h"

#include <gtest/gtest.h>

namespace sscvae::serialization {
namespace {

using namespace std::string_literals;

TEST(Protobuf, TheExamplesOfItsDocumentation) {
  EXPECT_EQ(ProtobufMessage().number(1, 150).bytes(), "\x08\x96\x01"s);
  EXPECT_EQ(ProtobufMessage().text(2, "testing").bytes(), "\x12\x07testing"s);
  EXPECT_EQ(ProtobufMessage().message(3, ProtobufMessage().number(1, 150)).bytes(), "\x1a\x03\x08\x96\x01"s);
  EXPECT_EQ(ProtobufMessage().number(1, -2).bytes(), "\x08\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01"s);
}

TEST(Protobuf, ZerosAreLeftOutOnlyWhereTheyAreTheDefault) {
  EXPECT_EQ(ProtobufMessage().number(1, 0).bytes(), "");
  EXPECT_EQ(ProtobufMessage().present_number(1, 0).bytes(), "\x08\0"s);
  EXPECT_EQ(ProtobufMessage().text(1, "").bytes(), "\x0a\0"s);
}

TEST(Protobuf, RealNumbersAndFieldsAboveFifteen) {
  EXPECT_EQ(ProtobufMessage().real32(2, 0.5f).bytes(), "\x15\0\0\0\x3f"s);
  EXPECT_EQ(ProtobufMessage().real64(1, 1.5).bytes(), "\x09\0\0\0\0\0\0\xf8\x3f"s);
  EXPECT_EQ(ProtobufMessage().number(20, 7).bytes(), "\xa0\x01\x07"s);
}

TEST(Protobuf, AnnouncedBytesMakeTheSameMessage) {
  const std::string inner(300, 'x');
  EXPECT_EQ(ProtobufMessage().announce(9, inner.size()).bytes() + inner, ProtobufMessage().text(9, inner).bytes());
}

}  // namespace
}  // namespace sscvae::serialization
