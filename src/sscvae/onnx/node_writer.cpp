#include "sscvae/onnx/node_writer.h"

#include <algorithm>

#include "sscvae/array/array.h"

namespace sscvae::onnx {

std::string NodeWriter::add(const std::string& type, std::vector<std::string> inputs, std::vector<Attribute> attributes,
                            const std::string& what) {
  const std::string name = unique(what.empty() ? type : what);
  model.operators.push_back({type, name, std::move(inputs), {name}, std::move(attributes)});
  return name;
}

std::string NodeWriter::constant(const Array& value, const std::string& what) {
  model.initializers.push_back({unique(what), value.contiguous()});
  return model.initializers.back().name;
}

std::string NodeWriter::number(double value, const std::string& what) { return constant(Array::scalar(value), what); }

std::string NodeWriter::integers(const std::vector<int64_t>& values, const std::string& what) {
  return constant(Array::of(values), what);
}

void NodeWriter::expose(const std::string& value, const ValueInfo& output) {
  model.outputs.push_back(output);
  const auto maker = std::find_if(model.operators.begin(), model.operators.end(),
                                  [&](const Operator& op) { return op.outputs.front() == value; });
  if (maker == model.operators.end()) {
    const auto other = exposed_.find(value);
    add("Identity", {other == exposed_.end() ? value : other->second});
    model.operators.back().outputs = {output.name};
    return;
  }
  exposed_[value] = output.name;
  for (Operator& op : model.operators) {
    std::replace(op.inputs.begin(), op.inputs.end(), value, output.name);
    std::replace(op.outputs.begin(), op.outputs.end(), value, output.name);
  }
}

std::string NodeWriter::unique(const std::string& what) {
  const std::string name = place_ + "/" + what;
  std::string candidate = name;
  for (int i = 2; !taken_.insert(candidate).second; ++i) candidate = name + "_" + std::to_string(i);
  return candidate;
}

}  // namespace sscvae::onnx
