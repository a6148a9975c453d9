#include "sscvae/onnx/onnx_format.h"

#include "sscvae/array/array.h"
#include "sscvae/core/atomic_file.h"
#include "sscvae/core/error.h"
#include "sscvae/core/text.h"
#include "sscvae/serialization/protobuf.h"

namespace sscvae::onnx {

namespace {

using Message = serialization::ProtobufMessage;

// Field and type numbers of onnx.proto.
namespace model_field {
constexpr int kIrVersion = 1, kProducer = 2, kProducerVersion = 3, kDescription = 6, kGraph = 7, kOpset = 8,
              kMetadata = 14;
}
namespace graph_field {
constexpr int kNode = 1, kName = 2, kInitializer = 5, kInput = 11, kOutput = 12;
}
namespace node_field {
constexpr int kInput = 1, kOutput = 2, kName = 3, kType = 4, kAttribute = 5;
}
namespace attribute_field {
constexpr int kName = 1, kReal = 2, kInteger = 3, kText = 4, kIntegers = 8, kType = 20;
}
namespace tensor_field {
constexpr int kDims = 1, kType = 2, kName = 8, kRawData = 9;
}
namespace value_field {
constexpr int kName = 1, kType = 2, kTensor = 1, kElement = 1, kShape = 2, kDim = 1, kSize = 1, kSymbol = 2;
}
constexpr int kOpsetVersion = 2, kKey = 1, kValue = 2;
constexpr int kFloat = 1, kInt64 = 7;                             // TensorProto.DataType
constexpr int kReal = 1, kInteger = 2, kText = 3, kIntegers = 7;  // AttributeProto.AttributeType

/// Writes the value and gives its type.
struct AttributeWriter {
  Message& message;
  int operator()(int64_t value) const {
    message.present_number(attribute_field::kInteger, value);
    return kInteger;
  }
  int operator()(float value) const {
    message.real32(attribute_field::kReal, value);
    return kReal;
  }
  int operator()(const std::string& value) const {
    message.text(attribute_field::kText, value);
    return kText;
  }
  int operator()(const std::vector<int64_t>& values) const {
    for (const int64_t value : values) message.present_number(attribute_field::kIntegers, value);
    return kIntegers;
  }
};

Message attribute_message(const Attribute& attribute) {
  Message message;
  message.text(attribute_field::kName, attribute.name);
  const int type = std::visit(AttributeWriter{message}, attribute.value);
  return message.number(attribute_field::kType, type);
}

Message operator_message(const Operator& op) {
  Message message;
  for (const std::string& input : op.inputs) message.text(node_field::kInput, input);
  for (const std::string& output : op.outputs) message.text(node_field::kOutput, output);
  message.text(node_field::kName, op.name).text(node_field::kType, op.type);
  for (const Attribute& attribute : op.attributes)
    message.message(node_field::kAttribute, attribute_message(attribute));
  return message;
}

/// All of a tensor but its elements, which follow.
Message tensor_head(const Initializer& tensor) {
  SSCVAE_ASSERT(tensor.value.type() == DataType::kFloat32 || tensor.value.type() == DataType::kInt64);
  Message message;
  for (const int64_t size : tensor.value.sizes()) message.present_number(tensor_field::kDims, size);
  return message.number(tensor_field::kType, tensor.value.type() == DataType::kFloat32 ? kFloat : kInt64)
      .text(tensor_field::kName, tensor.name)
      .announce(tensor_field::kRawData, static_cast<uint64_t>(tensor.value.byte_count()));
}

Message value_message(const ValueInfo& value) {
  Message shape;
  for (const Dimension& dimension : value.shape) {
    Message dim;
    if (const int64_t* size = std::get_if<int64_t>(&dimension)) dim.present_number(value_field::kSize, *size);
    else dim.text(value_field::kSymbol, std::get<std::string>(dimension));
    shape.message(value_field::kDim, dim);
  }
  const Message tensor = Message().number(value_field::kElement, kFloat).message(value_field::kShape, shape);
  return Message()
      .text(value_field::kName, value.name)
      .message(value_field::kType, Message().message(value_field::kTensor, tensor));
}

/// Whatever surrounds the elements of the initializers, so that these are never copied.
struct Parts {
  std::string before_graph, before_tensors, after_tensors, after_graph;
  std::vector<std::string> tensor_heads;
  uint64_t size = 0;  ///< of the file
};

Parts parts_of(const Model& model) {
  Message before_tensors, after_tensors, before_graph, after_graph;
  for (const Operator& op : model.operators) before_tensors.message(graph_field::kNode, operator_message(op));
  before_tensors.text(graph_field::kName, model.name);
  for (const ValueInfo& input : model.inputs) after_tensors.message(graph_field::kInput, value_message(input));
  for (const ValueInfo& output : model.outputs) after_tensors.message(graph_field::kOutput, value_message(output));
  Parts parts{"", before_tensors.bytes(), after_tensors.bytes(), "", {}};
  uint64_t graph_size = parts.before_tensors.size() + parts.after_tensors.size();
  for (const Initializer& tensor : model.initializers) {
    const std::string head = tensor_head(tensor).bytes();
    const uint64_t elements = static_cast<uint64_t>(tensor.value.byte_count());
    parts.tensor_heads.push_back(Message().announce(graph_field::kInitializer, head.size() + elements).bytes() + head);
    graph_size += parts.tensor_heads.back().size() + elements;
  }
  before_graph.number(model_field::kIrVersion, kIrVersion)
      .text(model_field::kProducer, "sscvae")
      .text(model_field::kProducerVersion, model.producer_version)
      .text(model_field::kDescription, model.description)
      .announce(model_field::kGraph, graph_size);
  after_graph.message(model_field::kOpset, Message().number(kOpsetVersion, kOpset));
  for (const auto& [key, value] : model.metadata)
    after_graph.message(model_field::kMetadata, Message().text(kKey, key).text(kValue, value));
  parts.before_graph = before_graph.bytes();
  parts.after_graph = after_graph.bytes();
  parts.size = parts.before_graph.size() + graph_size + parts.after_graph.size();
  return parts;
}

void write(std::ostream& out, const Parts& parts, const std::vector<Initializer>& tensors) {
  out << parts.before_graph << parts.before_tensors;
  for (size_t i = 0; i < tensors.size(); ++i) {
    const Array value = tensors[i].value.contiguous();
    out << parts.tensor_heads[i];
    out.write(static_cast<const char*>(value.bytes()), value.byte_count());
  }
  out << parts.after_tensors << parts.after_graph;
}

Parts checked_parts(const Model& model) {
  Parts parts = parts_of(model);
  if (parts.size > kLargestFile)
    throw UsageError(format("model %s would take %.2f GB as ONNX, which holds 2 GB at most", model.name.c_str(),
                            static_cast<double>(parts.size) / double{1 << 30}));
  return parts;
}

}  // namespace

uint64_t size_of(const Model& model) { return parts_of(model).size; }

void write_onnx(std::ostream& out, const Model& model) { write(out, checked_parts(model), model.initializers); }

void write_onnx(const std::filesystem::path& path, const Model& model) {
  const Parts parts = checked_parts(model);
  write_atomically(path, [&](std::ostream& out) { write(out, parts, model.initializers); });
}

}  // namespace sscvae::onnx
