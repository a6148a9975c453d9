#include "sscvae/tasks/network_diagram.h"

#include <algorithm>
#include <set>

#include "sscvae/core/text.h"
#include "sscvae/graph/cost.h"

namespace sscvae::tasks {

namespace {

using graph::Node;

std::string side_text(const graph::Convolution& op) {
  return std::to_string(op.weight.size(2)) + "\u00d7" + std::to_string(op.weight.size(3));
}

/// What an operation is called in a box; "" for what goes without saying.
struct Words {
  std::string operator()(const graph::Input&) const { return "image in [0,1]"; }
  std::string operator()(const graph::Convolution& op) const {
    const std::string groups = op.groups > 1 ? " by channel" : "";
    return "convolution " + side_text(op) + groups + (op.stride > 1 ? ", step " + std::to_string(op.stride) : "");
  }
  std::string operator()(const graph::TransposedConvolution&) const { return "transposed convolution 2\u00d72"; }
  std::string operator()(const graph::BatchNorm&) const { return "batch norm"; }
  std::string operator()(const graph::GroupNorm& op) const { return "group norm (" + std::to_string(op.groups) + ")"; }
  std::string operator()(const graph::RmsNorm&) const { return "RMS norm"; }
  std::string operator()(const graph::Activation& op) const {
    static const char* const kNames[] = {"ReLU", "SiLU", "sigmoid", "softplus"};
    return kNames[static_cast<size_t>(op.function)];
  }
  std::string operator()(const graph::MaxPool&) const { return "max pool"; }
  std::string operator()(const graph::Add&) const { return "sum"; }
  std::string operator()(const graph::Attention&) const { return "non-local attention"; }
  std::string operator()(const graph::Cbam&) const { return "channel attention, spatial attention"; }
  std::string operator()(const graph::SparseCode& op) const {
    return std::to_string(op.num_iterations) + " iterations of LISTA";
  }
  std::string operator()(const graph::Strength&) const { return "\u00d7 strength"; }
  std::string operator()(const graph::DivideBy&) const { return "\u00f7 L"; }
  std::string operator()(const graph::NearestCode& op) const {
    return "nearest of " + std::to_string(op.codebook.size(0)) + " codes";
  }
  std::string operator()(const graph::GaussianCode&) const { return "mean, in training a draw"; }
  std::string operator()(const graph::NoiseLevel&) const { return "noise level"; }
  std::string operator()(const graph::NoiseShrinkage&) const { return "shrink by noise level"; }
  std::string operator()(const graph::GroupShrinkage&) const { return "shrink by energy of groups"; }
  std::string operator()(const graph::Square&) const { return "square"; }
  std::string operator()(const graph::PixelShuffle&) const { return "blocks to pixels"; }
  std::string operator()(const graph::PixelUnshuffle&) const { return "pixels to blocks"; }
  template <class Other>
  std::string operator()(const Other&) const {
    return "";
  }
};

/// "_encoder._down_samples.1._block.0" -> "_encoder._down_samples.1": the block that a node belongs to.
std::string block_of(const std::string& name) {
  const std::vector<std::string> parts = split(name, '.');
  std::string block = parts[0];
  if (parts.size() > 1) block += "." + parts[1];
  if (parts.size() > 2 && parts[2].find_first_not_of("0123456789") == std::string::npos) block += "." + parts[2];
  return block;
}

std::string without_underscores(std::string name) {
  name.erase(std::remove(name.begin(), name.end(), '_'), name.end());
  return name;
}

/// Consecutive nodes of one block.
struct Block {
  std::string name, panel;
  std::vector<std::string> words;
  std::string shape;
  int64_t times = 1;
  std::set<size_t> from;  ///< blocks whose values it reads
  bool is_like(const Block& other) const {
    return panel == other.panel && words == other.words && shape == other.shape;
  }
};

constexpr char kInference[] = "Sparsity controller: inference", kRefinement[] = "Sparsity controller: refinement";

/// The halves of a network, by what the names in them begin with.
struct Half {
  const char *begins, *panel;
};
constexpr Half kHalves[] = {{"image", "Encoder"},
                            {"_encoder", "Encoder"},
                            {"_decoder", "Decoder"},
                            {"_vq_layer", "Codebook"},
                            {"_posterior", "Gaussian code"}};
/// The same of a convolutional sparse coder; whatever else it has decides on thresholds.
constexpr Half kPartsOfConvolutionalCoder[] = {
    {"_blocks", "Encoder"},     {"_sigma", "Sparse coder"}, {"_A", "Sparse coder"}, {"_B", "Sparse coder"},
    {"_group", "Sparse coder"}, {"_cbam", kRefinement},     {"_W", "Decoder"}};

std::string panel_of(const graph::Graph& graph, graph::Value value, const std::string& name) {
  for (const Half& half : kHalves)
    if (name.starts_with(half.begins)) return half.panel;
  if (name.starts_with("_LISTA")) {
    if (value <= graph.threshold_inference) return kInference;
    if (value < graph.threshold && graph.threshold_inference >= 0) return kRefinement;
    return "Sparse coder";
  }
  for (const Half& part : kPartsOfConvolutionalCoder)
    if (name.starts_with(part.begins)) return part.panel;
  return kInference;
}

std::vector<Block> blocks_of(const graph::Graph& graph, const std::vector<Sizes>& sizes,
                             std::vector<size_t>& block_of_value) {
  std::vector<Block> blocks;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    const std::string name = block_of(node.name), panel = panel_of(graph, static_cast<graph::Value>(i), node.name);
    if (blocks.empty() || blocks.back().name != name || blocks.back().panel != panel) {
      Block block;
      block.name = name;
      block.panel = panel;
      blocks.push_back(std::move(block));
    }
    Block& block = blocks.back();
    if (const std::string words = std::visit(Words{}, node.operation); !words.empty()) block.words.push_back(words);
    const Sizes& size = sizes[i];
    block.shape = format("%lld \u00d7 %lld \u00d7 %lld", static_cast<long long>(size[1]),
                         static_cast<long long>(size[2]), static_cast<long long>(size[3]));
    block_of_value.push_back(blocks.size() - 1);
    for (const graph::Value input : node.inputs)
      if (const size_t from = block_of_value[static_cast<size_t>(input)]; from + 1 != blocks.size())
        block.from.insert(from);
  }
  return blocks;
}

/// Runs of `period` blocks that repeat become one run.
void fold_repetitions(std::vector<Block>& blocks, size_t period) {
  for (size_t i = 0; i + 2 * period <= blocks.size();) {
    bool repeats = true;
    for (size_t k = 0; k < period; ++k) repeats = repeats && blocks[i + k].is_like(blocks[i + period + k]);
    if (!repeats) {
      ++i;
      continue;
    }
    const auto kept = [&](size_t block) { return block < i + period ? block : block - period; };
    for (size_t k = 0; k < period; ++k) blocks[i + k].times += blocks[i + period + k].times;
    blocks.erase(blocks.begin() + static_cast<std::ptrdiff_t>(i + period),
                 blocks.begin() + static_cast<std::ptrdiff_t>(i + 2 * period));
    for (Block& block : blocks) {
      std::set<size_t> from;
      for (const size_t source : block.from) from.insert(kept(source));
      block.from = from;
    }
  }
}

/// Words in lines of a box.
std::vector<std::string> wrapped(const std::vector<std::string>& words) {
  constexpr size_t kWidest = 38;
  std::vector<std::string> lines;
  for (const std::string& word : words) {
    if (lines.empty() || lines.back().size() + word.size() + 2 > kWidest) lines.push_back(word);
    else lines.back() += ", " + word;
  }
  return lines;
}

std::string title_of(const Block& block) {
  std::string title;
  for (const std::string& part : split(block.name, '.')) {
    const bool names_panel =
        title.empty() && part != block.name &&
        std::any_of(std::begin(kHalves), std::end(kHalves), [&](const Half& half) { return part == half.begins; });
    if (!names_panel && part != "_LISTA") title += (title.empty() ? "" : " ") + without_underscores(part);
  }
  if (title.empty()) title = block.panel == "Sparse coder" ? "LISTA" : "\u03b1";
  return title + (block.times > 1 ? format(" (%lld times)", static_cast<long long>(block.times)) : "");
}

}  // namespace

report::Diagram diagram_of(const networks::Network& network, const std::string& name, int64_t height, int64_t width) {
  const graph::Graph& graph = network.graph;
  const std::vector<Sizes> sizes = graph::value_sizes(graph, {1, graph.in_channels, height, width});
  std::vector<size_t> block_of_value;
  std::vector<Block> blocks = blocks_of(graph, sizes, block_of_value);
  for (size_t period = 1; period <= 8; ++period) fold_repetitions(blocks, period);
  report::Diagram diagram;
  diagram.title = format("%s, images of %lld \u00d7 %lld", name.c_str(), static_cast<long long>(height),
                         static_cast<long long>(width));
  for (const char* panel : {"Encoder", kInference, kRefinement, "Sparse coder", "Codebook", "Gaussian code", "Decoder"})
    if (std::any_of(blocks.begin(), blocks.end(), [&](const Block& block) { return block.panel == panel; }))
      diagram.panels.push_back(panel);
  for (size_t i = 0; i < blocks.size(); ++i) {
    const auto panel = std::find(diagram.panels.begin(), diagram.panels.end(), blocks[i].panel);
    std::vector<std::string> lines = wrapped(blocks[i].words);
    lines.push_back(blocks[i].shape);
    diagram.boxes.push_back(
        {static_cast<size_t>(panel - diagram.panels.begin()), title_of(blocks[i]), std::move(lines)});
    for (const size_t from : blocks[i].from)
      if (from != i) diagram.arrows.emplace_back(from, i);
  }
  return diagram;
}

}  // namespace sscvae::tasks
