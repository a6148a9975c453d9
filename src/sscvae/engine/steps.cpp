#include "sscvae/engine/steps.h"

#include <algorithm>
#include <array>

#include "sscvae/array/array.h"
#include "sscvae/array/elementwise.h"
#include "sscvae/array/parallel.h"
#include "sscvae/array/products.h"
#include "sscvae/array/reductions.h"
#include "sscvae/array/selection.h"
#include "sscvae/graph/interpreter.h"
#include "sscvae/kernels/convolution.h"
#include "sscvae/kernels/group_norm.h"
#include "sscvae/kernels/group_shrink.h"
#include "sscvae/kernels/lista_kernel.h"
#include "sscvae/kernels/noise_shrink.h"

namespace sscvae::engine {

namespace {

using graph::Value;

constexpr int64_t kShrunkAtOnce = 256;  // positions that are worth a thread
constexpr int64_t kProductDepth = 16;   // the kernel of products wants a multiple
constexpr int64_t kAttended = 1024;     // positions whose scores are held at once

class GroupNormStep : public Step {
 public:
  GroupNormStep(const graph::Node& node, kernels::Act act, Value makes, Precision precision)
      : Step(node.name, act == kernels::Act::kNone ? "group norm" : "group norm, activation", node.inputs, makes),
        node_(std::get<graph::GroupNorm>(node.operation)),
        act_(act),
        type_(map_type(precision)) {}
  void run(Pass& pass) const override {
    const Array x = pass.map(inputs[0], type_);
    Array out = pass.arena.map(x.sizes(), type_);
    kernels::group_norm(x, node_.groups, node_.epsilon, node_.weight, node_.bias, act_, out);
    pass.values[static_cast<size_t>(output)] = out;
  }

 private:
  graph::GroupNorm node_;
  kernels::Act act_;
  DataType type_;
};

/// Scores of a chunk of keys (or of queries, whichever the softmax leaves apart) at a time.
class AttentionStep : public Step {
 public:
  AttentionStep(const graph::Node& node, Value makes, Precision precision)
      : Step(node.name, "attention", node.inputs, makes),
        node_(std::get<graph::Attention>(node.operation)),
        type_(map_type(precision)) {}
  void run(Pass& pass) const override {
    std::array<Array, 3> maps;
    for (size_t i = 0; i < 3; ++i) maps[i] = pass.map(inputs[i], type_);
    Array out = pass.arena.map(maps[2].sizes(), type_);
    for (int64_t image = 0; image < out.size(0); ++image) {
      const auto rows = [&](const Array& map) {
        return map.select(0, image).permute({1, 2, 0}).reshape({-1, map.size(1)});
      };
      const Array result = attend(rows(maps[0]), rows(maps[1]), rows(maps[2]));
      out.select(0, image).permute({1, 2, 0}).copy_(result.view({out.size(2), out.size(3), out.size(1)}));
    }
    pass.values[static_cast<size_t>(output)] = out;
  }
  int64_t macs(const Array& result) const override {
    return 2 * positions_of(result) * result.size(2) * result.size(3) * result.size(1);
  }

 private:
  /// Rows of positions, [P,c]; the result is float32.
  Array attend(const Array& queries, const Array& keys, const Array& values) const {
    const int64_t positions = queries.size(0);
    const bool over_keys = node_.axis == graph::SoftmaxAxis::kKeys;
    Array result = Array::zeros(values.sizes(), kFloat32);
    for (int64_t first = 0; first < positions; first += kAttended) {
      const int64_t count = std::min(kAttended, positions - first);
      if (over_keys) {
        const Array weights = softmax(scores(queries.narrow(0, first, count), keys), 1);
        result.narrow(0, first, count).copy_(product(weights, values.t()));
      } else {
        // A row for each key: its softmax over queries runs along memory.
        const Array weights = softmax(scores(keys.narrow(0, first, count), queries), 1);
        result += product(weights.t(), values.narrow(0, first, count).t());
      }
    }
    return result;
  }
  /// scale A B^T.
  Array scores(const Array& a, const Array& b) const { return product(a, b.to(kFloat32) * node_.scale); }
  /// A B^T in float32 (rounded scores would be far off once they are exponents) as a convolution of side 1 on rows.
  Array product(const Array& a, const Array& b) const {
    const int64_t rows = a.size(0), depth = a.size(1), columns = b.size(0);
    if (depth % kProductDepth != 0) return mm(a, b.t());
    const Array x = a.to(type_).contiguous().view({1, 1, rows, depth}).permute({0, 3, 1, 2});
    const Array weight = b.to(kFloat32).unsqueeze(2).unsqueeze(3), result = Array::empty({rows, columns});
    Array as_map = result.view({1, 1, rows, columns}).permute({0, 3, 1, 2});
    kernels::Convolution({weight, {}, type_}).run(x, as_map);
    return result;
  }
  graph::Attention node_;
  DataType type_;
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
    const Array x = pass.map(inputs[0], kFloat32), theta = pass.map(inputs[1], kFloat32);
    Array& code = pass.values[static_cast<size_t>(output)];
    if (!op.filters.empty()) {
      code = graph::run_node(node_, {x, theta});
      return;
    }
    const auto rows = [](const Array& map) { return map.permute({0, 2, 3, 1}).reshape({-1, map.size(1)}); };
    const bool shared = theta.size(0) == 1 && theta.size(2) == 1 && theta.size(3) == 1;
    const Array thresholds =
        shared ? theta.reshape({1, -1}) : rows(theta.expand({x.size(0), theta.size(1), x.size(2), x.size(3)}));
    code = kernels::lista_forward({rows(x), op.dictionary, op.lipschitz, thresholds, op.num_iterations,
                                   op.initial_code == graph::InitialCode::kProjected, precision_})
               .view({x.size(0), x.size(2), x.size(3), -1})
               .permute({0, 3, 1, 2});
  }
  int64_t macs(const Array& result) const override {
    const auto& op = std::get<graph::SparseCode>(node_.operation);
    const int64_t length = op.dictionary.size(0), atoms = op.dictionary.size(1);
    const bool from_zero = op.initial_code == graph::InitialCode::kZero;  // whose first step has no product with S
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
    pass.values[static_cast<size_t>(output)] = graph::run_node(node, {pass.map(inputs[0], kFloat32)});
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
    const Array step = pass.map(inputs[0], kFloat32), sigma = pass.map(inputs[1], kFloat32);
    Array previous, factors;
    if (node_.has_previous) previous = pass.map(inputs[2], kFloat32);
    if (node_.has_factors) factors = pass.map(inputs.back(), kFloat32);
    Array code = pass.arena.map(step.sizes(), kFloat32);
    const int64_t atoms = step.size(1), positions = step.size(2) * step.size(3);
    for (int64_t image = 0; image < step.size(0); ++image) {
      kernels::NoiseShrink shrink{
          nullptr, nullptr, nullptr, floor_.data<float>(), slope_.data<float>(), sigma.data<float>()[image * positions],
          atoms};
      parallel_for(0, positions, kShrunkAtOnce, [&](int64_t begin, int64_t end) {
        const int64_t offset = (image * positions + begin) * atoms;
        kernels::NoiseShrink part = shrink;
        part.step = step.data<float>() + offset;
        if (previous.defined()) part.previous = previous.data<float>() + offset;
        if (factors.defined()) part.factors = factors.data<float>() + offset;
        kernels::noise_shrink(part, code.data<float>() + offset, end - begin);
      });
    }
    pass.values[static_cast<size_t>(output)] = code;
  }

 private:
  graph::NoiseShrinkage node_;
  Array floor_, slope_;
};

class GroupShrinkageStep : public Step {
 public:
  GroupShrinkageStep(const graph::Node& node, Value makes)
      : Step(node.name, "grouped shrinkage", node.inputs, makes),
        node_(std::get<graph::GroupShrinkage>(node.operation)) {
    for (Array* numbers : {&node_.floor, &node_.slope, &node_.own}) *numbers = numbers->contiguous();
  }
  void run(Pass& pass) const override {
    const Array step = pass.map(inputs[0], kFloat32), sigma = pass.map(inputs[1], kFloat32);
    const Array pooled = pass.map(inputs[2], kFloat32);
    Array code = pass.arena.map(step.sizes(), kFloat32);
    const int64_t atoms = step.size(1), positions = step.size(2) * step.size(3);
    for (int64_t image = 0; image < step.size(0); ++image)
      parallel_for(0, positions, kShrunkAtOnce, [&](int64_t begin, int64_t end) {
        const int64_t offset = (image * positions + begin) * atoms;
        const kernels::GroupShrink part{step.data<float>() + offset,
                                        pooled.data<float>() + offset,
                                        node_.own.data<float>(),
                                        node_.floor.data<float>(),
                                        node_.slope.data<float>(),
                                        sigma.data<float>()[image * positions],
                                        atoms};
        kernels::group_shrink(part, code.data<float>() + offset, end - begin);
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
    const Array blocks = pass.map(inputs[0], kFloat32), levels = pass.map(inputs[1], kFloat32);
    std::vector<float> sigma;
    for (int64_t i = 0; i < levels.size(0); ++i) sigma.push_back(levels.select(0, i).data<float>()[0]);
    const Array factors = inputs.size() > 2 ? pass.map(inputs[2], kFloat32) : Array();
    pass.values[static_cast<size_t>(output)] =
        coder_.run(blocks, sigma, factors, [&](const Sizes& sizes) { return pass.arena.map(sizes, kFloat32); });
  }
  int64_t macs(const Array& result) const override { return macs_ * positions_of(result); }

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
        lengths_(sum(square(codebook_), {1})) {}
  void run(Pass& pass) const override {
    const Array x = pass.map(inputs[0], kFloat32);
    const Array rows = x.permute({0, 2, 3, 1}).reshape({-1, x.size(1)});
    const Array nearest = argmin(lengths_ - 2 * mm(rows, codebook_.t()), 1);
    pass.indices = nearest.view({x.size(0), x.size(2), x.size(3)});
    pass.values[static_cast<size_t>(output)] =
        index_select(codebook_, 0, nearest).view({x.size(0), x.size(2), x.size(3), -1}).permute({0, 3, 1, 2});
  }

  int64_t macs(const Array& result) const override { return positions_of(result) * codebook_.numel(); }

 private:
  Array codebook_, lengths_;
};

/// Of what the model multiplies outside of fused steps.
struct CountMacs {
  const Array& result;
  int64_t operator()(const graph::Convolution& op) const { return op.weight.numel() * positions_of(result); }
  int64_t operator()(const graph::TransposedConvolution& op) const {
    return op.weight.numel() * positions_of(result) / 4;
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
    std::vector<Array> maps;
    for (const Value input : inputs) maps.push_back(pass.map(input, kFloat32));
    pass.values[static_cast<size_t>(output)] = graph::run_node(node_, maps);
  }

  int64_t macs(const Array& result) const override { return std::visit(CountMacs{result}, node_.operation); }

 private:
  graph::Node node_;
};

}  // namespace

int64_t positions_of(const Array& map) { return map.size(0) * map.size(2) * map.size(3); }

DataType map_type(Precision precision) { return precision == Precision::kBf16 ? kBFloat16 : kFloat32; }

Array Pass::map(Value value, DataType type) {
  Array& tensor = values[static_cast<size_t>(value)];
  if (tensor.type() == type && tensor.is_contiguous(Layout::kChannelsLast)) return tensor;
  Array converted = arena.map(tensor.sizes(), type);
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
