#include "sscvae/onnx/lista_operators.h"

#include <functional>

#include "sscvae/array/array.h"
#include "sscvae/array/elementwise.h"
#include "sscvae/array/products.h"

namespace sscvae::onnx {

namespace {

using Shrinkage = std::function<std::string(const std::string&)>;

/// relu(v - theta) - relu(-theta - v), which is the shrinkage where theta >= 0.
Shrinkage positive_shrinkage(NodeWriter& writer, const std::string& threshold) {
  const std::string negative = writer.add("Neg", {threshold});
  return [&writer, threshold, negative](const std::string& v) {
    const std::string above = writer.add("Relu", {writer.add("Sub", {v, threshold})});
    return writer.add("Sub", {above, writer.add("Relu", {writer.add("Sub", {negative, v})})});
  };
}

/// sign(v) relu(|v| - theta), see nn::soft_threshold. The sign is clamp(1e30 v, -1, 1), which differs below 1e-30 only:
/// the Sign of ONNX Runtime 1.32 takes three times as long, on one thread.
Shrinkage signed_shrinkage(NodeWriter& writer, const std::string& threshold) {
  const std::string huge = writer.number(1e30, "huge"), low = writer.number(-1, "low"), high = writer.number(1, "high");
  return [&writer, threshold, huge, low, high](const std::string& v) {
    const std::string excess = writer.add("Relu", {writer.add("Sub", {writer.add("Abs", {v}), threshold})});
    return writer.add("Mul", {excess, writer.add("Clip", {writer.add("Mul", {v, huge}), low, high})});
  };
}

/// The names of the constant or product of each step, or one for all steps.
const std::string& of_step(const std::vector<std::string>& names, int64_t step) {
  return names.size() == 1 ? names.front() : names.at(static_cast<size_t>(step));
}

/// Steps first ... last - 1: z' = shrink(z S^T + filtered).
std::string iterate(NodeWriter& writer, std::string code, const std::vector<std::string>& filtered,
                    const std::vector<std::string>& inhibitions, int64_t first, int64_t last, const Shrinkage& shrink) {
  for (int64_t step = first; step < last; ++step) {
    const std::string inhibited = writer.add("MatMul", {code, of_step(inhibitions, step)});
    code = shrink(writer.add("Add", {inhibited, of_step(filtered, step)}));
  }
  return code;
}

std::string tied(NodeWriter& writer, const graph::SparseCode& op, const std::string& features,
                 const Shrinkage& shrink) {
  const std::string filter = writer.constant(op.dictionary / op.lipschitz, "filter");
  const std::string filtered = writer.add("MatMul", {features, filter});
  const bool projected = op.initial_code == graph::InitialCode::kProjected;
  const std::string start =
      projected ? writer.add("Mul", {filtered, writer.constant(op.lipschitz, "lipschitz")}) : filtered;
  const std::string code = shrink(start);
  const int64_t first = projected ? 0 : 1;  // from zero, the start is the first step already
  if (op.num_iterations <= first) return code;
  const Array inhibition = Array::identity(op.dictionary.size(1)) - mm(op.dictionary.t(), op.dictionary) / op.lipschitz;
  return iterate(writer, code, {filtered}, {writer.constant(inhibition.t(), "inhibition")}, first, op.num_iterations,
                 shrink);
}

std::string untied(NodeWriter& writer, const graph::SparseCode& op, const std::string& features,
                   const Shrinkage& shrink) {
  std::vector<std::string> filtered, inhibitions;
  for (const Array& filter : op.filters)
    filtered.push_back(writer.add("MatMul", {features, writer.constant(filter.t(), "filter")}));
  const std::string code = shrink(filtered.front());
  if (op.num_iterations == 1) return code;
  for (size_t i = 0; i < op.inhibitions.size(); ++i)  // the first of several would be applied to zeros
    inhibitions.push_back(i == 0 && op.inhibitions.size() > 1 ? ""
                                                              : writer.constant(op.inhibitions[i].t(), "inhibition"));
  return iterate(writer, code, filtered, inhibitions, 1, op.num_iterations, shrink);
}

}  // namespace

std::string add_lista(NodeWriter& writer, const graph::SparseCode& op, Layouts& features, Layouts& threshold,
                      bool never_negative) {
  const std::string& rows = features.rows(writer);
  const bool from_zero = !op.filters.empty() || op.initial_code == graph::InitialCode::kZero;
  if (from_zero && op.num_iterations == 0) {
    const std::string correlations = writer.add("MatMul", {rows, writer.constant(op.dictionary, "dictionary")});
    return writer.add("Mul", {correlations, writer.number(0, "zero")});
  }
  const Shrinkage shrink = never_negative ? positive_shrinkage(writer, threshold.rows(writer))
                                          : signed_shrinkage(writer, threshold.rows(writer));
  return op.filters.empty() ? tied(writer, op, rows, shrink) : untied(writer, op, rows, shrink);
}

}  // namespace sscvae::onnx
