
#include <algorithm>
#include <array>
#include <variant>
#include <vector>

#include "sscvae/array/array.h"
#include "sscvae/array/parallel.h"
#include "sscvae/core/error.h"
#include "sscvae/engine/compose.h"
#include "sscvae/engine/steps.h"
#include "sscvae/kernels/convolution.h"

namespace sscvae::engine {

namespace {

using graph::Value;

constexpr int64_t kFewChannels = 3;  // below, the taps of a 3x3 convolution are laid side by side
constexpr int64_t kVector = 16;      // channels that the kernels want a multiple of

bool is_image_convolution(const graph::Convolution& c) {
  return c.weight.size(1) <= kFewChannels && c.weight.size(2) == 3;
}

/// Windows of an image with a border of one pixel, [H+2,W+2,C]: in memory, three runs of 3 C numbers each.
template <class T>
void lay_out_line(const T* bordered, int64_t width, int64_t channels, int64_t depth, T* to) {
  const int64_t run = 3 * channels, pitch = (width + 2) * channels;
  for (int64_t x = 0; x < width; ++x, to += depth) {
    for (int64_t row = 0; row < 3; ++row) std::copy_n(bordered + row * pitch + x * channels, run, to + row * run);
    std::fill_n(to + 3 * run, depth - 3 * run, T(0));
  }
}

/// Every pixel's 3x3 window as channels (tap by tap, then zeros up to a multiple of 16): [N,16 n,H,W].
Array lay_out_taps(const Array& image, DataType type, Arena& arena) {
  const int64_t count = image.size(0), channels = image.size(1), height = image.size(2), width = image.size(3);
  const int64_t depth = (9 * channels + kVector - 1) / kVector * kVector;
  const Array bordered = Array::zeros({count, height + 2, width + 2, channels}, type);
  bordered.narrow(1, 1, height).narrow(2, 1, width).copy_(image.permute({0, 2, 3, 1}));
  Array taps = arena.map({count, depth, height, width}, type);
  const auto fill = [&](auto* from, auto* to) {
    parallel_for(0, count * height, 8, [&](int64_t begin, int64_t end) {
      for (int64_t line = begin; line < end; ++line)
        lay_out_line(from + (line + line / height * 2) * (width + 2) * channels, width, channels, depth,
                     to + line * width * depth);
    });
  };
  if (type == kFloat32) fill(bordered.data<float>(), taps.data<float>());
  else fill(bordered.data<BFloat16>(), taps.data<BFloat16>());
  return taps;
}

/// The weight of that convolution as a 1x1 one: [C',16 n,1,1].
Array weight_for_taps(const Array& weight) {
  const int64_t channels = weight.size(1), depth = (9 * channels + kVector - 1) / kVector * kVector;
  Array laid = Array::zeros({weight.size(0), depth, 1, 1});
  laid.narrow(1, 0, 9 * channels).copy_(weight.permute({0, 2, 3, 1}).reshape({weight.size(0), 9 * channels, 1, 1}));
  return laid;
}

/// 1x1 or 3x3.
kernels::Convolution make_kernel(const Array& weight, const Array& bias, Precision precision,
                                 const graph::Convolution* appended = nullptr) {
  kernels::ConvolutionKind kind{weight, bias, map_type(precision)};
  if (appended) {
    kind.appended_weight = appended->weight;
    kind.appended_bias = appended->bias;
  }
  return kernels::Convolution(kind);
}

std::vector<Value> inputs_of(const FusedConvolution& fused) {
  std::vector<Value> inputs{fused.input};
  if (fused.residual >= 0) inputs.push_back(fused.residual);
  return inputs;
}

std::string describe(const FusedConvolution& fused) {
  const int64_t kernel = fused.convolution->weight.size(2);
  std::string text = fused.epilogue.input_relu ? "relu, " : "";
  text += "convolution " + std::to_string(kernel) + "x" + std::to_string(kernel);
  if (fused.epilogue.activation == kernels::Act::kRelu) text += ", relu";
  if (fused.epilogue.activation == kernels::Act::kSilu) text += ", silu";
  if (fused.appended) text += ", convolution 1x1";
  if (fused.residual >= 0) text += ", add";
  return fused.epilogue.pool ? text + ", max pool" : text;
}

class ConvolutionStep : public Step {
 public:
  ConvolutionStep(const FusedConvolution& fused, Precision precision)
      : Step(fused.name, describe(fused), inputs_of(fused), fused.output),
        fused_(fused),
        on_image_(is_image_convolution(*fused.convolution)),
        type_(map_type(precision)),
        out_channels_((fused.appended ? fused.appended->weight : fused.convolution->weight).size(0)),
        kernel_(make_kernel(on_image_ ? weight_for_taps(fused.convolution->weight) : fused.convolution->weight,
                            fused.convolution->bias, precision, fused.appended)) {}

  void run(Pass& pass) const override {
    Array x = pass.map(fused_.input, on_image_ ? kFloat32 : type_);
    if (on_image_) x = lay_out_taps(x, type_, pass.arena);
    kernels::Epilogue epilogue = fused_.epilogue;
    if (fused_.residual >= 0) epilogue.residual = pass.map(fused_.residual, type_);
    const int64_t shrink = epilogue.pool ? 2 : 1;
    Array out = pass.arena.map({x.size(0), out_channels_, x.size(2) / shrink, x.size(3) / shrink},
                               fused_.float_output ? kFloat32 : type_);
    kernel_.run(x, out, epilogue);
    pass.values[static_cast<size_t>(output)] = out;
  }
  int64_t macs(const Array& result) const override {
    const int64_t weights =
        fused_.convolution->weight.numel() + (fused_.appended ? fused_.appended->weight.numel() : 0);
    return weights * positions_of(result) * (fused_.epilogue.pool ? 4 : 1);
  }

 private:
  FusedConvolution fused_;
  bool on_image_;
  DataType type_;
  int64_t out_channels_;
  kernels::Convolution kernel_;
};

/// The pixels (2y + row, 2x + column) of a map.
Array phase_of(const Array& map, int64_t row, int64_t column) {
  return map.slice(2, row, map.size(2), 2).slice(3, column, map.size(3), 2);
}

/// A map of twice the height and width whose pixels (2y + row, 2x + column) are a 1x1 convolution of pixel (y, x), one
/// for each of the four phases.
class ExpansionStep : public Step {
 public:
  using Phases = std::array<graph::Convolution, 4>;  // (0,0), (0,1), (1,0), (1,1)

  ExpansionStep(const std::string& step_name, const std::string& what, Value reads, Value makes, const Phases& phases,
                Precision precision)
      : Step(step_name, what, {reads}, makes),
        type_(map_type(precision)),
        out_channels_(phases[0].weight.size(0)),
        weights_(phases[0].weight.numel()) {
    for (const graph::Convolution& phase : phases) kernels_.push_back(make_kernel(phase.weight, phase.bias, precision));
  }
  void run(Pass& pass) const override {
    const Array x = pass.map(inputs[0], type_);
    Array out = pass.arena.map({x.size(0), out_channels_, 2 * x.size(2), 2 * x.size(3)}, type_);
    for (int64_t i = 0; i < 4; ++i) {
      Array phase = phase_of(out, i / 2, i % 2);
      kernels_[static_cast<size_t>(i)].run(x, phase);
    }
    pass.values[static_cast<size_t>(output)] = out;
  }
  int64_t macs(const Array& result) const override { return weights_ * positions_of(result); }

 private:
  DataType type_;
  int64_t out_channels_, weights_;
  std::vector<kernels::Convolution> kernels_;
};

ExpansionStep::Phases phases_of(const graph::TransposedConvolution& op) {
  ExpansionStep::Phases phases;
  for (int64_t i = 0; i < 4; ++i)
    phases[static_cast<size_t>(i)] = {
        op.weight.select(3, i % 2).select(2, i / 2).t().contiguous().unsqueeze(2).unsqueeze(3), op.bias, 1, 0};
  return phases;
}

/// Of a 1x1 convolution before a pixel shuffle by 2: channel 4 c + i of its result is channel c of phase i.
ExpansionStep::Phases phases_of(const graph::Convolution& op) {
  ExpansionStep::Phases phases;
  for (int64_t i = 0; i < 4; ++i) {
    const auto every_fourth = [i](const Array& t) { return t.slice(0, i, t.size(0), 4).contiguous(); };
    phases[static_cast<size_t>(i)] = {every_fourth(op.weight), op.bias.defined() ? every_fourth(op.bias) : op.bias, 1,
                                      0};
  }
  return phases;
}

/// A 2x2 convolution, stride 2: the four pixels side by side as channels, then a 1x1 convolution.
class HalvingStep : public Step {
 public:
  HalvingStep(const graph::Node& node, Value makes, Precision precision)
      : Step(node.name, "convolution 2x2, stride 2", node.inputs, makes),
        type_(map_type(precision)),
        out_channels_(weight_of(node).size(0)),
        weights_(weight_of(node).numel()),
        kernel_(make_kernel(weight_of(node).permute({0, 2, 3, 1}).reshape({out_channels_, -1, 1, 1}).contiguous(),
                            std::get<graph::Convolution>(node.operation).bias, precision)) {}
  void run(Pass& pass) const override {
    const Array x = pass.map(inputs[0], type_);
    const int64_t channels = x.size(1), height = x.size(2) / 2, width = x.size(3) / 2;
    Array blocks = pass.arena.map({x.size(0), 4 * channels, height, width}, type_);
    for (int64_t i = 0; i < 4; ++i)
      blocks.narrow(1, i * channels, channels).copy_(phase_of(x, i / 2, i % 2).slice(2, 0, height).slice(3, 0, width));
    Array out = pass.arena.map({x.size(0), out_channels_, height, width}, type_);
    kernel_.run(blocks, out);
    pass.values[static_cast<size_t>(output)] = out;
  }
  int64_t macs(const Array& result) const override { return weights_ * positions_of(result); }

 private:
  static const Array& weight_of(const graph::Node& node) { return std::get<graph::Convolution>(node.operation).weight; }
  DataType type_;
  int64_t out_channels_, weights_;
  kernels::Convolution kernel_;
};

class ComposedStep : public Step {
 public:
  ComposedStep(const graph::Node& expansion, const FusedConvolution& fused)
      : Step(fused.name, "transposed convolution and convolution 3x3, composed", {fused.input}, fused.output),
        epilogue_(fused.epilogue),
        out_channels_(fused.convolution->weight.size(0)),
        weights_(std::get<graph::TransposedConvolution>(expansion.operation).weight.numel() / 4 +
                 fused.convolution->weight.numel()) {
    for (const Phase& phase : compose(std::get<graph::TransposedConvolution>(expansion.operation), *fused.convolution))
      phases_.emplace_back(kernels::ConvolutionKind{
          phase.weight, {}, kBFloat16, kernels::Taps{2, 2, phase.row - 1, phase.column - 1}, phase.edge_biases});
  }
  void run(Pass& pass) const override {
    const Array x = pass.map(inputs[0], kBFloat16);
    Array out = pass.arena.map({x.size(0), out_channels_, 2 * x.size(2), 2 * x.size(3)}, kBFloat16);
    for (int64_t i = 0; i < 4; ++i) {
      Array phase = phase_of(out, i / 2, i % 2);
      phases_[static_cast<size_t>(i)].run(x, phase, epilogue_);
    }
    pass.values[static_cast<size_t>(output)] = out;
  }
  int64_t macs(const Array& result) const override { return weights_ * positions_of(result); }

 private:
  kernels::Epilogue epilogue_;
  int64_t out_channels_, weights_;
  std::vector<kernels::Convolution> phases_;
};

}  // namespace

bool can_fuse(const graph::Convolution& c) {
  const int64_t kernel = c.weight.size(2);
  const bool size = (kernel == 1 && c.padding == 0) || (kernel == 3 && c.padding == 1);
  return c.is_square() && c.stride == 1 && size && c.more_at_end == 0 && c.groups == 1 &&
         (c.weight.size(1) % kVector == 0 || is_image_convolution(c));
}

bool can_halve(const graph::Convolution& c) {
  return c.is_square() && c.stride == 2 && c.padding == 0 && c.weight.size(2) == 2 && c.weight.size(1) % kVector == 0;
}

StepPtr make_convolution(const FusedConvolution& fused, Precision precision) {
  SSCVAE_ASSERT(can_fuse(*fused.convolution));
  return std::make_unique<ConvolutionStep>(fused, precision);
}

StepPtr make_expansion(const graph::Node& node, Value output, Precision precision) {
  return std::make_unique<ExpansionStep>(node.name, "transposed convolution 2x2", node.inputs[0], output,
                                         phases_of(std::get<graph::TransposedConvolution>(node.operation)), precision);
}

StepPtr make_shuffled(const graph::Node& convolution, Value output, Precision precision) {
  return std::make_unique<ExpansionStep>(convolution.name, "convolution 1x1, pixel shuffle", convolution.inputs[0],
                                         output, phases_of(std::get<graph::Convolution>(convolution.operation)),
                                         precision);
}

StepPtr make_halving(const graph::Node& node, Value output, Precision precision) {
  return std::make_unique<HalvingStep>(node, output, precision);
}

StepPtr make_composed(const graph::Node& expansion, const FusedConvolution& fused) {
  return std::make_unique<ComposedStep>(expansion, fused);
}

}  // namespace sscvae::engine
