#include "sscvae/onnx/onnx_format.h"

#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <sstream>

#include "sscvae/core/atomic_file.h"
#include "sscvae/core/error.h"
#include "sscvae/nn/arrays.h"
#include "support/paths.h"

namespace sscvae::onnx {
namespace {

using namespace std::string_literals;

Model tiny() {
  Model model;
  model.name = "g";
  model.producer_version = "0.1";
  model.description = "d";
  model.operators = {{"Conv",
                      "a/Conv",
                      {"x", "w", ""},
                      {"y"},
                      {{"pads", std::vector<int64_t>{0, 1}}, {"axis", int64_t{0}}, {"mode", "CRD"}, {"e", 0.5f}}}};
  model.initializers = {{"w", at::tensor({1.0f, -2.0f}).view({1, 2})}, {"i", at::full({}, 3, at::kLong)}};
  model.inputs = {{"x", {"n", int64_t{3}}}};
  model.outputs = {{"y", {}}};
  model.metadata = {{"k", "v"}};
  return model;
}

std::string bytes_of(const Model& model) {
  std::ostringstream out;
  write_onnx(out, model);
  return out.str();
}

/// A protocol buffer's fields in order: number, and the text, or the bytes of the number as they stand.
struct Field {
  int number;
  std::string content;
};

uint64_t take_varint(std::string_view& bytes) {
  uint64_t value = 0;
  for (int shift = 0;; shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes.at(0));
    bytes.remove_prefix(1);
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
}

std::vector<Field> fields_of(std::string_view bytes) {
  std::vector<Field> fields;
  while (!bytes.empty()) {
    const uint64_t key = take_varint(bytes);
    std::string_view rest = bytes;
    size_t size = key % 8 == 5 ? 4 : 8;  // fixed 32 or 64 bits
    if (key % 8 == 0) {
      take_varint(rest);
      size = bytes.size() - rest.size();
    } else if (key % 8 == 2) {
      size = take_varint(bytes);
    }
    fields.push_back({static_cast<int>(key / 8), std::string(bytes.substr(0, size))});
    bytes.remove_prefix(size);
  }
  return fields;
}

/// The contents of all fields of that number.
std::vector<std::string> all(const std::string& message, int number) {
  std::vector<std::string> found;
  for (const Field& field : fields_of(message))
    if (field.number == number) found.push_back(field.content);
  return found;
}

TEST(OnnxFormat, TheBytesThatTheOnnxPackageWrites) {
  // onnx.ModelProto(...).SerializeToString() of the same content.
  EXPECT_EQ(bytes_of(tiny()),
            "\x08\x08\x12\x06sscvae\x1a\x03"s
            "0.1\x32\x01"
            "d\x3a\xa0\x01\x0a\x52\x0a\x01x\x0a\x01w\x0a\x00\x12\x01y\x1a\x06"s
            "a/Conv\"\x04"
            "Conv*\x0d\x0a\x04pads@\x00@\x01\xa0\x01\x07*\x0b\x0a\x04"s
            "axis\x18\x00\xa0\x01\x02*\x0e\x0a\x04mode\"\x03"s
            "CRD\xa0\x01\x03*\x0b\x0a\x01"
            "e\x15\x00\x00\x00\x3f\xa0\x01\x01\x12\x01g"s
            "*\x13\x08\x01\x08\x02\x10\x01"
            "B\x01wJ\x08\x00\x00\x80\x3f\x00\x00\x00\xc0"s
            "*\x0f\x10\x07"
            "B\x01iJ\x08\x03\x00\x00\x00\x00\x00\x00\x00"s
            "Z\x14\x0a\x01x\x12\x0f\x0a\x0d\x08\x01\x12\x09\x0a\x03\x12\x01n\x0a\x02\x08\x03"
            "b\x0b\x0a\x01y\x12\x06\x0a\x04\x08\x01\x12\x00"s
            "\x42\x02\x10\x11r\x06\x0a\x01k\x12\x01v");
}

TEST(OnnxFormat, AReaderFindsEveryTensor) {
  Model model = tiny();
  for (int i = 0; i < 300; ++i)
    model.initializers.push_back({"t" + std::to_string(i), at::full({i % 7, 3}, i, at::kFloat)});
  const std::string graph = all(bytes_of(model), 7).at(0);
  const std::vector<std::string> tensors = all(graph, 5);
  ASSERT_EQ(tensors.size(), 302u);
  for (size_t i = 0; i < tensors.size(); ++i) {
    EXPECT_EQ(all(tensors[i], 8).at(0), model.initializers[i].name);
    const at::Tensor& value = model.initializers[i].value;
    EXPECT_EQ(all(tensors[i], 9).at(0), std::string(static_cast<const char*>(value.const_data_ptr()), value.nbytes()));
    EXPECT_EQ(all(tensors[i], 1).size(), static_cast<size_t>(value.dim()));
  }
}

TEST(OnnxFormat, TensorsThatAreNotContiguousAreWrittenInOrder) {
  Model model = tiny(), plain = tiny();
  model.initializers[0].value = at::tensor({1.0f, 3.0f, 2.0f, 4.0f}).view({2, 2}).t();
  plain.initializers[0].value = at::tensor({1.0f, 2.0f, 3.0f, 4.0f}).view({2, 2});
  EXPECT_EQ(bytes_of(model), bytes_of(plain));
}

TEST(OnnxFormat, TheSizeIsKnownBeforehand) {
  EXPECT_EQ(size_of(tiny()), bytes_of(tiny()).size());
  const testing::TemporaryFolder folder;
  write_onnx(folder / "m.onnx", tiny());
  EXPECT_EQ(read_file(folder / "m.onnx"), bytes_of(tiny()));
}

TEST(OnnxFormat, MoreThanTwoGigabytesAreRefused) {
  const testing::TemporaryFolder folder;
  Model model = tiny();
  const uint64_t others = size_of(model) - 8;
  const auto with_elements = [&](int64_t count) {  // without the memory for them
    model.initializers[0].value = at::full({}, 1.0f).expand({1, count});
  };
  with_elements((int64_t{1} << 31) / 4);
  EXPECT_GT(size_of(model), kLargestFile);
  try {
    write_onnx(folder / "m.onnx", model);
    FAIL() << "was written";
  } catch (const UsageError& error) {
    EXPECT_STREQ(error.what(), "model g would take 2.00 GB as ONNX, which holds 2 GB at most");
  }
  EXPECT_FALSE(std::filesystem::exists(folder / "m.onnx"));
  with_elements((int64_t{1} << 31) / 4 - 64);
  EXPECT_LE(size_of(model), kLargestFile);
  EXPECT_GT(size_of(model), (uint64_t{1} << 31) - 256 + others);
}

}  // namespace
}  // namespace sscvae::onnx
