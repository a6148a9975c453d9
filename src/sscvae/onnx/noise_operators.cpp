#include "sscvae/onnx/noise_operators.h"

#include <torch/types.h>

#include "sscvae/image/noise_level.h"

namespace sscvae::onnx {

namespace {

using Integers = std::vector<int64_t>;

using image::NoiseFilters;

/// 1 where a filter sees no pixel of exactly 0 or 1, else 0; all 1 where that would leave too few: -> [N,1,h,w].
std::string unsaturated(NodeWriter& writer, const std::string& image, int64_t side) {
  const auto number = [&](const std::string& truth) { return writer.add("Cast", {truth}, {{"to", int64_t{1}}}); };
  const std::string one = writer.number(1, "white");
  const std::string black = writer.add("Equal", {image, writer.number(0, "black")});
  const std::string extreme = number(writer.add("Or", {black, writer.add("Equal", {image, one})}));
  const std::string saturated = writer.add("ReduceMax", {extreme}, {{"axes", Integers{1}}});
  const std::string seen = writer.add(
      "MaxPool", {saturated},
      {{"kernel_shape", Integers{side, side}}, {"strides", Integers{NoiseFilters::kStride, NoiseFilters::kStride}}});
  const std::string clear = writer.add("Sub", {one, seen});
  const std::string count =
      writer.add("ReduceSum", {clear, writer.integers({2, 3}, "positions")}, {{"keepdims", int64_t{1}}});
  const std::string few = writer.add("Less", {count, writer.number(NoiseFilters::kFewest, "fewest")});
  return writer.add("Max", {clear, number(few)});
}

/// Sizes of the responses of images of 16 pixels and more: [N,C,H,W] -> [N,C,responses].
std::string details(NodeWriter& writer, const std::string& image, int64_t channels) {
  const at::Tensor filters = image::noise_filters(16, 16).filters;
  const int64_t side = filters.size(2), stride = NoiseFilters::kStride;
  const std::string detail =
      writer.add("Conv", {image, writer.constant(filters.repeat({channels, 1, 1, 1}), "cosines")},
                 {{"kernel_shape", Integers{side, side}}, {"strides", Integers{stride, stride}}, {"group", channels}});
  const std::string size = writer.add("Mul", {writer.add("Abs", {detail}), unsaturated(writer, image, side)});
  return writer.add("Reshape", {size, writer.integers({0, channels, -1}, "flat")});
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
  const std::string responses = writer.add("Shape", {detail}, {{"start", int64_t{2}}, {"end", int64_t{3}}});
  // What is flat in all channels leads the sorted ones; the median is that of the others.
  const std::string largest = writer.add("ReduceMax", {detail}, {{"axes", Integers{1}}});  // [N,1,responses]
  const std::string used =
      writer.add("Cast", {writer.add("Greater", {largest, writer.number(NoiseFilters::kFlat, "flat")})},
                 {{"to", int64_t{7}}});                                                        // int64
  const std::string count = writer.add("ReduceSum", {used, two}, {{"keepdims", int64_t{1}}});  // [N,1,1]
  const std::string middle = writer.add("Div", {writer.add("Sub", {count, one}), two});
  const std::string index = writer.add("Add", {writer.add("Sub", {responses, count}), middle});
  const std::string last = writer.add("Sub", {responses, one});  // where nothing is used: a 0 as well
  const std::string limited = writer.add("Min", {index, last});
  const std::string shape = writer.integers({1, channels, 1}, "channels");
  const std::string indices = writer.add("Expand", {limited, shape});
  const std::string order = sorted(writer, detail, responses, 2);
  const std::string medians = writer.add("GatherElements", {order, indices}, {{"axis", int64_t{2}}});  // [N,C,1]
  const std::string ranked = sorted(writer, medians, writer.integers({channels}, "count"), 1);
  const std::string median =
      writer.add("Gather", {ranked, writer.integers({(channels - 1) / 2}, "median")}, {{"axis", int64_t{1}}});
  const std::string sigma = writer.add("Div", {median, writer.number(NoiseFilters::kNormal, "normal")});
  return writer.add("Unsqueeze", {sigma, writer.integers({3}, "axis")});  // [N,1,1,1]
}

}  // namespace sscvae::onnx
