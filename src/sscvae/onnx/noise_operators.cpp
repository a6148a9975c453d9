#include "sscvae/onnx/noise_operators.h"

#include <torch/types.h>

namespace sscvae::onnx {

namespace {

using Integers = std::vector<int64_t>;

/// |a - b - c + e| / 2 of each 2x2 block: [N,C,H,W] -> [N,C,blocks].
std::string details(NodeWriter& writer, const std::string& image, int64_t channels) {
  const at::Tensor haar = torch::tensor({0.5f, -0.5f, -0.5f, 0.5f}).reshape({1, 1, 2, 2}).repeat({channels, 1, 1, 1});
  const std::string detail =
      writer.add("Conv", {image, writer.constant(haar, "haar")},
                 {{"kernel_shape", Integers{2, 2}}, {"strides", Integers{2, 2}}, {"group", channels}});
  return writer.add("Reshape", {writer.add("Abs", {detail}), writer.integers({0, channels, -1}, "flat")});
}

/// Values in rising order along an axis of `count` (a tensor of one number) entries.
std::string sorted(NodeWriter& writer, const std::string& values, const std::string& count, int64_t axis) {
  const std::string name =
      writer.add("TopK", {values, count}, {{"axis", axis}, {"largest", int64_t{0}}, {"sorted", int64_t{1}}});
  writer.model.operators.back().outputs.push_back(name + "_indices");
  return name;
}

}  // namespace

std::string add_noise_estimate(NodeWriter& writer, const std::string& image, int64_t channels) {
  const std::string detail = details(writer, image, channels);
  const std::string one = writer.integers({1}, "one"), two = writer.integers({2}, "two");
  const std::string blocks = writer.add("Shape", {detail}, {{"start", int64_t{2}}, {"end", int64_t{3}}});
  // Blocks without detail in all channels lead the sorted ones; the median is that of the others.
  const std::string largest = writer.add("ReduceMax", {detail}, {{"axes", Integers{1}}});  // [N,1,blocks]
  const std::string used =
      writer.add("Cast", {writer.add("Greater", {largest, writer.number(0, "zero")})}, {{"to", int64_t{7}}});  // int64
  const std::string count = writer.add("ReduceSum", {used, two}, {{"keepdims", int64_t{1}}});  // [N,1,1]
  const std::string middle = writer.add("Div", {writer.add("Sub", {count, one}), two});
  const std::string index = writer.add("Add", {writer.add("Sub", {blocks, count}), middle});
  const std::string last = writer.add("Sub", {blocks, one});  // where no block is used: a 0 as well
  const std::string limited = writer.add("Min", {index, last});
  const std::string shape = writer.integers({1, channels, 1}, "channels");
  const std::string indices = writer.add("Expand", {limited, shape});
  const std::string order = sorted(writer, detail, blocks, 2);
  const std::string medians = writer.add("GatherElements", {order, indices}, {{"axis", int64_t{2}}});  // [N,C,1]
  const std::string ranked = sorted(writer, medians, writer.integers({channels}, "count"), 1);
  const std::string median =
      writer.add("Gather", {ranked, writer.integers({(channels - 1) / 2}, "median")}, {{"axis", int64_t{1}}});
  const std::string sigma = writer.add("Div", {median, writer.number(0.6745, "normal")});
  return writer.add("Unsqueeze", {sigma, writer.integers({3}, "axis")});  // [N,1,1,1]
}

}  // namespace sscvae::onnx
