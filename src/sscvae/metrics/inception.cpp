#include "sscvae/metrics/inception.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/avg_pool2d.h>
#include <ATen/ops/batch_norm.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/max_pool2d.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/upsample_bilinear2d.h>
#include <ATen/ops/zeros.h>

#include "sscvae/array/shape.h"
#include "sscvae/metrics/frozen_network.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/serialization/tensor_file.h"

namespace sscvae::metrics {

namespace {

constexpr double kEpsilon = 1e-3;

struct Block : torch::nn::Module {
  virtual at::Tensor forward(const at::Tensor& input) const = 0;
};

/// Scale and shift by kept statistics.
struct FrozenNormalisation : torch::nn::Module {
  explicit FrozenNormalisation(int64_t channels)
      : weight(register_parameter("weight", at::ones({channels}), false)),
        bias(register_parameter("bias", at::zeros({channels}), false)),
        mean(register_buffer("running_mean", at::zeros({channels}))),
        variance(register_buffer("running_var", at::ones({channels}))) {}
  at::Tensor weight, bias, mean, variance;
};

/// Convolution without bias, normalisation, ReLU.
struct Unit : Block {
  Unit(int64_t in, int64_t out, std::vector<int64_t> kernel, int64_t stride, std::vector<int64_t> padding)
      : convolution(register_module("conv", std::make_shared<FrozenConvolution>(in, out, std::move(kernel), stride,
                                                                                std::move(padding), false))),
        normalisation(register_module("bn", std::make_shared<FrozenNormalisation>(out))) {}
  at::Tensor forward(const at::Tensor& input) const override {
    const FrozenNormalisation& n = *normalisation;
    return at::relu(
        at::batch_norm(convolution->forward(input), n.weight, n.bias, n.mean, n.variance, false, 0, kEpsilon, false));
  }
  std::shared_ptr<FrozenConvolution> convolution;
  std::shared_ptr<FrozenNormalisation> normalisation;
};

/// A unit of a branch: its margin keeps the size where the stride is 1; a stride of 2 has none.
struct UnitSpec {
  std::string name;
  int64_t out;
  std::vector<int64_t> kernel{1, 1};
  int64_t stride = 1;
};

struct BranchSpec {
  std::vector<UnitSpec> units;
  bool forked = false;  ///< the last two units see the same input, their outputs are put side by side
};

enum class Pool { kHalve, kMean, kMaximum };  ///< kHalve: maximum with stride 2

at::Tensor halve(const at::Tensor& input) { return at::max_pool2d(input, {3, 3}, {2, 2}); }

struct Halving : Block {
  at::Tensor forward(const at::Tensor& input) const override { return halve(input); }
};

/// Branches side by side, the last one a pool.
struct Mixed : Block {
  Mixed(int64_t in, const std::vector<BranchSpec>& specs, Pool how, int64_t projected = 0) : pool(how) {
    for (const BranchSpec& spec : specs) {
      branches.push_back({{}, spec.forked});
      int64_t channels = in;
      for (size_t i = 0; i < spec.units.size(); ++i) {
        const UnitSpec& unit = spec.units[i];
        const bool second_of_fork = spec.forked && i + 1 == spec.units.size();
        branches.back().units.push_back(add(unit, second_of_fork ? spec.units[i - 2].out : channels));
        channels = unit.out;
      }
    }
    if (projected > 0) projection = add({"branch_pool", projected}, in);
  }

  at::Tensor forward(const at::Tensor& input) const override {
    std::vector<at::Tensor> outputs;
    for (const Branch& branch : branches) outputs.push_back(branch.forward(input));
    const at::Tensor pooled = pool_of(input);
    outputs.push_back(projection ? projection->forward(pooled) : pooled);
    return at::cat(outputs, 1);
  }

 private:
  struct Branch {
    std::vector<std::shared_ptr<Unit>> units;
    bool forked;
    at::Tensor forward(at::Tensor x) const {
      const size_t chain = units.size() - (forked ? 2 : 0);
      for (size_t i = 0; i < chain; ++i) x = units[i]->forward(x);
      return forked ? at::cat({units[chain]->forward(x), units[chain + 1]->forward(x)}, 1) : x;
    }
  };

  std::shared_ptr<Unit> add(const UnitSpec& spec, int64_t in) {
    std::vector<int64_t> padding{0, 0};
    if (spec.stride == 1) padding = {spec.kernel[0] / 2, spec.kernel[1] / 2};
    return register_module(spec.name, std::make_shared<Unit>(in, spec.out, spec.kernel, spec.stride, padding));
  }
  at::Tensor pool_of(const at::Tensor& input) const {
    if (pool == Pool::kHalve) return halve(input);
    if (pool == Pool::kMaximum) return at::max_pool2d(input, {3, 3}, {1, 1}, {1, 1});
    return at::avg_pool2d(input, {3, 3}, {1, 1}, {1, 1}, false, /*count_include_pad=*/false);
  }

  std::vector<Branch> branches;
  Pool pool;
  std::shared_ptr<Unit> projection;
};

using BlockPointer = std::shared_ptr<Mixed>;

/// 35x35 positions.
BlockPointer block_35(int64_t in, int64_t projected) {
  return std::make_shared<Mixed>(
      in,
      std::vector<BranchSpec>{
          {{{"branch1x1", 64}}},
          {{{"branch5x5_1", 48}, {"branch5x5_2", 64, {5, 5}}}},
          {{{"branch3x3dbl_1", 64}, {"branch3x3dbl_2", 96, {3, 3}}, {"branch3x3dbl_3", 96, {3, 3}}}}},
      Pool::kMean, projected);
}

BlockPointer block_35_to_17(int64_t in) {
  return std::make_shared<Mixed>(
      in,
      std::vector<BranchSpec>{
          {{{"branch3x3", 384, {3, 3}, 2}}},
          {{{"branch3x3dbl_1", 64}, {"branch3x3dbl_2", 96, {3, 3}}, {"branch3x3dbl_3", 96, {3, 3}, 2}}}},
      Pool::kHalve);
}

/// 17x17 positions; `inner` channels inside the branches of long kernels.
BlockPointer block_17(int64_t inner) {
  return std::make_shared<Mixed>(
      768,
      std::vector<BranchSpec>{{{{"branch1x1", 192}}},
                              {{{"branch7x7_1", inner}, {"branch7x7_2", inner, {1, 7}}, {"branch7x7_3", 192, {7, 1}}}},
                              {{{"branch7x7dbl_1", inner},
                                {"branch7x7dbl_2", inner, {7, 1}},
                                {"branch7x7dbl_3", inner, {1, 7}},
                                {"branch7x7dbl_4", inner, {7, 1}},
                                {"branch7x7dbl_5", 192, {1, 7}}}}},
      Pool::kMean, 192);
}

BlockPointer block_17_to_8() {
  return std::make_shared<Mixed>(768,
                                 std::vector<BranchSpec>{{{{"branch3x3_1", 192}, {"branch3x3_2", 320, {3, 3}, 2}}},
                                                         {{{"branch7x7x3_1", 192},
                                                           {"branch7x7x3_2", 192, {1, 7}},
                                                           {"branch7x7x3_3", 192, {7, 1}},
                                                           {"branch7x7x3_4", 192, {3, 3}, 2}}}},
                                 Pool::kHalve);
}

/// 8x8 positions.
BlockPointer block_8(int64_t in, Pool pool) {
  return std::make_shared<Mixed>(
      in,
      std::vector<BranchSpec>{
          {{{"branch1x1", 320}}},
          {{{"branch3x3_1", 384}, {"branch3x3_2a", 384, {1, 3}}, {"branch3x3_2b", 384, {3, 1}}}, true},
          {{{"branch3x3dbl_1", 448},
            {"branch3x3dbl_2", 384, {3, 3}},
            {"branch3x3dbl_3a", 384, {1, 3}},
            {"branch3x3dbl_3b", 384, {3, 1}}},
           true}},
      pool, 192);
}

struct Classifier : torch::nn::Module {};

}  // namespace

InceptionImpl::InceptionImpl() {
  const auto add = [this](const char* name, const std::shared_ptr<Block>& block) {
    blocks_.push_back(register_module(name, block));
  };
  const auto unit = [&](const char* name, int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t padding) {
    add(name, std::make_shared<Unit>(in, out, std::vector{kernel, kernel}, stride, std::vector{padding, padding}));
  };
  unit("Conv2d_1a_3x3", 3, 32, 3, 2, 0);
  unit("Conv2d_2a_3x3", 32, 32, 3, 1, 0);
  unit("Conv2d_2b_3x3", 32, 64, 3, 1, 1);
  blocks_.push_back(std::make_shared<Halving>());
  unit("Conv2d_3b_1x1", 64, 80, 1, 1, 0);
  unit("Conv2d_4a_3x3", 80, 192, 3, 1, 0);
  blocks_.push_back(std::make_shared<Halving>());
  add("Mixed_5b", block_35(192, 32));
  add("Mixed_5c", block_35(256, 64));
  add("Mixed_5d", block_35(288, 64));
  add("Mixed_6a", block_35_to_17(288));
  add("Mixed_6b", block_17(128));
  add("Mixed_6c", block_17(160));
  add("Mixed_6d", block_17(160));
  add("Mixed_6e", block_17(192));
  add("Mixed_7a", block_17_to_8());
  add("Mixed_7b", block_8(1280, Pool::kMean));
  add("Mixed_7c", block_8(2048, Pool::kMaximum));
  const auto classifier = register_module("fc", std::make_shared<Classifier>());
  classifier_weight_ = classifier->register_parameter("weight", at::zeros({kClasses, kFeatures}), false);
  classifier_bias_ = classifier->register_parameter("bias", at::zeros({kClasses}), false);
  eval();
}

at::Tensor InceptionImpl::prepared(const at::Tensor& images) {
  check_shape(images, "inception: images", "N,3,H,W", {-1, 3, -1, -1});
  return 2 * at::upsample_bilinear2d(images, {kSide, kSide}, /*align_corners=*/false) - 1;
}

at::Tensor InceptionImpl::features(const at::Tensor& prepared) {
  check_shape(prepared, "inception: prepared images", "N,3,299,299", {-1, 3, kSide, kSide});
  at::Tensor x = prepared;
  for (const auto& block : blocks_) x = static_cast<const Block&>(*block).forward(x);
  return x.mean({2, 3});
}

at::Tensor InceptionImpl::forward(const at::Tensor& images) { return features(prepared(images)); }

at::Tensor InceptionImpl::logits(const at::Tensor& features) {
  check_shape(features, "inception: features", "N,2048", {-1, kFeatures});
  return at::linear(features, classifier_weight_, classifier_bias_);
}

Inception load_inception(const std::filesystem::path& path) {
  Inception network;
  load_network(*network, serialization::read_tensor_file(path).tensors, path.string(), ".num_batches_tracked");
  return network;
}

}  // namespace sscvae::metrics
