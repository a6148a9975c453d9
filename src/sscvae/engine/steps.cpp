#include "sscvae/engine/steps.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <array>

#include "sscvae/graph/interpreter.h"
#include "sscvae/kernels/bfloat16_convolution.h"
#include "sscvae/kernels/group_norm.h"
#include "sscvae/kernels/group_shrink.h"
#include "sscvae/kernels/noise_shrink.h"
#include "sscvae/nn/lista_fused.h"

namespace sscvae::engine {

namespace {

using graph::Value;
using kernels::Bfloat16Convolution;

constexpr int64_t kShrunkAtOnce = 256;  // positions that are worth a thread
constexpr int64_t kAttended = 1024;     // positions whose scores are held at once

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
    const bool over_keys = node_.axis == graph::SoftmaxAxis::kKeys;
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
    Bfloat16Convolution(weight, {}, kernels::Taps{}).run(x, as_map, {});
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
    const bool from_zero = op.initial_code == networks::InitialCode::kZero;  // whose first step has no product with S
    const int64_t steps = op.num_iterations - (from_zero && op.num_iterations > 0 ? 1 : 0);
    return positions_of(result) * (length * atoms + steps * atoms * atoms) + length * atoms * atoms;
  }

 private:
  graph::Node node_;
  kernels::Precision precision_;
};

class NoiseLevelStep : public Step {
 public:
  NoiseLevelStep(const graph::Node& node, Value makes)
      : Step(node.name, "noise level", node.inputs, makes), node_(node) {}
  void run(Pass& pass) const override {
    graph::Node node = node_;
    if (pass.noise_level) std::get<graph::NoiseLevel>(node.operation).sigma = pass.noise_level;
    pass.values[static_cast<size_t>(output)] = graph::run_node(node, {pass.map(inputs[0], at::kFloat)});
  }

 private:
  graph::Node node_;
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

class GroupShrinkageStep : public Step {
 public:
  GroupShrinkageStep(const graph::Node& node, Value makes)
      : Step(node.name, "grouped shrinkage", node.inputs, makes),
        node_(std::get<graph::GroupShrinkage>(node.operation)) {
    for (at::Tensor* numbers : {&node_.floor, &node_.slope, &node_.own}) *numbers = numbers->contiguous();
  }
  void run(Pass& pass) const override {
    const at::Tensor step = pass.map(inputs[0], at::kFloat), sigma = pass.map(inputs[1], at::kFloat);
    const at::Tensor pooled = pass.map(inputs[2], at::kFloat);
    at::Tensor code = pass.arena.map(step.sizes(), at::kFloat);
    const int64_t atoms = step.size(1), positions = step.size(2) * step.size(3);
    for (int64_t image = 0; image < step.size(0); ++image)
      at::parallel_for(0, positions, kShrunkAtOnce, [&](int64_t begin, int64_t end) {
        const int64_t offset = (image * positions + begin) * atoms;
        const kernels::GroupShrink part{step.const_data_ptr<float>() + offset,
                                        pooled.const_data_ptr<float>() + offset,
                                        node_.own.const_data_ptr<float>(),
                                        node_.floor.const_data_ptr<float>(),
                                        node_.slope.const_data_ptr<float>(),
                                        sigma.const_data_ptr<float>()[image * positions],
                                        atoms};
        kernels::group_shrink(part, code.mutable_data_ptr<float>() + offset, end - begin);
      });
    pass.values[static_cast<size_t>(output)] = code;
  }

 private:
  graph::GroupShrinkage node_;
};

class UnfoldedCodeStep : public Step {
 public:
  UnfoldedCodeStep(const UnfoldedChain& chain, const std::string& step_name)
      : Step(step_name, "unfolded sparse code", inputs_of(chain), chain.code),
        macs_(chain.macs),
        coder_(chain.iterations) {}
  void run(Pass& pass) const override {
    const at::Tensor blocks = pass.map(inputs[0], at::kFloat), levels = pass.map(inputs[1], at::kFloat);
    std::vector<float> sigma;
    for (int64_t i = 0; i < levels.size(0); ++i) sigma.push_back(levels[i].const_data_ptr<float>()[0]);
    const at::Tensor factors = inputs.size() > 2 ? pass.map(inputs[2], at::kFloat) : at::Tensor();
    pass.values[static_cast<size_t>(output)] =
        coder_.run(blocks, sigma, factors, [&](at::IntArrayRef sizes) { return pass.arena.map(sizes, at::kFloat); });
  }
  int64_t macs(const at::Tensor& result) const override { return macs_ * positions_of(result); }

 private:
  static std::vector<Value> inputs_of(const UnfoldedChain& chain) {
    std::vector<Value> values{chain.blocks, chain.sigma};
    if (chain.factors >= 0) values.push_back(chain.factors);
    return values;
  }
  int64_t macs_;
  kernels::UnfoldedCoder coder_;
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

int64_t positions_of(const at::Tensor& map) { return map.size(0) * map.size(2) * map.size(3); }

at::ScalarType map_type(Precision precision) { return precision == Precision::kBf16 ? at::kBFloat16 : at::kFloat; }

at::Tensor Pass::map(Value value, at::ScalarType type) {
  at::Tensor& tensor = values[static_cast<size_t>(value)];
  if (tensor.scalar_type() == type && tensor.is_contiguous(at::MemoryFormat::ChannelsLast)) return tensor;
  at::Tensor converted = arena.map(tensor.sizes(), type);
  converted.copy_(tensor);
  return converted;
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

StepPtr make_noise_level(const graph::Node& node, Value output) {
  return std::make_unique<NoiseLevelStep>(node, output);
}

StepPtr make_noise_shrinkage(const graph::Node& node, Value output) {
  return std::make_unique<NoiseShrinkageStep>(node, output);
}

StepPtr make_group_shrinkage(const graph::Node& node, Value output) {
  return std::make_unique<GroupShrinkageStep>(node, output);
}

StepPtr make_unfolded_code(const UnfoldedChain& chain, const std::string& name) {
  return std::make_unique<UnfoldedCodeStep>(chain, name);
}

StepPtr make_nearest_code(const graph::Node& node, Value output) {
  return std::make_unique<NearestCodeStep>(node, output);
}

StepPtr make_plain(const graph::Node& node, Value output) { return std::make_unique<PlainStep>(node, output); }

}  // namespace sscvae::engine
