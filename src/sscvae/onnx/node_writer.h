#pragma once

#include <map>
#include <set>

#include "sscvae/array/array.h"
#include "sscvae/onnx/onnx_format.h"

namespace sscvae::onnx {

/// Appends operators and constants to a model. What an operator makes has the operator's name.
class NodeWriter {
 public:
  /// Where in the network the next operators sit: the beginning of their names ("_encoder._conv_1").
  void enter(const std::string& place) { place_ = place; }

  /// An operator with one output, whose name is returned; it ends in `what` or, where that is empty, in the type.
  std::string add(const std::string& type, std::vector<std::string> inputs, std::vector<Attribute> attributes = {},
                  const std::string& what = "");
  /// A constant, float32 or int64; `what` ends its name.
  std::string constant(const Array& value, const std::string& what);
  std::string number(double value, const std::string& what);
  std::string integers(const std::vector<int64_t>& values, const std::string& what);

  /// Makes a value an output of the model, which gives it the output's name throughout. Constants, and values that are
  /// an output already, are copied.
  void expose(const std::string& value, const ValueInfo& output);

  Model model;

 private:
  std::string unique(const std::string& what);

  std::string place_;
  std::set<std::string> taken_;
  std::map<std::string, std::string> exposed_;  ///< the value's first name -> the output's
};

}  // namespace sscvae::onnx
