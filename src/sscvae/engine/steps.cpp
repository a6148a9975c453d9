#include "sscvae/engine/steps.h"

#include <ATen/Parallel.h>
#include <ATen/ops/bmm.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <array>
#include <optional>

#include "sscvae/core/error.h"
#include "sscvae/engine/compose.h"
#include "sscvae/graph/interpreter.h"
#include "sscvae/kernels/amx_convolution.h"
#include "sscvae/kernels/group_norm.h"
#include "sscvae/kernels/noise_shrink.h"
#include "sscvae/kernels/pointwise.h"
#include "sscvae/kernels/winograd.h"
#include "sscvae/nn/lista_fused.h"

namespace sscvae::engine {

namespace {

int64_t positions_of(const at::Tensor& map) { return map.size(0) * map.size(2) * map.size(3); }

using graph::Value;
using kernels::AmxConvolution;

constexpr auto kChannelsLast = at::MemoryFormat::ChannelsLast;
constexpr int64_t kFewChannels = 3;     // below, the taps of a 3x3 convolution are laid side by side
constexpr int64_t kVector = 16;         // channels that the kernels want a multiple of
constexpr int64_t kShrunkAtOnce = 256;  // positions that are worth a thread
constexpr int64_t kAttended = 1024;     // positions whose scores are held at once

bool is_image_convolution(const graph::Convolution& c) {
  return c.weight.size(1) <= kFewChannels && c.weight.size(2) == 3;
}

at::ScalarType map_type(Precision precision) { return precision == Precision::kBf16 ? at::kBFloat16 : at::kFloat; }

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
at::Tensor lay_out_taps(const at::Tensor& image, at::ScalarType type, Arena& arena) {
  const int64_t count = image.size(0), channels = image.size(1), height = image.size(2), width = image.size(3);
  const int64_t depth = (9 * channels + kVector - 1) / kVector * kVector;
  const at::Tensor bordered = at::zeros({count, height + 2, width + 2, channels}, type);
  bordered.narrow(1, 1, height).narrow(2, 1, width).copy_(image.permute({0, 2, 3, 1}));
  at::Tensor taps = arena.map({count, depth, height, width}, type);
  const auto fill = [&](auto* from, auto* to) {
    at::parallel_for(0, count * height, 8, [&](int64_t begin, int64_t end) {
      for (int64_t line = begin; line < end; ++line)
        lay_out_line(from + (line + line / height * 2) * (width + 2) * channels, width, channels, depth,
                     to + line * width * depth);
    });
  };
  if (type == at::kFloat) fill(bordered.const_data_ptr<float>(), taps.mutable_data_ptr<float>());
  else fill(bordered.const_data_ptr<c10::BFloat16>(), taps.mutable_data_ptr<c10::BFloat16>());
  return taps;
}

/// The weight of that convolution as a 1x1 one: [C',16 n,1,1].
at::Tensor weight_for_taps(const at::Tensor& weight) {
  const int64_t channels = weight.size(1), depth = (9 * channels + kVector - 1) / kVector * kVector;
  at::Tensor laid = at::zeros({weight.size(0), depth, 1, 1});
  laid.narrow(1, 0, 9 * channels).copy_(weight.permute({0, 2, 3, 1}).reshape({weight.size(0), 9 * channels, 1, 1}));
  return laid;
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
        type_(map_type(precision)) {
    const graph::Convolution& c = *fused.convolution;
    const at::Tensor weight = on_image_ ? weight_for_taps(c.weight) : c.weight;
    out_channels_ = (fused.appended ? fused.appended->weight : c.weight).size(0);
    if (precision == Precision::kBf16) {
      const bool wide = weight.size(2) == 3;
      amx_.emplace(weight, c.bias, wide ? kernels::Taps{3, 3, -1, -1} : kernels::Taps{});
      if (fused.appended) amx_->append(fused.appended->weight, fused.appended->bias);
    } else if (weight.size(2) == 3) {
      winograd_.emplace(weight, c.bias);
    } else {
      pointwise_.emplace(weight, c.bias);
    }
  }

  void run(Pass& pass) const override {
    at::Tensor x = pass.map(fused_.input, on_image_ ? at::kFloat : type_);
    if (on_image_) x = lay_out_taps(x, type_, pass.arena);
    kernels::Epilogue epilogue = fused_.epilogue;
    if (fused_.residual >= 0) epilogue.residual = pass.map(fused_.residual, type_);
    const int64_t shrink = epilogue.pool ? 2 : 1;
    at::Tensor out = pass.arena.map({x.size(0), out_channels_, x.size(2) / shrink, x.size(3) / shrink},
                                    fused_.float_output ? at::kFloat : type_);
    if (amx_) amx_->run(x, out, epilogue);
    else if (winograd_) winograd_->run(x, out, epilogue);
    else pointwise_->run(x, out, epilogue);
    pass.values[static_cast<size_t>(output)] = out;
  }
  int64_t macs(const at::Tensor& result) const override {
    const int64_t weights =
        fused_.convolution->weight.numel() + (fused_.appended ? fused_.appended->weight.numel() : 0);
    return weights * positions_of(result) * (fused_.epilogue.pool ? 4 : 1);
  }

 private:
  FusedConvolution fused_;
  bool on_image_;
  at::ScalarType type_;
  int64_t out_channels_;
  std::optional<AmxConvolution> amx_;
  std::optional<kernels::Winograd> winograd_;
  std::optional<kernels::Pointwise> pointwise_;
};

/// The pixels (2y + row, 2x + column) of a map.
at::Tensor phase_of(const at::Tensor& map, int64_t row, int64_t column) {
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
    for (const graph::Convolution& phase : phases) {
      if (precision == Precision::kBf16) amx_.emplace_back(phase.weight, phase.bias, kernels::Taps{});
      else pointwise_.emplace_back(phase.weight, phase.bias);
    }
  }
  void run(Pass& pass) const override {
    const at::Tensor x = pass.map(inputs[0], type_);
    at::Tensor out = pass.arena.map({x.size(0), out_channels_, 2 * x.size(2), 2 * x.size(3)}, type_);
    for (int64_t i = 0; i < 4; ++i) {
      at::Tensor phase = phase_of(out, i / 2, i % 2);
      if (amx_.empty()) pointwise_[static_cast<size_t>(i)].run(x, phase, {});
      else amx_[static_cast<size_t>(i)].run(x, phase, {});
    }
    pass.values[static_cast<size_t>(output)] = out;
  }
  int64_t macs(const at::Tensor& result) const override { return weights_ * positions_of(result); }

 private:
  at::ScalarType type_;
  int64_t out_channels_, weights_;
  std::vector<AmxConvolution> amx_;
  std::vector<kernels::Pointwise> pointwise_;
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
    const auto every_fourth = [i](const at::Tensor& t) { return t.slice(0, i, t.size(0), 4).contiguous(); };
    phases[static_cast<size_t>(i)] = {every_fourth(op.weight), op.bias.defined() ? every_fourth(op.bias) : op.bias, 1,
                                      0};
  }
  return phases;
}

/// A 2x2 convolution, stride 2: the four pixels side by side as channels, then a 1x1 convolution.
class HalvingStep : public Step {
 public:
  HalvingStep(const graph::Node& node, Value makes, Precision precision)
      : Step(node.name, "convolution 2x2, stride 2", node.inputs, makes), type_(map_type(precision)) {
    const auto& op = std::get<graph::Convolution>(node.operation);
    out_channels_ = op.weight.size(0);
    weights_ = op.weight.numel();
    const at::Tensor laid = op.weight.permute({0, 2, 3, 1}).reshape({out_channels_, -1, 1, 1}).contiguous();
    if (precision == Precision::kBf16) amx_.emplace(laid, op.bias, kernels::Taps{});
    else pointwise_.emplace(laid, op.bias);
  }
  void run(Pass& pass) const override {
    const at::Tensor x = pass.map(inputs[0], type_);
    const int64_t channels = x.size(1), height = x.size(2) / 2, width = x.size(3) / 2;
    at::Tensor blocks = pass.arena.map({x.size(0), 4 * channels, height, width}, type_);
    for (int64_t i = 0; i < 4; ++i)
      blocks.narrow(1, i * channels, channels).copy_(phase_of(x, i / 2, i % 2).slice(2, 0, height).slice(3, 0, width));
    at::Tensor out = pass.arena.map({x.size(0), out_channels_, height, width}, type_);
    if (amx_) amx_->run(blocks, out, {});
    else pointwise_->run(blocks, out, {});
    pass.values[static_cast<size_t>(output)] = out;
  }
  int64_t macs(const at::Tensor& result) const override { return weights_ * positions_of(result); }

 private:
  at::ScalarType type_;
  int64_t out_channels_, weights_;
  std::optional<AmxConvolution> amx_;
  std::optional<kernels::Pointwise> pointwise_;
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
      phases_.emplace_back(phase.weight, at::Tensor(), kernels::Taps{2, 2, phase.row - 1, phase.column - 1},
                           phase.edge_biases);
  }
  void run(Pass& pass) const override {
    const at::Tensor x = pass.map(inputs[0], at::kBFloat16);
    at::Tensor out = pass.arena.map({x.size(0), out_channels_, 2 * x.size(2), 2 * x.size(3)}, at::kBFloat16);
    for (int64_t i = 0; i < 4; ++i) {
      at::Tensor phase = phase_of(out, i / 2, i % 2);
      phases_[static_cast<size_t>(i)].run(x, phase, epilogue_);
    }
    pass.values[static_cast<size_t>(output)] = out;
  }
  int64_t macs(const at::Tensor& result) const override { return weights_ * positions_of(result); }

 private:
  kernels::Epilogue epilogue_;
  int64_t out_channels_, weights_;
  std::vector<AmxConvolution> phases_;
};

class GroupNormStep : public Step {
 public:
  GroupNormStep(const graph::Node& node, kernels::Act act, Value makes, Precision precision)
      : Step(node.name, act == kernels::Act::kNone ? "group norm" : "group norm, activation", node.inputs, makes),
        node_(std::get<graph::GroupNorm>(node.operation)),
        act_(act),
        type_(map_type(precision)) {}
  void run(Pass& pass) const override {
    const at::Tensor x = pass.map(inputs[0], type_);
    at::Tensor out = pass.arena.map(x.sizes(), type_);
    kernels::group_norm(x, node_.groups, node_.epsilon, node_.weight, node_.bias, act_, out);
    pass.values[static_cast<size_t>(output)] = out;
  }

 private:
  graph::GroupNorm node_;
  kernels::Act act_;
  at::ScalarType type_;
};

/// Scores of a chunk of keys (or of queries, whichever the softmax leaves apart) at a time.
class AttentionStep : public Step {
 public:
  AttentionStep(const graph::Node& node, Value makes, Precision precision)
      : Step(node.name, "attention", node.inputs, makes),
        node_(std::get<graph::Attention>(node.operation)),
        type_(map_type(precision)) {}
  void run(Pass& pass) const override {
    std::array<at::Tensor, 3> maps;
    for (size_t i = 0; i < 3; ++i) maps[i] = pass.map(inputs[i], type_);
    at::Tensor out = pass.arena.map(maps[2].sizes(), type_);
    for (int64_t image = 0; image < out.size(0); ++image) {
      const auto rows = [&](const at::Tensor& map) {
        return map.select(0, image).permute({1, 2, 0}).reshape({-1, map.size(1)});
      };
      const at::Tensor result = attend(rows(maps[0]), rows(maps[1]), rows(maps[2]));
      out.select(0, image).permute({1, 2, 0}).copy_(result.view({out.size(2), out.size(3), out.size(1)}));
    }
    pass.values[static_cast<size_t>(output)] = out;
  }
  int64_t macs(const at::Tensor& result) const override {
    return 2 * positions_of(result) * result.size(2) * result.size(3) * result.size(1);
  }

 private:
  /// Rows of positions, [P,c]; the result is float32.
  at::Tensor attend(const at::Tensor& queries, const at::Tensor& keys, const at::Tensor& values) const {
    const int64_t positions = queries.size(0);
    const bool over_keys = node_.axis == nn::SoftmaxAxis::kKeys;
    at::Tensor result = at::zeros(values.sizes(), at::kFloat);
    for (int64_t first = 0; first < positions; first += kAttended) {
      const int64_t count = std::min(kAttended, positions - first);
      if (over_keys) {
        const at::Tensor weights = at::softmax(scores(queries.narrow(0, first, count), keys), 1);
        result.narrow(0, first, count).copy_(at::mm(weights.to(type_), values));
      } else {
        // A row for each key: its softmax over queries runs along memory.
        const at::Tensor weights = at::softmax(scores(keys.narrow(0, first, count), queries), 1);
        result += at::mm(weights.to(type_).t(), values.narrow(0, first, count));
      }
    }
    return result;
  }
  /// scale A B^T in float32: rounded scores would be far off once they are exponents.
  at::Tensor scores(const at::Tensor& a, const at::Tensor& b) const {
    if (type_ == at::kFloat) return at::mm(a, b.t()) * node_.scale;
    const at::Tensor weight = (b.to(at::kFloat) * node_.scale).unsqueeze(2).unsqueeze(3);
    at::Tensor result = at::empty({a.size(0), b.size(0)}, at::kFloat);
    at::Tensor as_map = result.view({1, 1, a.size(0), b.size(0)}).permute({0, 3, 1, 2});
    const at::Tensor x = a.view({1, 1, a.size(0), a.size(1)}).permute({0, 3, 1, 2});
    AmxConvolution(weight, {}, kernels::Taps{}).run(x, as_map, {});
    return result;
  }
  graph::Attention node_;
  at::ScalarType type_;
};

/// Tied iterations by the tiled kernel, those with free weights as graph::run_node does them.
class SparseCodeStep : public Step {
 public:
  SparseCodeStep(const graph::Node& node, Value makes, Precision precision)
      : Step(node.name, "sparse code", node.inputs, makes),
        node_(node),
        precision_(precision == Precision::kBf16 ? kernels::Precision::kBfloat16 : kernels::Precision::kFloat32) {}
  void run(Pass& pass) const override {
    const auto& op = std::get<graph::SparseCode>(node_.operation);
    const at::Tensor x = pass.map(inputs[0], at::kFloat), theta = pass.map(inputs[1], at::kFloat);
    at::Tensor& code = pass.values[static_cast<size_t>(output)];
    if (!op.filters.empty()) {
      code = graph::run_node(node_, {x, theta});
      return;
    }
    const auto rows = [](const at::Tensor& map) { return map.permute({0, 2, 3, 1}).reshape({-1, map.size(1)}); };
    const bool shared = theta.size(0) == 1 && theta.size(2) == 1 && theta.size(3) == 1;
    const at::Tensor thresholds =
        shared ? theta.reshape({1, -1}) : rows(theta.expand({x.size(0), theta.size(1), x.size(2), x.size(3)}));
    code = nn::lista_fused(rows(x), op.dictionary, op.lipschitz, thresholds, op.num_iterations, op.initial_code,
                           precision_)
               .view({x.size(0), x.size(2), x.size(3), -1})
               .permute({0, 3, 1, 2});
  }
  int64_t macs(const at::Tensor& result) const override {
    const auto& op = std::get<graph::SparseCode>(node_.operation);
    const int64_t length = op.dictionary.size(0), atoms = op.dictionary.size(1);
    const bool from_zero = op.initial_code == nn::InitialCode::kZero;  // whose first step has no product with S
    const int64_t steps = op.num_iterations - (from_zero && op.num_iterations > 0 ? 1 : 0);
    return positions_of(result) * (length * atoms + steps * atoms * atoms) + length * atoms * atoms;
  }

 private:
  graph::Node node_;
  kernels::Precision precision_;
};

class LibraryConvolutionStep : public Step {
 public:
  LibraryConvolutionStep(const graph::Node& node, Value makes, Precision precision)
      : Step(node.name, "convolution (LibTorch)", node.inputs, makes),
        convolution_(std::get<graph::Convolution>(node.operation)),
        type_(map_type(precision)) {
    convolution_.weight = convolution_.weight.to(type_).contiguous(kChannelsLast);
    if (convolution_.bias.defined()) convolution_.bias = convolution_.bias.to(type_);
  }
  void run(Pass& pass) const override {
    pass.values[static_cast<size_t>(output)] = at::conv2d(pass.map(inputs[0], type_), convolution_.weight,
                                                          convolution_.bias, convolution_.stride, convolution_.padding);
  }
  int64_t macs(const at::Tensor& result) const override { return convolution_.weight.numel() * positions_of(result); }

 private:
  graph::Convolution convolution_;
  at::ScalarType type_;
};

class NoiseShrinkageStep : public Step {
 public:
  NoiseShrinkageStep(const graph::Node& node, Value makes)
      : Step(node.name, "shrinkage", node.inputs, makes),
        node_(std::get<graph::NoiseShrinkage>(node.operation)),
        floor_(node_.floor.contiguous()),
        slope_(node_.slope.contiguous()) {}
  void run(Pass& pass) const override {
    const at::Tensor step = pass.map(inputs[0], at::kFloat), sigma = pass.map(inputs[1], at::kFloat);
    at::Tensor previous, factors;
    if (node_.has_previous) previous = pass.map(inputs[2], at::kFloat);
    if (node_.has_factors) factors = pass.map(inputs.back(), at::kFloat);
    at::Tensor code = pass.arena.map(step.sizes(), at::kFloat);
    const int64_t atoms = step.size(1), positions = step.size(2) * step.size(3);
    for (int64_t image = 0; image < step.size(0); ++image) {
      kernels::NoiseShrink shrink{nullptr,
                                  nullptr,
                                  nullptr,
                                  floor_.const_data_ptr<float>(),
                                  slope_.const_data_ptr<float>(),
                                  sigma.const_data_ptr<float>()[image * positions],
                                  atoms};
      at::parallel_for(0, positions, kShrunkAtOnce, [&](int64_t begin, int64_t end) {
        const int64_t offset = (image * positions + begin) * atoms;
        kernels::NoiseShrink part = shrink;
        part.step = step.const_data_ptr<float>() + offset;
        if (previous.defined()) part.previous = previous.const_data_ptr<float>() + offset;
        if (factors.defined()) part.factors = factors.const_data_ptr<float>() + offset;
        kernels::noise_shrink(part, code.mutable_data_ptr<float>() + offset, end - begin);
      });
    }
    pass.values[static_cast<size_t>(output)] = code;
  }

 private:
  graph::NoiseShrinkage node_;
  at::Tensor floor_, slope_;
};

class NearestCodeStep : public Step {
 public:
  NearestCodeStep(const graph::Node& node, Value makes)
      : Step(node.name, "nearest code", node.inputs, makes),
        codebook_(std::get<graph::NearestCode>(node.operation).codebook),
        lengths_(codebook_.square().sum(1)) {}
  void run(Pass& pass) const override {
    const at::Tensor x = pass.map(inputs[0], at::kFloat);
    const at::Tensor rows = x.permute({0, 2, 3, 1}).reshape({-1, x.size(1)});
    const at::Tensor nearest = (lengths_ - 2 * at::mm(rows, codebook_.t())).argmin(1);
    pass.indices = nearest.view({x.size(0), x.size(2), x.size(3)});
    pass.values[static_cast<size_t>(output)] =
        codebook_.index_select(0, nearest).view({x.size(0), x.size(2), x.size(3), -1}).permute({0, 3, 1, 2});
  }

  int64_t macs(const at::Tensor& result) const override { return positions_of(result) * codebook_.numel(); }

 private:
  at::Tensor codebook_, lengths_;
};

/// Of what the model multiplies outside of fused steps.
struct CountMacs {
  const at::Tensor& result;
  int64_t operator()(const graph::Convolution& op) const { return op.weight.numel() * positions_of(result); }
  int64_t operator()(const graph::TransposedConvolution& op) const {
    return op.weight.numel() * positions_of(result) / 4;
  }
  int64_t operator()(const graph::Cbam& op) const {  // two descriptors through both layers; then the map
    return result.size(0) * 2 * (op.squeeze.numel() + op.excite.numel()) +
           op.convolution.numel() * positions_of(result);
  }
  template <class Operation>
  int64_t operator()(const Operation&) const {
    return 0;
  }
};

class PlainStep : public Step {
 public:
  PlainStep(const graph::Node& node, Value makes)
      : Step(node.name, graph::name_of(node.operation), node.inputs, makes), node_(node) {}
  void run(Pass& pass) const override {
    std::vector<at::Tensor> maps;
    for (const Value input : inputs) maps.push_back(pass.map(input, at::kFloat));
    pass.values[static_cast<size_t>(output)] = graph::run_node(node_, maps);
  }

  int64_t macs(const at::Tensor& result) const override { return std::visit(CountMacs{result}, node_.operation); }

 private:
  graph::Node node_;
};

}  // namespace

at::Tensor Pass::map(Value value, at::ScalarType type) {
  at::Tensor& tensor = values[static_cast<size_t>(value)];
  if (tensor.scalar_type() == type && tensor.is_contiguous(kChannelsLast)) return tensor;
  at::Tensor converted = arena.map(tensor.sizes(), type);
  converted.copy_(tensor);
  return converted;
}

bool can_fuse(const graph::Convolution& c) {
  const int64_t kernel = c.weight.size(2);
  const bool size = (kernel == 1 && c.padding == 0) || (kernel == 3 && c.padding == 1);
  return c.stride == 1 && size && (c.weight.size(1) % kVector == 0 || is_image_convolution(c));
}

StepPtr make_convolution(const FusedConvolution& fused, Precision precision) {
  SSCVAE_ASSERT(can_fuse(*fused.convolution));
  return std::make_unique<ConvolutionStep>(fused, precision);
}
bool can_halve(const graph::Convolution& c) {
  return c.stride == 2 && c.padding == 0 && c.weight.size(2) == 2 && c.weight.size(1) % kVector == 0;
}
StepPtr make_halving(const graph::Node& node, Value output, Precision precision) {
  return std::make_unique<HalvingStep>(node, output, precision);
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
StepPtr make_composed(const graph::Node& expansion, const FusedConvolution& fused) {
  return std::make_unique<ComposedStep>(expansion, fused);
}
StepPtr make_group_norm(const graph::Node& node, kernels::Act activation, Value output, Precision precision) {
  return std::make_unique<GroupNormStep>(node, activation, output, precision);
}
StepPtr make_attention(const graph::Node& node, Value output, Precision precision) {
  return std::make_unique<AttentionStep>(node, output, precision);
}
StepPtr make_sparse_code(const graph::Node& node, Value output, Precision precision) {
  return std::make_unique<SparseCodeStep>(node, output, precision);
}
StepPtr make_library_convolution(const graph::Node& node, Value output, Precision precision) {
  return std::make_unique<LibraryConvolutionStep>(node, output, precision);
}
StepPtr make_noise_shrinkage(const graph::Node& node, Value output) {
  return std::make_unique<NoiseShrinkageStep>(node, output);
}
StepPtr make_nearest_code(const graph::Node& node, Value output) {
  return std::make_unique<NearestCodeStep>(node, output);
}
StepPtr make_plain(const graph::Node& node, Value output) { return std::make_unique<PlainStep>(node, output); }

}  // namespace sscvae::engine
