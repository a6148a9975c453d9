#include "sscvae/onnx/layouts.h"

#include "sscvae/array/array.h"

namespace sscvae::onnx {

namespace {

std::string transposed(NodeWriter& writer, const std::string& name, std::vector<int64_t> order) {
  return writer.add("Transpose", {name}, {{"perm", std::move(order)}});
}

}  // namespace

Layouts Layouts::of_blocks(std::string name, int64_t block, int64_t channels) {
  if (channels == 1) return of_maps(std::move(name));  // the two orders are the same
  Layouts layouts(&Layouts::blocks_, std::move(name));
  layouts.block_ = block;
  layouts.channels_ = channels;
  return layouts;
}

Layouts Layouts::of_constant(const Array& value) {
  Layouts layouts;
  layouts.constant_ = value;
  return layouts;
}

const std::string& Layouts::maps(NodeWriter& writer) {
  if (!maps_.empty()) return maps_;
  if (constant_.defined()) return maps_ = writer.constant(constant_, "map");
  if (!rows_.empty()) return maps_ = transposed(writer, rows_, {0, 3, 1, 2});
  const Array order = Array::range(block_ * channels_, kInt64).view({block_, channels_}).t().reshape({-1});
  return maps_ = writer.add("Gather", {blocks_, writer.constant(order, "order")}, {{"axis", int64_t{1}}});
}

const std::string& Layouts::rows(NodeWriter& writer) {
  if (!rows_.empty()) return rows_;
  if (constant_.defined()) return rows_ = writer.constant(constant_.permute({0, 2, 3, 1}), "row");
  return rows_ = transposed(writer, maps(writer), {0, 2, 3, 1});
}

Array Layouts::fitted(const Array& weight) const {
  if (!is_blocks()) return weight;
  return weight.view({weight.size(0), channels_, block_, weight.size(2), weight.size(3)})
      .transpose(1, 2)
      .reshape(weight.sizes());
}

}  // namespace sscvae::onnx
