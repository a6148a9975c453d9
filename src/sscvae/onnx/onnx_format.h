#pragma once

#include <filesystem>
#include <ostream>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "sscvae/array/array.h"

/// The bytes of ONNX files: a ModelProto protocol buffer with its weights inside. Equal models give equal bytes.
/// Source: onnx/onnx.proto, IR version 8; operators of the default domain, opset 17.
namespace sscvae::onnx {

inline constexpr int64_t kIrVersion = 8, kOpset = 17;
/// What a protocol buffer holds at most, in bytes.
inline constexpr uint64_t kLargestFile = (uint64_t{1} << 31) - 1;

/// AttributeProto: an integer, a real number, a text or integers.
struct Attribute {
  std::string name;
  std::variant<int64_t, float, std::string, std::vector<int64_t>> value;
};

/// NodeProto: one operator. An empty input is one that is left out.
struct Operator {
  std::string type;  ///< "Conv"
  std::string name;
  std::vector<std::string> inputs, outputs;
  std::vector<Attribute> attributes;
};

/// TensorProto: a constant, float32 or int64, on the CPU.
struct Initializer {
  std::string name;
  Array value;
};

/// A size, or the name of one that is open.
using Dimension = std::variant<int64_t, std::string>;

/// ValueInfoProto of a float32 tensor.
struct ValueInfo {
  std::string name;
  std::vector<Dimension> shape;
};

struct Model {
  std::string name;              ///< of the graph
  std::string producer_version;  ///< of this program
  std::string description;
  std::vector<Operator> operators;  ///< each after those that make its inputs
  std::vector<Initializer> initializers;
  std::vector<ValueInfo> inputs, outputs;
  std::vector<std::pair<std::string, std::string>> metadata;
};

/// The length of the file in bytes.
uint64_t size_of(const Model& model);

/// Errors: UsageError above kLargestFile, before anything is written.
void write_onnx(std::ostream& out, const Model& model);
/// Whole or not at all. Errors: also IoError.
void write_onnx(const std::filesystem::path& path, const Model& model);

}  // namespace sscvae::onnx
