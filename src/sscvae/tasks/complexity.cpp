#include "sscvae/tasks/complexity.h"

#include <nlohmann/json.hpp>

#include "sscvae/array/array.h"
#include "sscvae/core/error.h"
#include "sscvae/core/text.h"
#include "sscvae/image/padding.h"
#include "sscvae/tasks/size_option.h"

namespace sscvae::tasks {

namespace {

graph::CountingRule parse_rule(const std::string& text) {
  if (text == "exact") return graph::CountingRule::kExact;
  if (text == "ptflops") return graph::CountingRule::kPtflops;
  throw UsageError("--rule: expected exact or ptflops, got '" + text + "'" + suggestion(text, {"exact", "ptflops"}));
}

std::string shape_of(const Sizes& shape) {
  std::vector<std::string> parts;
  for (const int64_t size : shape) parts.push_back(std::to_string(size));
  return join(parts, "x");
}

/// What the figures mean, for the reader of a report.
std::string text_of(graph::CountingRule rule) {
  const std::string common =
      "multiply-adds of convolutions and matrix products, kernel taps on padding included; FLOPs = 2 MACs; ";
  return common +
         (rule == graph::CountingRule::kExact
              ? "transposed convolutions at input positions; element-wise work, norms and pooling not counted"
              : "transposed convolutions at output positions; biases, norms (2 for each input), ReLU and pooling "
                "(2, as a layer and as its function) and softmax (1) counted as ptflops 0.7.1 to 0.7.4 does");
}

Json json_of(const std::vector<graph::LayerCost>& layers) {
  Json entries = Json::array();
  for (const graph::LayerCost& layer : layers)
    entries.push_back({{"name", layer.name},
                       {"operation", layer.operation},
                       {"output_shape", layer.output_shape.vec()},
                       {"calls", layer.calls},
                       {"parameters", layer.parameters},
                       {"macs", layer.macs},
                       {"output_bytes", layer.output_bytes}});
  return entries;
}

std::string layer_table(const std::vector<graph::LayerCost>& layers) {
  std::vector<std::vector<std::string>> rows{
      {"layer", "operation", "output", "calls", "parameters", "MMACs", "output MiB"}};
  for (const graph::LayerCost& layer : layers)
    rows.push_back({layer.name, layer.operation, shape_of(layer.output_shape), std::to_string(layer.calls),
                    std::to_string(layer.parameters), format("%.3f", static_cast<double>(layer.macs) / 1e6),
                    format("%.3f", static_cast<double>(layer.output_bytes) / 1048576.0)});
  return text_table(rows);
}

}  // namespace

Complexity measure_complexity(const networks::Network& network, int64_t height, int64_t width,
                              graph::CountingRule rule) {
  const graph::Graph& graph = network.graph;
  const Sizes image{1, graph.in_channels, image::round_up(height, graph.size_multiple),
                    image::round_up(width, graph.size_multiple)};
  Complexity result;
  for (const networks::Declared& weight : network.weights)
    (weight.role == networks::Role::kTrained ? result.parameters : result.buffers) += weight.placeholder.numel();
  result.layers = graph::layer_costs(graph, image, rule);
  result.peak_bytes = graph::peak_bytes(graph, image);
  for (const graph::LayerCost& layer : result.layers) {
    result.macs += layer.macs;
    result.activation_bytes += layer.output_bytes;
  }
  result.flops = 2 * result.macs;
  return result;
}

Report complexity(const ComplexityOptions& options) {
  const auto [height, width] = parse_size(options.size, kLargestSize);
  const graph::CountingRule rule = parse_rule(options.rule);
  const runtime::OpenedModel opened = runtime::open_architecture(options.source);
  const Complexity cost = measure_complexity(opened.model->network(), height, width, rule);

  const std::string& model = opened.experiment.options.model.name;
  const std::string stated = text_of(rule);
  const double pixels = static_cast<double>(height * width);
  Json json{{"model", model},
            {"height", height},
            {"width", width},
            {"rule", options.rule},
            {"rule_text", stated},
            {"parameters", cost.parameters},
            {"buffers", cost.buffers},
            {"macs", cost.macs},
            {"flops", cost.flops},
            {"macs_per_pixel", static_cast<double>(cost.macs) / pixels},
            {"activation_bytes", cost.activation_bytes},
            {"peak_bytes", cost.peak_bytes},
            {"layers", json_of(cost.layers)}};
  std::string text = layer_table(cost.layers);
  text += format(
      "\n%s, %lld x %lld (height x width)\nparameters        %lld\nMACs              %lld (%.3f G, %.1f k per pixel)\n"
      "FLOPs             %lld\nlayer outputs     %.2f MiB\npeak memory       %.2f MiB\nrule: %s\n",
      model.c_str(), static_cast<long long>(height), static_cast<long long>(width),
      static_cast<long long>(cost.parameters), static_cast<long long>(cost.macs), static_cast<double>(cost.macs) / 1e9,
      static_cast<double>(cost.macs) / pixels / 1e3, static_cast<long long>(cost.flops),
      static_cast<double>(cost.activation_bytes) / 1048576.0, static_cast<double>(cost.peak_bytes) / 1048576.0,
      stated.c_str());
  return make_report(std::move(text), std::move(json));
}

}  // namespace sscvae::tasks
