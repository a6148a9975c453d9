#include "sscvae/onnx/noise_operators.h"

#include <limits>

#include "sscvae/array/array.h"
#include "sscvae/array/selection.h"
#include "sscvae/image/noise_level.h"
#include "sscvae/image/temper.h"

namespace sscvae::onnx {

namespace {

using Integers = std::vector<int64_t>;

using image::NoiseFilters;
using image::TemperRule;

constexpr int64_t kFloatType = 1, kIntegerType = 7;

std::string cast(NodeWriter& writer, const std::string& value, int64_t type) {
  return writer.add("Cast", {value}, {{"to", type}});
}

/// 1 where a pixel is exactly 0 or 1 in any channel, else 0: -> [N,1,H,W].
std::string saturated(NodeWriter& writer, const std::string& image) {
  const std::string black = writer.add("Equal", {image, writer.number(0, "black")});
  const std::string white = writer.add("Equal", {image, writer.number(1, "white")});
  return writer.add("ReduceMax", {cast(writer, writer.add("Or", {black, white}), kFloatType)}, {{"axes", Integers{1}}});
}

/// 1 where a filter sees no saturated pixel, else 0: [N,1,h,w].
std::string unsaturated(NodeWriter& writer, const std::string& saturation, int64_t side) {
  const std::string seen = writer.add(
      "MaxPool", {saturation},
      {{"kernel_shape", Integers{side, side}}, {"strides", Integers{NoiseFilters::kStride, NoiseFilters::kStride}}});
  return writer.add("Sub", {writer.number(1, "one"), seen});
}

/// The same; all 1 where that leaves too few.
std::string enough_of(NodeWriter& writer, const std::string& clear) {
  const std::string count =
      writer.add("ReduceSum", {clear, writer.integers({2, 3}, "positions")}, {{"keepdims", int64_t{1}}});
  const std::string few = writer.add("Less", {count, writer.number(NoiseFilters::kFewest, "fewest")});
  return writer.add("Max", {clear, cast(writer, few, kFloatType)});
}

/// Responses of images of kSmallest pixels and more: [N,C,H,W] -> [N,C F,h,w].
std::string responses(NodeWriter& writer, const std::string& image, int64_t channels, const Array& filters) {
  const int64_t side = filters.size(2), stride = NoiseFilters::kStride;
  return writer.add(
      "Conv", {image, writer.constant(repeat(filters, {channels, 1, 1, 1}), "cosines")},
      {{"kernel_shape", Integers{side, side}}, {"strides", Integers{stride, stride}}, {"group", channels}});
}

/// Values in rising order along an axis of `count` (a tensor of one number) entries.
std::string sorted(NodeWriter& writer, const std::string& values, const std::string& count, int64_t axis) {
  const std::string name =
      writer.add("TopK", {values, count}, {{"axis", axis}, {"largest", int64_t{0}}, {"sorted", int64_t{1}}});
  writer.model.operators.back().outputs.push_back(name + "_indices");
  return name;
}

/// How many are true of [N,1,h,w], int64 [N,1,1,1].
std::string count_of(NodeWriter& writer, const std::string& truth) {
  return writer.add("ReduceSum", {cast(writer, truth, kIntegerType), writer.integers({2, 3}, "positions")},
                    {{"keepdims", int64_t{1}}});
}

std::string window_mean(NodeWriter& writer, const std::string& map) {
  constexpr int64_t window = NoiseFilters::kWindow, step = NoiseFilters::kWindowStep;
  return writer.add("AveragePool", {map},
                    {{"kernel_shape", Integers{window, window}},
                     {"strides", Integers{step, step}},
                     {"pads", Integers{0, 0, window - 1, window - 1}},
                     {"count_include_pad", int64_t{1}}});
}

/// Of values in rising order [N,C,n] the one at `index` [N,1,1]: [N,C,1].
std::string taken(NodeWriter& writer, const std::string& ordered, const std::string& index, int64_t channels) {
  const std::string indices = writer.add("Expand", {index, writer.integers({1, channels, 1}, "channels")});
  return writer.add("GatherElements", {ordered, indices}, {{"axis", int64_t{2}}});
}

/// 1 where no filter answers in any channel, else 0: [N,1,h,w].
std::string silent(NodeWriter& writer, const std::string& response) {
  const std::string largest = writer.add("ReduceMax", {writer.add("Abs", {response})}, {{"axes", Integers{1}}});
  return cast(writer, writer.add("Less", {largest, writer.number(NoiseFilters::kFlat, "flat")}), kFloatType);
}

/// `clear` without positions that no filter answers to, unless they are half of all.
std::string answering(NodeWriter& writer, const std::string& response, const std::string& clear) {
  const auto total = [&](const std::string& map) {
    return writer.add("ReduceSum", {map, writer.integers({2, 3}, "positions")}, {{"keepdims", int64_t{1}}});
  };
  const std::string flat = writer.add("Mul", {silent(writer, response), clear});
  const std::string twice = writer.add("Mul", {total(flat), writer.number(2, "two")});
  const std::string few = cast(writer, writer.add("Less", {twice, total(clear)}), kFloatType);
  return writer.add("Sub", {clear, writer.add("Mul", {flat, few})});
}

struct WindowEstimate {
  std::string variance;  ///< of each channel [N,C,1]
  std::string enough;    ///< are there windows enough? [N,1,1]
};

/// As energy_of in image/noise_level.cpp: [N,C F,h,w] -> [N,C,h,w].
std::string energy_of(NodeWriter& writer, const std::string& squares, int64_t channels, int64_t filters) {
  const double others = static_cast<double>(filters - 1);
  Array weights = Array::zeros({2, filters, 1, 1});  // the first one; the mean of the others
  weights.select(0, 0).select(0, 0).fill_(1);
  weights.select(0, 1).narrow(0, 1, filters - 1).fill_(1 / others);
  const auto part = [&](int64_t i, const char* name) {
    const Array of_channels = repeat(weights.narrow(0, i, 1), {channels, 1, 1, 1});
    return writer.add("Conv", {squares, writer.constant(of_channels, name)},
                      {{"kernel_shape", Integers{1, 1}}, {"group", channels}});
  };
  const std::string rest = part(1, "rest");
  const std::string most = writer.add("Mul", {rest, writer.number(NoiseFilters::kMostOfFirst, "most")});
  const std::string first = writer.add("Min", {part(0, "first"), most});
  const std::string sum = writer.add("Add", {first, writer.add("Mul", {rest, writer.number(others, "others")})});
  return writer.add("Div", {sum, writer.number(others + 1, "filters")});
}

/// Responses of filters [N,C F,h,w]; masks [N,1,h,w] of positions that see no saturated pixel, and of those that count.
struct Responses {
  std::string response, unsaturated, clear;
  int64_t channels, filters, side;
};

Responses responses_to(NodeWriter& writer, const std::string& image, const std::string& saturation, int64_t channels,
                       const Array& filters) {
  const std::string free = unsaturated(writer, saturation, filters.size(2));
  return {responses(writer, image, channels, filters),
          free,
          enough_of(writer, free),
          channels,
          filters.size(0),
          filters.size(2)};
}

/// As largest_variance in image/noise_level.cpp: [N,C,1].
std::string largest_variance(NodeWriter& writer, const Responses& all) {
  const std::string counted = answering(writer, all.response, all.clear);
  const std::string squares = writer.add("Mul", {all.response, all.response});
  const std::string energy = energy_of(writer, squares, all.channels, all.filters);
  const int64_t reach = all.side / NoiseFilters::kStride - 1, side = 2 * reach + 1;
  const std::string left_out = writer.add("Sub", {all.clear, counted});
  const std::string beside =
      writer.add("MaxPool", {left_out},
                 {{"kernel_shape", Integers{side, side}}, {"strides", Integers{1, 1}}, {"pads", Integers(4, reach)}});
  const std::string one = writer.number(1, "one");
  const std::string used = writer.add(
      "Greater", {writer.add("Mul", {counted, writer.add("Sub", {one, beside})}), writer.number(0.5, "half")});
  const std::string values = writer.add("Reshape", {writer.add("Where", {used, energy, writer.number(1e9, "unused")}),
                                                    writer.integers({0, all.channels, -1}, "flat")});
  const auto place = [&](const std::string& count) {
    const std::string before =
        writer.add("Max", {writer.add("Sub", {count, writer.integers({1}, "one")}), writer.integers({0}, "zero")});
    const std::string share = writer.number(NoiseFilters::kCalmest, "calmest");
    return cast(writer, writer.add("Mul", {cast(writer, before, kFloatType), share}), kIntegerType);
  };
  const std::string index = place(writer.add("Squeeze", {count_of(writer, used), writer.integers({3}, "axis")}));
  const std::string positions = writer.add("Shape", {values}, {{"start", int64_t{2}}, {"end", int64_t{3}}});
  const std::string most = writer.add("Add", {place(positions), writer.integers({1}, "one")});
  return writer.add("Div", {taken(writer, sorted(writer, values, most, 2), index, all.channels),
                            writer.number(NoiseFilters::kCalmestBias, "bias")});
}

WindowEstimate by_windows(NodeWriter& writer, const Responses& all) {
  const int64_t channels = all.channels;
  const std::string counted = answering(writer, all.response, all.clear), share = window_mean(writer, counted);
  const std::string squares = writer.add("Mul", {all.response, all.response});
  const std::string means = writer.add("Div", {window_mean(writer, writer.add("Mul", {squares, counted})),
                                               writer.add("Max", {share, writer.number(1e-6, "least")})});
  const std::string mean = energy_of(writer, means, channels, all.filters);
  const std::string used = writer.add("Greater", {share, writer.number(0.5, "half")});
  const std::string values = writer.add("Reshape", {writer.add("Where", {used, mean, writer.number(1e9, "unused")}),
                                                    writer.integers({0, channels, -1}, "flat")});
  const std::string count = writer.add("Squeeze", {count_of(writer, used), writer.integers({3}, "axis")});  // [N,1,1]
  const std::string last =
      writer.add("Max", {writer.add("Sub", {count, writer.integers({1}, "one")}), writer.integers({0}, "zero")});
  const std::string index =
      cast(writer, writer.add("Mul", {cast(writer, last, kFloatType), writer.number(NoiseFilters::kQuiet, "quiet")}),
           kIntegerType);
  const std::string windows = writer.add("Shape", {values}, {{"start", int64_t{2}}, {"end", int64_t{3}}});
  const std::string energy_taken = taken(writer, sorted(writer, values, windows, 2), index, channels);
  return {writer.add("Div", {energy_taken, writer.number(NoiseFilters::kQuietBias, "bias")}),
          writer.add("Not", {writer.add("Less", {count, writer.integers({NoiseFilters::kFewestWindows}, "fewest")})})};
}

/// 0 for a page in black and white (is_page in image/noise_level.cpp), else 1: [N,1,1,1].
std::string unless_page(NodeWriter& writer, const std::string& response, const std::string& clear) {
  const std::string share = window_mean(writer, clear);
  const auto is_few = [&](const std::string& count) {
    return writer.add("Less", {count, writer.integers({NoiseFilters::kFewestWindows}, "fewest")});
  };
  const std::string all =
      writer.add("Size", {writer.add("Slice", {share, writer.integers({0}, "first"), writer.integers({1}, "second"),
                                               writer.integers({0}, "batch")})});
  const std::string free = count_of(writer, writer.add("Greater", {share, writer.number(0.5, "half")}));
  const std::string paper = writer.add("ReduceMean", {silent(writer, response)}, {{"axes", Integers{2, 3}}});
  const std::string little = writer.add("Less", {paper, writer.number(NoiseFilters::kSilent, "silent")});
  const std::string noise =
      writer.add("Or", {is_few(all), writer.add("Or", {writer.add("Not", {is_few(free)}), little})});
  return cast(writer, noise, kFloatType);
}

/// The deviation of each channel by single responses [N,C,1].
std::string by_responses(NodeWriter& writer, const std::string& response, const std::string& clear, int64_t channels) {
  const std::string sizes = writer.add("Reshape", {writer.add("Mul", {writer.add("Abs", {response}), clear}),
                                                   writer.integers({0, channels, -1}, "flat")});
  const std::string one = writer.integers({1}, "one"), two = writer.integers({2}, "two");
  const std::string total = writer.add("Shape", {sizes}, {{"start", int64_t{2}}, {"end", int64_t{3}}});
  // What is flat in all channels leads the sorted ones; the median is that of the others.
  const std::string largest = writer.add("ReduceMax", {sizes}, {{"axes", Integers{1}}});  // [N,1,responses]
  const std::string used =
      cast(writer, writer.add("Greater", {largest, writer.number(NoiseFilters::kFlat, "flat")}), kIntegerType);
  const std::string count = writer.add("ReduceSum", {used, two}, {{"keepdims", int64_t{1}}});  // [N,1,1]
  const std::string middle = writer.add("Div", {writer.add("Sub", {count, one}), two});
  const std::string index = writer.add("Add", {writer.add("Sub", {total, count}), middle});
  const std::string last = writer.add("Sub", {total, one});  // where nothing is used: a 0 as well
  const std::string limited = writer.add("Min", {index, last});
  return writer.add("Div", {taken(writer, sorted(writer, sizes, total, 2), limited, channels),
                            writer.number(NoiseFilters::kNormal, "normal")});
}

/// 1 for images of kSmallest pixels and more [N,1,1,1]; others, whose estimate would need other filters, stop the
/// runtime with an error that names this node. No value of an image makes it 0.
std::string large_enough(NodeWriter& writer, const std::string& image) {
  constexpr int64_t side = NoiseFilters::kSmallest;
  const std::string corner =
      writer.add("Slice", {image, writer.integers({0, 0}, "begin"), writer.integers({side, side}, "end"),
                           writer.integers({2, 3}, "positions")});
  const std::string square =
      writer.add("Reshape", {corner, writer.integers({0, 0, side, side}, "smallest")}, {}, "smallest_image");
  const std::string largest = writer.add("ReduceMax", {square}, {{"axes", Integers{1, 2, 3}}});
  const std::string none = writer.add("Less", {largest, writer.number(std::numeric_limits<float>::lowest(), "lowest")});
  return writer.add("Sub", {writer.number(1, "one"), cast(writer, none, kFloatType)});
}

/// The mean over a window, over what there is of it at the edges.
std::string local_mean(NodeWriter& writer, const std::string& map) {
  constexpr int64_t radius = TemperRule::kRadius, side = 2 * radius + 1;
  return writer.add(
      "AveragePool", {map},
      {{"kernel_shape", Integers{side, side}}, {"pads", Integers(4, radius)}, {"strides", Integers{1, 1}}});
}

/// The square of a noise level in grey levels, without what is texture; and how far above it limits lie.
struct TemperLevel {
  std::string noise, loosened;
};

TemperLevel level_of(NodeWriter& writer, const std::string& grey_levels) {
  const std::string square = writer.add("Mul", {grey_levels, grey_levels});
  const double texture = TemperRule::kTextureInEstimates * TemperRule::kTextureInEstimates;
  const double unlimited = TemperRule::kUnlimited * TemperRule::kUnlimited;
  const std::string more = writer.add("Div", {square, writer.number(unlimited, "unlimited")});
  return {writer.add("Relu", {writer.add("Sub", {square, writer.number(texture, "texture")})}),
          writer.add("Add", {more, writer.number(1, "one")})};
}

}  // namespace

std::string add_noise_estimate(NodeWriter& writer, const std::string& image, int64_t channels) {
  const NoiseFilters how = image::noise_filters(NoiseFilters::kSmallest, NoiseFilters::kSmallest);
  const std::string saturation = saturated(writer, image);
  const Responses all = responses_to(writer, image, saturation, channels, how.filters);
  const Responses small = responses_to(writer, image, saturation, channels, how.small_filters);
  const WindowEstimate windows = by_windows(writer, all);
  const std::string most = writer.add("Min", {largest_variance(writer, all), largest_variance(writer, small)});
  const std::string by_energy = writer.add("Sqrt", {writer.add("Min", {windows.variance, most})});
  const std::string deviation =
      writer.add("Where", {windows.enough, by_energy, by_responses(writer, all.response, all.clear, channels)});
  const std::string ranked = sorted(writer, deviation, writer.integers({channels}, "count"), 1);
  const std::string median =
      writer.add("Gather", {ranked, writer.integers({(channels - 1) / 2}, "median")}, {{"axis", int64_t{1}}});
  const std::string sigma = writer.add("Unsqueeze", {median, writer.integers({3}, "axis")});  // [N,1,1,1]
  // Nothing can be said of an image that is black and white throughout.
  const std::string black_or_white = writer.add("ReduceMin", {saturation}, {{"axes", Integers{1, 2, 3}}});
  const std::string known = writer.add("Mul", {sigma, writer.add("Sub", {writer.number(1, "one"), black_or_white})});
  const std::string noise = writer.add("Mul", {known, unless_page(writer, all.response, all.unsaturated)});
  return writer.add("Mul", {noise, large_enough(writer, image)});
}

std::string add_temper(NodeWriter& writer, const std::string& image, const std::string& result,
                       const std::string& sigma) {
  const std::string one = writer.number(1, "one");
  const TemperLevel level = level_of(writer, writer.add("Mul", {sigma, writer.number(255, "grey_levels")}));
  const std::string change = writer.add("Sub", {result, image});
  const std::string black = writer.add("Equal", {image, writer.number(0, "black")});
  const std::string white = writer.add("Equal", {image, writer.number(1, "white")});
  const std::string uncut = cast(writer, writer.add("Not", {writer.add("Or", {black, white})}), kFloatType);
  const std::string energy = writer.add(
      "Mul", {writer.add("Mul", {level.noise, level.loosened}), writer.number(1.0 / (255.0 * 255.0), "units")});
  const std::string allowed = writer.add("Mul", {local_mean(writer, uncut), energy});
  const std::string made =
      writer.add("Max", {local_mean(writer, writer.add("Mul", {change, change})), writer.number(1e-12, "least")});
  const std::string share = writer.add("Min", {writer.add("Div", {allowed, made}), one});
  const std::string error = writer.number(TemperRule::kModelError * TemperRule::kModelError, "model_error");
  const std::string trust = writer.add("Div", {level.noise, writer.add("Add", {level.noise, error})});
  return writer.add("Add", {image, writer.add("Mul", {change, writer.add("Mul", {share, trust})})});
}

}  // namespace sscvae::onnx
