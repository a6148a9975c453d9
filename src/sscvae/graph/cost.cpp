#include "sscvae/graph/cost.h"

#include <algorithm>

#include "sscvae/core/error.h"

namespace sscvae::graph {

namespace {

/// Sizes of results, by operation.
struct OutputSizes {
  const std::vector<Sizes>& inputs;
  Sizes with(int64_t channels, int64_t height, int64_t width) const { return {inputs[0][0], channels, height, width}; }
  int64_t c() const { return inputs[0][1]; }
  int64_t h() const { return inputs[0][2]; }
  int64_t w() const { return inputs[0][3]; }

  Sizes operator()(const PixelShuffle& op) const {
    return with(c() / (op.factor * op.factor), h() * op.factor, w() * op.factor);
  }
  Sizes operator()(const PixelUnshuffle& op) const {
    return with(c() * op.factor * op.factor, h() / op.factor, w() / op.factor);
  }
  Sizes operator()(const Convolution& op) const {
    const auto length = [&](int64_t size, int64_t kernel, int64_t padding) {
      return (size + 2 * padding + op.more_at_end - kernel) / op.stride + 1;
    };
    return with(op.weight.size(0), length(h(), op.weight.size(2), op.padding),
                length(w(), op.weight.size(3), op.side_padding()));
  }
  Sizes operator()(const TransposedConvolution& op) const { return with(op.weight.size(1), 2 * h(), 2 * w()); }
  Sizes operator()(const MaxPool& op) const {
    const auto length = [&](int64_t size) {
      return (size + 2 * op.padding - op.side + (op.ceil ? op.stride - 1 : 0)) / op.stride + 1;
    };
    return with(c(), length(h()), length(w()));
  }
  Sizes operator()(const Join&) const {
    int64_t channels = 0;
    for (const Sizes& input : inputs) channels += input[1];
    return with(channels, h(), w());
  }
  Sizes operator()(const Attention&) const { return inputs[2]; }
  Sizes operator()(const Constant& op) const {
    const bool broadcasts = op.map.size(2) == 1 && op.map.size(3) == 1;
    return {1, op.map.size(1), broadcasts ? 1 : h(), broadcasts ? 1 : w()};
  }
  Sizes operator()(const SparseCode& op) const { return with(op.dictionary.size(1), h(), w()); }
  Sizes operator()(const NoiseLevel& op) const { return with(1, h() / op.stride, w() / op.stride); }
  Sizes operator()(const NoiseThreshold& op) const { return with(op.floor.size(0), h(), w()); }
  template <class Elementwise>
  Sizes operator()(const Elementwise&) const {
    return inputs[0];
  }
};

/// The rows of one node.
class Counter {
 public:
  Counter(const Node& node, const std::vector<Sizes>& inputs, const Sizes& output, CountingRule rule,
          std::vector<LayerCost>& rows)
      : node_(node), inputs_(inputs), output_(output), published_(rule == CountingRule::kPtflops), rows_(rows) {}

  void operator()(const Convolution& op) {
    add("convolution", output_, op.weight, op.bias, op.weight.numel() * positions(output_));
  }
  void operator()(const TransposedConvolution& op) {
    add("transposed convolution", output_, op.weight, op.bias,
        op.weight.numel() * positions(published_ ? output_ : inputs_[0]));
  }
  void operator()(const BatchNorm&) { elementwise("batch norm", inputs_[0], 2); }
  void operator()(const GroupNorm&) { elementwise("group norm", inputs_[0], 2); }
  void operator()(const MaxPool&) { elementwise("max pool", output_, 2, inputs_[0].product()); }
  void operator()(const Activation& op) {
    if (op.function == Function::kRelu) elementwise("relu", output_, 2);
  }
  void operator()(const Attention&) {
    const int64_t count = output_[0], rows = output_[2] * output_[3];
    const Sizes scores{count, rows, rows};
    product("attention scores", scores, inputs_[0][1]);
    elementwise("softmax", scores, 1);
    product("attention", {count, rows, output_[1]}, rows);
  }
  void operator()(const Cbam& op) {
    for (int descriptor = 0; descriptor < 2; ++descriptor) {
      add("matrix product", {output_[0], op.squeeze.size(0)}, op.squeeze, {}, op.squeeze.numel() * output_[0]);
      elementwise("relu", {output_[0], op.squeeze.size(0)}, 2);
      add("matrix product", {output_[0], op.excite.size(0)}, op.excite, {}, op.excite.numel() * output_[0]);
    }
    const Sizes map{output_[0], 1, output_[2], output_[3]};
    add("convolution", map, op.convolution, {}, op.convolution.numel() * positions(map));
  }
  void operator()(const SparseCode& op) {
    const int64_t length = op.dictionary.size(0), atoms = op.dictionary.size(1), rows = positions(output_);
    const Sizes code{rows, atoms};
    if (op.filters.empty()) {
      add("matrix product", code, op.dictionary, {}, rows * op.dictionary.numel());
      add("matrix product", {atoms, atoms}, {}, {}, atoms * op.dictionary.numel());
    }
    for (const Array& filter : op.filters) add("matrix product", code, filter, {}, rows * length * atoms);
    const bool from_zero = op.initial_code == InitialCode::kZero;  // the first iteration multiplies with zeros
    for (int64_t i = from_zero ? 1 : 0; i < op.num_iterations; ++i) product("iteration", code, atoms);
  }
  void operator()(const NearestCode& op) {
    add("matrix product", {positions(output_), op.codebook.size(0)}, op.codebook, {},
        positions(output_) * op.codebook.numel());
  }
  template <class Other>
  void operator()(const Other&) {}

 private:
  static int64_t positions(const Sizes& maps) { return maps[0] * maps[2] * maps[3]; }

  void add(const std::string& operation, const Sizes& made, const Array& weight, const Array& bias, int64_t macs) {
    LayerCost row{node_.name, operation, made};
    if (weight.defined()) row.parameters = weight.numel();
    if (bias.defined()) {
      row.parameters += bias.numel();
      if (published_) macs += made.product();
    }
    row.macs = macs;
    put(std::move(row));
  }
  /// Of two factors that are no weights.
  void product(const std::string& name, const Sizes& made, int64_t depth) {
    LayerCost row{name, "matrix product", made};
    row.macs = made.product() * depth;
    put(std::move(row));
  }
  void elementwise(const std::string& name, const Sizes& made, int64_t for_each, int64_t numbers = 0) {
    if (!published_) return;
    LayerCost row{name, "element-wise", made};
    row.macs = for_each * (numbers > 0 ? numbers : made.product());
    put(std::move(row));
  }
  void put(LayerCost row) {
    row.output_bytes = row.output_shape.product() * size_of(kFloat32);
    for (LayerCost& earlier : rows_)
      if (row.parameters == 0 && earlier.name == row.name && earlier.output_shape == row.output_shape &&
          earlier.macs / earlier.calls == row.macs) {
        ++earlier.calls;
        earlier.macs += row.macs;
        earlier.output_bytes += row.output_bytes;
        return;
      }
    rows_.push_back(std::move(row));
  }

  const Node& node_;
  const std::vector<Sizes>& inputs_;
  const Sizes& output_;
  bool published_;
  std::vector<LayerCost>& rows_;
};

std::vector<Sizes> sizes_of_inputs(const Node& node, const std::vector<Sizes>& sizes) {
  std::vector<Sizes> inputs;
  for (const Value input : node.inputs) inputs.push_back(sizes.at(static_cast<size_t>(input)));
  return inputs;
}

}  // namespace

Sizes output_sizes(const Node& node, const std::vector<Sizes>& inputs) {
  return std::visit(OutputSizes{inputs}, node.operation);
}

std::vector<Sizes> value_sizes(const Graph& graph, const Sizes& images) {
  std::vector<Sizes> sizes;
  for (const Node& node : graph.nodes) {
    std::vector<Sizes> inputs = sizes_of_inputs(node, sizes);
    if (inputs.empty()) inputs.push_back(images);
    sizes.push_back(output_sizes(node, inputs));
  }
  return sizes;
}

std::vector<LayerCost> layer_costs(const Graph& graph, const Sizes& images, CountingRule rule) {
  const std::vector<Sizes> sizes = value_sizes(graph, images);
  std::vector<LayerCost> rows;
  for (size_t i = 0; i < sizes.size(); ++i) {
    const std::vector<Sizes> inputs = sizes_of_inputs(graph.nodes[i], sizes);
    std::visit(Counter(graph.nodes[i], inputs, sizes[i], rule, rows), graph.nodes[i].operation);
  }
  return rows;
}

int64_t peak_bytes(const Graph& graph, const Sizes& images) {
  const std::vector<Sizes> sizes = value_sizes(graph, images);
  std::vector<int> wishes = count_wishes(graph);
  int64_t now = 0, peak = 0;
  for (size_t i = 1; i < sizes.size(); ++i) {
    now += sizes[i].product() * size_of(kFloat32);
    peak = std::max(peak, now);
    for (const Value input : graph.nodes[i].inputs) {
      const auto value = static_cast<size_t>(input);
      if (--wishes[value] == 0 && value > 0) now -= sizes[value].product() * size_of(kFloat32);
    }
  }
  return peak;
}

}  // namespace sscvae::graph
