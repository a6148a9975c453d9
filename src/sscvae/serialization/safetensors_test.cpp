#include "sscvae/serialization/safetensors.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "sscvae/core/atomic_file.h"
#include "sscvae/core/error.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/serialization/element_type.h"
#include "support/hostile_input.h"
#include "support/paths.h"

namespace sscvae::serialization {
namespace {

StateDict one_of_each_type() {
  StateDict state;
  for (const ElementType& type : element_types())
    state.add("t." + std::string(type.name),
              at::arange(6, at::kLong).remainder(2).reshape({2, 3}).to(scalar_type_of(type.type)));
  state.add("scalar", at::full({}, 2.5, at::kDouble));
  state.add("empty", at::zeros({2, 0, 3}));
  state.add("a \"quoted\" \xc3\xa4\n", at::arange(3, at::kInt));
  return state;
}

void expect_equal(const StateDict& actual, const StateDict& expected) {
  EXPECT_EQ(actual.names(), expected.names());
  for (const auto& [name, tensor] : expected) {
    ASSERT_TRUE(actual.find(name)) << name;
    EXPECT_EQ(actual.find(name)->type(), tensor.type()) << name;
    EXPECT_TRUE(at::equal(*actual.find(name), tensor)) << name;
  }
}

/// A file with the given JSON and data.
std::string file_with(const std::string& json, const std::string& data) {
  const uint64_t length = json.size();
  return std::string(reinterpret_cast<const char*>(&length), 8) + json + data;
}

std::string refusal_of_safetensors(const std::string& bytes) {
  try {
    parse_safetensors(bytes, "x");
  } catch (const FormatError& error) {
    return error.what();
  }
  return "no error";
}

std::string message_of_json(const std::string& json, size_t data_bytes) {
  return refusal_of_safetensors(file_with(json, std::string(data_bytes, '\0')));
}

TEST(Safetensors, RoundTripOfEveryType) {
  const testing::TemporaryFolder folder;
  const StateDict state = one_of_each_type();
  const std::map<std::string, std::string> metadata = {{"model", "ssc-vae"}, {"note", "line\n2 \xc3\xa4"}};
  write_safetensors(folder / "f", state, metadata);
  const TensorFile file = read_safetensors(folder / "f");
  expect_equal(file.tensors, state);
  EXPECT_EQ(file.metadata, metadata);
  expect_equal(parse_safetensors(read_file(folder / "f"), "memory").tensors, state);
}

TEST(Safetensors, NoTensorsAtAll) {
  const testing::TemporaryFolder folder;
  write_safetensors(folder / "f", {});
  EXPECT_TRUE(read_safetensors(folder / "f").tensors.empty());
}

TEST(Safetensors, EqualInputGivesEqualBytes) {
  const testing::TemporaryFolder folder;
  write_safetensors(folder / "a", one_of_each_type(), {{"k", "v"}});
  write_safetensors(folder / "b", one_of_each_type(), {{"k", "v"}});
  EXPECT_EQ(read_file(folder / "a"), read_file(folder / "b"));
}

TEST(Safetensors, HeaderIsPaddedAndTensorsAreAligned) {
  const testing::TemporaryFolder folder;
  write_safetensors(folder / "f", one_of_each_type());
  const std::string bytes = read_file(folder / "f");
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  EXPECT_EQ(length % 8, 0u);
  const nlohmann::json header = nlohmann::json::parse(bytes.substr(8, length));
  for (const auto& [name, entry] : header.items())
    EXPECT_EQ(
        entry["data_offsets"][0].get<uint64_t>() % find_element_type_named(entry["dtype"].get<std::string>())->size, 0u)
        << name;
}

TEST(Safetensors, TransposedViewsAreWrittenContiguously) {
  const testing::TemporaryFolder folder;
  StateDict state;
  state.add("t", at::arange(6, at::kFloat).reshape({2, 3}).t());
  write_safetensors(folder / "f", state);
  EXPECT_TRUE(at::equal(*read_safetensors(folder / "f").tensors.find("t"), *state.find("t")));
}

TEST(Safetensors, HeaderAloneHasShapesAndNoData) {
  const testing::TemporaryFolder folder;
  write_safetensors(folder / "f", one_of_each_type(), {{"k", "v"}});
  const TensorFile header = read_safetensors_header(folder / "f");
  EXPECT_EQ(header.tensors.names(), one_of_each_type().names());
  EXPECT_EQ(header.metadata.at("k"), "v");
  for (const auto& [name, tensor] : one_of_each_type()) {
    EXPECT_TRUE(header.tensors.find(name)->is_placeholder() || tensor.numel() == 0);
    EXPECT_EQ(header.tensors.find(name)->sizes(), tensor.sizes());
    EXPECT_EQ(header.tensors.find(name)->type(), tensor.type());
  }
}

TEST(Safetensors, WhatCannotBeWrittenIsAFormatErrorAndLeavesNoFile) {
  const testing::TemporaryFolder folder;
  const auto refuses = [&](const std::string& name, const Array& tensor) {
    StateDict state;
    state.add(name, tensor);
    EXPECT_THROW(write_safetensors(folder / "f", state), FormatError) << name;
    EXPECT_FALSE(std::filesystem::exists(folder / "f"));
  };
  refuses("undefined", Array());
  refuses("placeholder", Array::placeholder({1}));
  refuses("__metadata__", Array::zeros({1}));
  refuses("not utf-8 \xff", Array::zeros({1}));
  EXPECT_THROW(write_safetensors(folder / "f", {}, {{"k", "\xff"}}), FormatError);
  EXPECT_THROW(write_safetensors(folder / "absent" / "f", {}), IoError);
}

TEST(Safetensors, FilesThatAreNotThereAreIoErrors) {
  const testing::TemporaryFolder folder;
  EXPECT_THROW(read_safetensors(folder / "absent"), IoError);
  EXPECT_THROW(read_safetensors(folder.path()), IoError);
  EXPECT_THROW(read_safetensors_header("/dev/zero"), IoError);
}

TEST(SafetensorsHostile, EveryTruncationIsRefused) {
  const testing::TemporaryFolder folder;
  write_safetensors(folder / "f", one_of_each_type(), {{"k", "v"}});
  const testing::MemoryLimit limit(256);
  testing::expect_truncations_refused([](const std::string& b) { parse_safetensors(b, "x"); }, read_file(folder / "f"));
}

TEST(SafetensorsHostile, EveryFlipIsRefusedOrHarmless) {
  const testing::TemporaryFolder folder;
  write_safetensors(folder / "f", one_of_each_type(), {{"k", "v"}});
  const testing::MemoryLimit limit(256);
  const auto read = [](const std::string& bytes) {
    for (const auto& [name, tensor] : parse_safetensors(bytes, "x").tensors) tensor.clone();
  };
  EXPECT_GT(testing::refused_after_flips(read, read_file(folder / "f")), 5000u);
}

TEST(SafetensorsHostile, HeaderLengths) {
  const testing::MemoryLimit limit(256);
  for (const uint64_t length :
       {uint64_t{1} << 63, ~uint64_t{0}, ~uint64_t{0} - 7, uint64_t{100'000'001}, uint64_t{3}}) {
    const std::string bytes = std::string(reinterpret_cast<const char*>(&length), 8) + "{}";
    EXPECT_NE(refusal_of_safetensors(bytes).find("announces a header"), std::string::npos)
        << refusal_of_safetensors(bytes);
  }
  EXPECT_EQ(refusal_of_safetensors(file_with("{}", "")), "no error");
  EXPECT_EQ(refusal_of_safetensors(""), "'x' is not a safetensors file: it has fewer than 8 bytes");
}

TEST(SafetensorsHostile, NestedJson) {
  const testing::MemoryLimit limit(256);
  EXPECT_NE(message_of_json("{\"a\":" + std::string(1000000, '['), 0), "no error");
  std::string objects;
  for (int i = 0; i < 200000; ++i) objects += "{\"a\":";
  EXPECT_NE(message_of_json(objects, 0), "no error");
  EXPECT_NE(message_of_json(R"({"a":{"dtype":"U8","shape":[[1]],"data_offsets":[0,1]}})", 1), "no error");
}

TEST(SafetensorsHostile, Layouts) {
  const std::string a = R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]})";
  EXPECT_EQ(message_of_json(a + "}", 4), "no error");
  EXPECT_EQ(message_of_json(a + "}", 5), "'x' has 1 bytes after its last tensor");
  EXPECT_EQ(message_of_json(a + R"(,"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}})", 6),
            "'x' has tensor 'b' overlapping another one");
  EXPECT_EQ(message_of_json(a + R"(,"b":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})", 4),
            "'x' has tensor 'b' overlapping another one");
  EXPECT_EQ(message_of_json(a + R"(,"b":{"dtype":"U8","shape":[1],"data_offsets":[5,6]}})", 6),
            "'x' has tensor 'b' after bytes that belong to none");
  EXPECT_EQ(message_of_json(a + R"(,"a":{"dtype":"U8","shape":[1],"data_offsets":[4,5]}})", 5),
            "'x' names 'a' twice in its header");
  EXPECT_EQ(message_of_json(R"({"a":{"dtype":"U8","dtype":"U8","shape":[4],"data_offsets":[0,4]}})", 4),
            "'x' names 'dtype' twice in the header's entry 'a'");
  EXPECT_EQ(message_of_json(R"({"a":{"dtype":"F32","shape":[4],"data_offsets":[0,4]}})", 4),
            "'x' has tensor 'a' of 4 bytes where its shape and dtype F32 need 16");
  EXPECT_EQ(message_of_json(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[4,0]}})", 4),
            "'x' is truncated or damaged: tensor 'a' lies at bytes 4 to 0 of 4");
}

TEST(SafetensorsHostile, Shapes) {
  const testing::MemoryLimit limit(256);
  const auto with_shape = [](const std::string& shape) {
    return message_of_json(R"({"a":{"dtype":"F64","shape":)" + shape + R"(,"data_offsets":[0,0]}})", 0);
  };
  EXPECT_EQ(with_shape("[0]"), "no error");
  EXPECT_EQ(with_shape("[4294967296,4294967296]"), "'x' has tensor 'a' of an impossible shape");
  EXPECT_EQ(with_shape("[9223372036854775807,9223372036854775807,0]"), "'x' has tensor 'a' of an impossible shape");
  EXPECT_EQ(with_shape("[2305843009213693952]"), "'x' has tensor 'a' of an impossible shape");
  for (const char* shape :
       {"[18446744073709551615]", "[18446744073709551616]", "[-1]", "[1.5]", "[1e30]", "[null]", "[\"1\"]", "1", "{}"})
    EXPECT_NE(with_shape(shape).find("'x' has a header with"), std::string::npos) << shape << ": " << with_shape(shape);
  std::string long_shape = "[1";
  for (int i = 0; i < 64; ++i) long_shape += ",1";
  EXPECT_NE(with_shape(long_shape + "]").find("more than 64 numbers"), std::string::npos);
}

TEST(SafetensorsHostile, Fields) {
  EXPECT_EQ(message_of_json(R"({"a":{"dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4]}})", 4),
            "'x' has tensor 'a' of unknown dtype 'F8_E4M3'");
  EXPECT_EQ(message_of_json(R"({"a":{"dtype":"U8","shape":[4]}})", 4),
            "'x' has tensor 'a' without dtype, shape and data_offsets");
  EXPECT_EQ(message_of_json(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4],"x":1}})", 4),
            "'x' has tensor 'a' with an unknown field 'x'");
  EXPECT_NE(message_of_json(R"({"__metadata__":{"a":1}})", 0), "no error");
  EXPECT_NE(message_of_json(R"({"__metadata__":{"a":{}}})", 0), "no error");
  EXPECT_NE(message_of_json(R"({"__metadata__":[]})", 0), "no error");
  for (const char* json : {"[]", "1", "", " {}", "{", "{}}", "{\"a\"}", "{\"\xff\":1}"})
    EXPECT_NE(message_of_json(json, 0), "no error") << json;
}

TEST(SafetensorsHostile, TruthValuesAreZeroOrOne) {
  const std::string json = R"({"a":{"dtype":"BOOL","shape":[2],"data_offsets":[0,2]}})";
  EXPECT_EQ(refusal_of_safetensors(file_with(json, std::string("\0\1", 2))), "no error");
  EXPECT_EQ(refusal_of_safetensors(file_with(json, std::string("\0\2", 2))),
            "'x' has a truth value that is neither 0 nor 1 in 'a'");
}

}  // namespace
}  // namespace sscvae::serialization
