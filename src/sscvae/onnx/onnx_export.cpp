#include "sscvae/onnx/onnx_export.h"

#include <algorithm>

#include "sscvae/array/array.h"
#include "sscvae/array/elementwise.h"
#include "sscvae/array/reductions.h"
#include "sscvae/core/error.h"
#include "sscvae/core/text.h"
#include "sscvae/image/noise_level.h"
#include "sscvae/kernels/group_shrink.h"
#include "sscvae/onnx/fold.h"
#include "sscvae/onnx/layouts.h"
#include "sscvae/onnx/lista_operators.h"
#include "sscvae/onnx/node_writer.h"
#include "sscvae/onnx/noise_operators.h"

namespace sscvae::onnx {

using namespace graph;

namespace {

using Integers = std::vector<int64_t>;

/// C of the last input -> C of the value.
struct Channels {
  int64_t of_input;
  int64_t operator()(const Convolution& op) const { return op.weight.size(0); }
  int64_t operator()(const TransposedConvolution& op) const { return op.weight.size(1); }
  int64_t operator()(const PixelShuffle& op) const { return of_input / (op.factor * op.factor); }
  int64_t operator()(const PixelUnshuffle& op) const { return of_input * op.factor * op.factor; }
  int64_t operator()(const Constant& op) const { return op.map.size(1); }
  int64_t operator()(const SparseCode& op) const { return op.dictionary.size(1); }
  int64_t operator()(const NoiseLevel&) const { return 1; }
  int64_t operator()(const NoiseThreshold& op) const { return op.floor.size(0); }
  int64_t operator()(const NoiseShrinkage& op) const { return op.floor.size(0); }
  int64_t operator()(const GroupShrinkage& op) const { return op.floor.size(0); }
  template <class Other>
  int64_t operator()(const Other&) const {
    return of_input;
  }
};

Layouts as_maps(std::string name) { return Layouts::of_maps(std::move(name)); }

/// Operators for each node of a graph.
class Exporter {
 public:
  Exporter(const Graph& graph, bool tempered) : graph_(graph), tempered_(tempered) {}

  NodeWriter writer;

  void run() {
    for (const Node& node : graph_.nodes) {
      writer.enter(node.name);
      node_ = &node;
      values_.push_back(std::visit(*this, node.operation));
      const int64_t channels_before = node.inputs.empty() ? graph_.in_channels : channels(node.inputs.back());
      channels_.push_back(std::visit(Channels{channels_before}, node.operation));
    }
    for (const NamedValue& named : named_values())
      if (graph_.*named.value >= 0) expose(named, graph_.*named.value);
  }

  Layouts operator()(const Input&) {
    writer.model.inputs = {{"image", {"batch", graph_.in_channels, "height", "width"}}};
    return as_maps("image");
  }

  Layouts operator()(const Affine& op) {
    std::string x = maps(0);
    if (op.scale != 1) x = writer.add("Mul", {x, writer.number(op.scale, "scale")});
    if (op.shift != 0) x = writer.add("Add", {x, writer.number(op.shift, "shift")});
    return as_maps(x);
  }

  Layouts operator()(const PixelShuffle& op) {
    return as_maps(writer.add("DepthToSpace", {maps(0)}, {{"blocksize", op.factor}, {"mode", "CRD"}}));
  }

  Layouts operator()(const PixelUnshuffle& op) {
    const std::string blocks = writer.add("SpaceToDepth", {maps(0)}, {{"blocksize", op.factor}});
    return Layouts::of_blocks(blocks, op.factor * op.factor, channels(node_->inputs[0]));
  }

  Layouts operator()(const Convolution& op) {
    const bool pointwise =
        op.weight.size(2) == 1 && op.is_square() && op.stride == 1 && op.padding == 0 && op.groups == 1;
    if (pointwise && input(0).prefers_rows()) return Layouts::of_rows(product(op));
    const Array weight = input(0).fitted(op.weight);
    return as_maps(convolution(input(0).input(writer), weight, op));
  }

  Layouts operator()(const TransposedConvolution& op) {
    return as_maps(writer.add("ConvTranspose",
                              {maps(0), writer.constant(op.weight, "weight"), writer.constant(op.bias, "bias")},
                              {{"kernel_shape", Integers{2, 2}}, {"strides", Integers{2, 2}}}));
  }

  /// One operator instead of a product and a sum: statistics 0 and 1 leave scale and shift.
  Layouts operator()(const ChannelAffine& op) {
    const std::string zeros = writer.constant(zeros_like(op.scale), "mean");
    const std::string ones = writer.constant(ones_like(op.scale), "variance");
    return as_maps(
        writer.add("BatchNormalization",
                   {maps(0), writer.constant(op.scale, "scale"), writer.constant(op.shift, "shift"), zeros, ones},
                   {{"epsilon", 0.0f}}));
  }

  /// Means over rows of pixels, then over those of a group. InstanceNormalization would be one operator, but sums a
  /// whole group in float32 from end to end: off by up to 2e-4 for 8 channels of 320 x 512, and no faster in a whole
  /// pass.
  Layouts operator()(const GroupNorm& op) {
    const int64_t channels = op.weight.size(0);
    const std::string groups = writer.integers({0, op.groups, -1}, "groups"), shape = writer.add("Shape", {maps(0)});
    const std::string offset = mean_of_groups(maps(0), groups);
    const std::string centred = writer.add("Sub", {writer.add("Reshape", {maps(0), groups}), offset});
    const std::string centred_maps = writer.add("Reshape", {centred, shape});
    const std::string variance = mean_of_groups(writer.add("Mul", {centred_maps, centred_maps}), groups);
    const std::string shifted = writer.add("Add", {variance, writer.number(op.epsilon, "epsilon")});
    const Array weight = op.weight.reshape({1, op.groups, channels / op.groups});
    const std::string scale = writer.add("Div", {writer.constant(weight, "weight"), writer.add("Sqrt", {shifted})});
    const std::string scale_maps = writer.add("Reshape", {scale, writer.integers({0, channels, 1, 1}, "channels")});
    const std::string scaled = writer.add("Mul", {centred_maps, scale_maps});
    return as_maps(writer.add("Add", {scaled, writer.constant(op.bias.reshape({-1, 1, 1}), "bias")}));
  }

  Layouts operator()(const RmsNorm& op) {
    const std::string squares = writer.add("Mul", {maps(0), maps(0)});
    const std::string mean = writer.add("ReduceMean", {squares}, {{"axes", Integers{1}}});
    const std::string shifted = writer.add("Add", {mean, writer.number(op.epsilon, "epsilon")});
    return as_maps(writer.add("Div", {maps(0), writer.add("Sqrt", {shifted})}));
  }

  Layouts operator()(const Activation& op) {
    switch (op.function) {
      case Function::kRelu:
        return as_maps(writer.add("Relu", {maps(0)}));
      case Function::kSilu:
        return as_maps(writer.add("Mul", {maps(0), writer.add("Sigmoid", {maps(0)})}));
      case Function::kSigmoid:
        return as_maps(writer.add("Sigmoid", {maps(0)}));
      case Function::kSoftplus:
        break;
    }
    return as_maps(writer.add("Softplus", {maps(0)}));
  }

  Layouts operator()(const MaxPool& op) {
    std::vector<Attribute> attributes{{"kernel_shape", Integers(2, op.side)}, {"strides", Integers(2, op.stride)}};
    if (op.padding != 0) attributes.push_back({"pads", Integers(4, op.padding)});
    if (op.ceil) attributes.push_back({"ceil_mode", int64_t{1}});
    return as_maps(writer.add("MaxPool", {maps(0)}, std::move(attributes)));
  }

  Layouts operator()(const MeanPool& op) {
    return as_maps(writer.add("AveragePool", {maps(0)},
                              {{"kernel_shape", Integers(2, op.side)}, {"pads", Integers(4, op.side / 2)}}));
  }

  Layouts operator()(const Join&) {
    std::vector<std::string> all;
    for (size_t i = 0; i < node_->inputs.size(); ++i) all.push_back(maps(i));
    return as_maps(writer.add("Concat", std::move(all), {{"axis", int64_t{1}}}));
  }

  Layouts operator()(const Add&) { return as_maps(writer.add("Add", {maps(0), maps(1)})); }

  /// Softmax runs over the last axis, which is the fast one: over queries the scores are [keys,queries], turned later.
  /// Runtimes make these transpositions part of the products.
  Layouts operator()(const Attention& op) {
    const std::string flat = writer.integers({0, 0, -1}, "flat");
    std::string queries = writer.add("Reshape", {maps(0), flat});
    const std::string keys = writer.add("Reshape", {maps(1), flat}), values = writer.add("Reshape", {maps(2), flat});
    if (op.scale != 1) queries = writer.add("Mul", {queries, writer.number(op.scale, "scale")});
    const auto turned = [this](const std::string& x) {
      return writer.add("Transpose", {x}, {{"perm", Integers{0, 2, 1}}});
    };
    const auto weights = [&](const std::string& left, const std::string& right) {
      return writer.add("Softmax", {writer.add("MatMul", {turned(left), right})}, {{"axis", int64_t{-1}}});
    };
    const bool over_queries = op.axis == SoftmaxAxis::kQueries;
    const std::string shares = over_queries ? turned(weights(keys, queries)) : weights(queries, keys);
    const std::string result = turned(writer.add("MatMul", {shares, turned(values)}));
    return as_maps(writer.add("Reshape", {result, writer.add("Shape", {maps(2)})}));
  }

  /// The perceptron has no biases: what follows its relu is applied once, to the sum.
  Layouts operator()(const Cbam& op) {
    const std::string squeeze = writer.constant(op.squeeze.unsqueeze(2).unsqueeze(3), "squeeze");
    const std::string excite = writer.constant(op.excite.unsqueeze(2).unsqueeze(3), "excite");
    const auto hidden = [&](const char* pool) {
      return writer.add("Relu", {writer.add("Conv", {writer.add(pool, {maps(0)}), squeeze})});
    };
    const std::string sum = writer.add("Add", {hidden("GlobalAveragePool"), hidden("GlobalMaxPool")});
    const std::string channel_weights = writer.add("Sigmoid", {writer.add("Conv", {sum, excite})});
    const std::string refined = writer.add("Mul", {maps(0), channel_weights});
    const std::string& seen = op.spatial_input == SpatialInput::kRefined ? refined : maps(0);
    const std::string summary = writer.add("Concat",
                                           {writer.add("ReduceMean", {seen}, {{"axes", Integers{1}}}),
                                            writer.add("ReduceMax", {seen}, {{"axes", Integers{1}}})},
                                           {{"axis", int64_t{1}}});
    const std::string mixed = convolution(summary, op.convolution, {op.convolution, {}, 1, op.convolution.size(2) / 2});
    return as_maps(writer.add("Mul", {refined, writer.add("Sigmoid", {mixed})}));
  }

  /// Linear interpolation between the centres of pixels, as torch's with align_corners=False.
  Layouts operator()(const Constant& op) {
    if (op.map.size(2) == 1 && op.map.size(3) == 1) return Layouts::of_constant(op.map);
    const std::string grid = writer.add("Shape", {maps(0)}, {{"start", int64_t{2}}});
    const std::string sizes =
        writer.add("Concat", {writer.integers({1, op.map.size(1)}, "leading"), grid}, {{"axis", int64_t{0}}});
    return as_maps(writer.add("Resize", {writer.constant(op.map, "map"), "", "", sizes},
                              {{"mode", "linear"}, {"coordinate_transformation_mode", "half_pixel"}}));
  }

  Layouts operator()(const SparseCode& op) {
    return Layouts::of_rows(add_lista(writer, op, input(0), input(1), never_negative(graph_, node_->inputs[1])));
  }

  /// The nearest row minimises |c|^2 - 2 x c.
  Layouts operator()(const NearestCode& op) {
    const std::string products = writer.add("MatMul", {rows(0), writer.constant(op.codebook.t() * -2, "directions")});
    const std::string distances =
        writer.add("Add", {products, writer.constant(sum(square(op.codebook), {1}), "squares")});
    const std::string nearest = writer.add("ArgMin", {distances}, {{"axis", int64_t{3}}, {"keepdims", int64_t{0}}});
    return Layouts::of_rows(writer.add("Gather", {writer.constant(op.codebook, "codebook"), nearest}));
  }

  Layouts operator()(const NoiseLevel& op) {
    const std::string sigma =
        op.sigma ? writer.number(*op.sigma, "sigma") : add_noise_estimate(writer, maps(0), channels(node_->inputs[0]));
    if (!op.sigma) estimated_ = sigma;
    const std::string shape = writer.add("Shape", {maps(0)});
    const std::string divided =
        writer.add("Div", {shape, writer.integers({1, channels(node_->inputs[0]), op.stride, op.stride}, "strides")});
    return as_maps(writer.add("Expand", {sigma, divided}));
  }

  Layouts operator()(const NoiseThreshold& op) {
    if (last_floor_.defined() && last_floor_.bytes() == op.floor.bytes()) return as_maps(last_threshold_);
    return as_maps(noise_threshold(op.floor, op.slope, maps(0), node_->inputs.size() > 1 ? maps(1) : ""));
  }

  Layouts operator()(const NoiseShrinkage& op) {
    const std::string factors = op.has_factors ? maps(node_->inputs.size() - 1) : "";
    const std::string theta = noise_threshold(op.floor, op.slope, maps(1), factors);
    last_floor_ = op.floor;
    last_threshold_ = theta;
    const std::string v = op.has_previous ? writer.add("Add", {maps(0), maps(2)}) : maps(0);
    const std::string above = writer.add("Relu", {writer.add("Sub", {v, theta})});
    const std::string below = writer.add("Relu", {writer.add("Sub", {writer.add("Neg", {theta}), v})});
    return as_maps(writer.add("Sub", {above, below}));
  }

  Layouts operator()(const Square&) { return as_maps(writer.add("Mul", {maps(0), maps(0)})); }

  Layouts operator()(const GroupShrinkage& op) {
    const std::string theta = noise_threshold(op.floor, op.slope, maps(1), "");
    last_floor_ = op.floor;
    last_threshold_ = theta;
    const std::string own = writer.constant(op.own.reshape({1, -1, 1, 1}).contiguous(), "own");
    const std::string alone = writer.add("Mul", {writer.add("Mul", {maps(0), maps(0)}), own});
    const std::string energy =
        writer.add("Add", {writer.add("Add", {alone, maps(2)}), writer.number(kernels::kLeastEnergy, "least")});
    const std::string reach = writer.add("Div", {theta, writer.add("Sqrt", {energy})});
    const std::string kept = writer.add("Relu", {writer.add("Sub", {writer.number(1, "one"), reach})});
    return as_maps(writer.add("Mul", {maps(0), kept}));
  }

  /// Operations that networks::bind folds away.
  template <class Unbound>
  Layouts operator()(const Unbound&) {
    throw InternalError("ONNX: '" + std::string(graph::name_of(node_->operation)) + "' has no numbers yet");
  }

 private:
  Layouts& input(size_t i) { return values_.at(static_cast<size_t>(node_->inputs.at(i))); }
  const std::string& maps(size_t i) { return input(i).maps(writer); }
  const std::string& rows(size_t i) { return input(i).rows(writer); }
  int64_t channels(Value value) const { return channels_.at(static_cast<size_t>(value)); }

  std::string convolution(const std::string& x, const Array& weight, const Convolution& op) {
    std::vector<std::string> inputs{x, writer.constant(weight, "weight")};
    if (op.bias.defined()) inputs.push_back(writer.constant(op.bias, "bias"));
    std::vector<Attribute> attributes{{"kernel_shape", Integers{weight.size(2), weight.size(3)}}};
    const int64_t rows = op.padding, columns = op.side_padding(), more = op.more_at_end;
    if (rows != 0 || columns != 0 || more != 0)
      attributes.push_back({"pads", Integers{rows, columns, rows + more, columns + more}});
    if (op.groups != 1) attributes.push_back({"group", op.groups});
    if (op.stride != 1) attributes.push_back({"strides", Integers(2, op.stride)});
    return writer.add("Conv", std::move(inputs), std::move(attributes));
  }

  /// [N,C,H,W] -> [N,groups,1].
  std::string mean_of_groups(const std::string& x, const std::string& groups) {
    const std::string rows = writer.add("ReduceMean", {x}, {{"axes", Integers{3}}, {"keepdims", int64_t{0}}});
    return writer.add("ReduceMean", {writer.add("Reshape", {rows, groups})}, {{"axes", Integers{2}}});
  }

  /// (floor + sigma slope) factors; without factors where their name is empty.
  std::string noise_threshold(const Array& floor, const Array& slope, const std::string& sigma,
                              const std::string& factors) {
    const auto line = [&](const Array& values, const char* what) {
      return writer.constant(values.reshape({1, -1, 1, 1}).contiguous(), what);
    };
    const std::string rise = writer.add("Mul", {sigma, line(slope, "slope")});
    const std::string theta = writer.add("Add", {rise, line(floor, "floor")});
    return factors.empty() ? theta : writer.add("Mul", {theta, factors});
  }

  /// A convolution 1x1 of rows.
  std::string product(const Convolution& op) {
    const std::string y = writer.add("MatMul", {rows(0), writer.constant(op.weight.flatten(1).t(), "weight")});
    return op.bias.defined() ? writer.add("Add", {y, writer.constant(op.bias, "bias")}) : y;
  }

  void expose(const NamedValue& named, Value value) {
    const Node& node = graph_.nodes.at(static_cast<size_t>(value));
    const bool image_sized = named.value == &Graph::logits || named.value == &Graph::reconstruction;
    std::vector<Dimension> shape{"batch", channels(value), image_sized ? "height" : "latent_height",
                                 image_sized ? "width" : "latent_width"};
    if (const Constant* constant = std::get_if<Constant>(&node.operation)) {
      shape[0] = int64_t{1};
      if (constant->map.size(2) == 1 && constant->map.size(3) == 1) shape[2] = shape[3] = int64_t{1};
    }
    writer.enter(node.name);
    std::string made = values_.at(static_cast<size_t>(value)).maps(writer);
    if (tempered_ && !estimated_.empty() && named.value == &Graph::reconstruction)
      made = add_temper(writer, "image", made, estimated_);
    writer.expose(made, {named.name, shape});
  }

  const Graph& graph_;
  const bool tempered_;
  const Node* node_ = nullptr;
  std::vector<Layouts> values_;
  std::vector<int64_t> channels_;
  Array last_floor_;  ///< of the last shrinkage, whose thresholds a graph may give out
  std::string last_threshold_;
  std::string estimated_;  ///< the noise level, where the graph estimates it
};

/// Only the wanted names remain. The reconstruction always is.
Graph with_outputs(Graph graph, const std::vector<std::string>& wanted) {
  std::vector<std::string> known, present;
  for (const NamedValue& named : named_values()) {
    known.push_back(named.name);
    if (graph.*named.value >= 0) present.push_back(named.name);
  }
  for (const std::string& name : wanted) {
    if (std::find(known.begin(), known.end(), name) == known.end())
      throw UsageError("outputs: unknown '" + name + "'" + suggestion(name, known) + "; known: " + join(known, ", "));
    if (std::find(present.begin(), present.end(), name) == present.end())
      throw UsageError("outputs: the model has no " + name + "; it has " + join(present, ", "));
  }
  for (const NamedValue& named : named_values())
    if (named.value != &Graph::reconstruction && std::find(wanted.begin(), wanted.end(), named.name) == wanted.end())
      graph.*named.value = -1;
  return graph;
}

}  // namespace

int64_t smallest_size(const Graph& graph) {
  const bool estimates = std::any_of(graph.nodes.begin(), graph.nodes.end(), [](const Node& node) {
    const NoiseLevel* level = std::get_if<NoiseLevel>(&node.operation);
    return level && !level->sigma;
  });
  return estimates ? std::max(graph.size_multiple, image::NoiseFilters::kSmallest) : graph.size_multiple;
}

Model to_onnx(const Graph& graph, const std::vector<std::string>& outputs, bool tempered) {
  const Graph folded = fold(with_outputs(graph, outputs));
  Exporter exporter(folded, tempered);
  exporter.run();
  return std::move(exporter.writer.model);
}

}  // namespace sscvae::onnx
