#include "sscvae/networks/feature_networks.h"
#include "sscvae/networks/scope.h"

namespace sscvae::networks {

namespace {

constexpr double kInceptionEpsilon = 1e-3;

/// Convolution without bias, normalisation, ReLU.
struct Unit {
  std::string name;
  int64_t out;
  int64_t rows = 1, columns = 1;  ///< of the kernel
  int64_t stride = 1;
};

/// A margin keeps the size where the stride is 1 and `keeps`.
Value unit(const Scope& s, Value x, const Unit& u, bool keeps = true) {
  const Scope conv = s.in(u.name).in("conv"), bn = s.in(u.name).in("bn");
  graph::Convolution convolution;
  convolution.weight = conv.declare("weight", {u.out, s.channels(x), u.rows, u.columns}, {});
  convolution.stride = u.stride;
  if (keeps && u.stride == 1) {
    convolution.padding = u.rows / 2;
    convolution.wider = u.columns / 2 - u.rows / 2;
  }
  const Value made = conv.add(convolution, {x}, u.out);
  graph::BatchNorm norm{bn.declare("weight", {u.out}, {Start::Rule::kOnes}),
                        bn.declare("bias", {u.out}, {}),
                        {},
                        {},
                        {},
                        kInceptionEpsilon};
  norm.mean = bn.declare("running_mean", {u.out}, {}, Role::kBuffer);
  norm.variance = bn.declare("running_var", {u.out}, {Start::Rule::kOnes}, Role::kBuffer);
  return s.relu(bn.add(norm, {made}, u.out));
}

/// Units one after the other; with `forks` the last two see the same input, and their outputs are put side by side.
struct Branch {
  std::vector<Unit> units;
  bool forks = false;
};

enum class Pool { kHalve, kMean, kMaximum };  ///< kHalve: maximum with stride 2

Value pooled(const Scope& s, Value x, Pool how) {
  if (how == Pool::kMean) return s.add(graph::MeanPool{3}, {x}, s.channels(x));
  const graph::MaxPool maximum = how == Pool::kHalve ? graph::MaxPool{3, 2} : graph::MaxPool{3, 1, 1};
  return s.add(maximum, {x}, s.channels(x));
}

/// Branches side by side, the last one a pool with a projection to `projected` channels (0: none).
Value mixed(const Scope& s, Value x, const std::vector<Branch>& branches, Pool how, int64_t projected = 0) {
  std::vector<Value> parts;
  for (const Branch& branch : branches) {
    Value made = x;
    const size_t chain = branch.units.size() - (branch.forks ? 2 : 0);
    for (size_t i = 0; i < chain; ++i) made = unit(s, made, branch.units[i]);
    if (!branch.forks) parts.push_back(made);
    for (size_t i = chain; i < branch.units.size(); ++i) parts.push_back(unit(s, made, branch.units[i]));
  }
  const Value pool = pooled(s, x, how);
  parts.push_back(projected > 0 ? unit(s, pool, {"branch_pool", projected}) : pool);
  int64_t channels = 0;
  for (const Value part : parts) channels += s.channels(part);
  return s.add(graph::Join{}, parts, channels);
}

/// 35x35 positions.
Value block_35(const Scope& s, Value x, int64_t projected) {
  return mixed(s, x,
               {{{{"branch1x1", 64}}},
                {{{"branch5x5_1", 48}, {"branch5x5_2", 64, 5, 5}}},
                {{{"branch3x3dbl_1", 64}, {"branch3x3dbl_2", 96, 3, 3}, {"branch3x3dbl_3", 96, 3, 3}}}},
               Pool::kMean, projected);
}

Value block_35_to_17(const Scope& s, Value x) {
  return mixed(s, x,
               {{{{"branch3x3", 384, 3, 3, 2}}},
                {{{"branch3x3dbl_1", 64}, {"branch3x3dbl_2", 96, 3, 3}, {"branch3x3dbl_3", 96, 3, 3, 2}}}},
               Pool::kHalve);
}

/// 17x17 positions; `inner` channels inside the branches of long kernels.
Value block_17(const Scope& s, Value x, int64_t inner) {
  return mixed(s, x,
               {{{{"branch1x1", 192}}},
                {{{"branch7x7_1", inner}, {"branch7x7_2", inner, 1, 7}, {"branch7x7_3", 192, 7, 1}}},
                {{{"branch7x7dbl_1", inner},
                  {"branch7x7dbl_2", inner, 7, 1},
                  {"branch7x7dbl_3", inner, 1, 7},
                  {"branch7x7dbl_4", inner, 7, 1},
                  {"branch7x7dbl_5", 192, 1, 7}}}},
               Pool::kMean, 192);
}

Value block_17_to_8(const Scope& s, Value x) {
  return mixed(s, x,
               {{{{"branch3x3_1", 192}, {"branch3x3_2", 320, 3, 3, 2}}},
                {{{"branch7x7x3_1", 192},
                  {"branch7x7x3_2", 192, 1, 7},
                  {"branch7x7x3_3", 192, 7, 1},
                  {"branch7x7x3_4", 192, 3, 3, 2}}}},
               Pool::kHalve);
}

/// 8x8 positions.
Value block_8(const Scope& s, Value x, Pool pool) {
  return mixed(s, x,
               {{{{"branch1x1", 320}}},
                {{{"branch3x3_1", 384}, {"branch3x3_2a", 384, 1, 3}, {"branch3x3_2b", 384, 3, 1}}, true},
                {{{"branch3x3dbl_1", 448},
                  {"branch3x3dbl_2", 384, 3, 3},
                  {"branch3x3dbl_3a", 384, 1, 3},
                  {"branch3x3dbl_3b", 384, 3, 1}},
                 true}},
               pool, 192);
}

}  // namespace

Network inception_features() {
  const Scope s;
  Value x = unit(s, s.image(3), {"Conv2d_1a_3x3", 32, 3, 3, 2});
  x = unit(s, x, {"Conv2d_2a_3x3", 32, 3, 3}, false);
  x = unit(s, x, {"Conv2d_2b_3x3", 64, 3, 3});
  x = unit(s, pooled(s, x, Pool::kHalve), {"Conv2d_3b_1x1", 80});
  x = unit(s, x, {"Conv2d_4a_3x3", 192, 3, 3}, false);
  x = block_35(s.in("Mixed_5b"), pooled(s, x, Pool::kHalve), 32);
  x = block_35(s.in("Mixed_5c"), x, 64);
  x = block_35(s.in("Mixed_5d"), x, 64);
  x = block_35_to_17(s.in("Mixed_6a"), x);
  x = block_17(s.in("Mixed_6b"), x, 128);
  x = block_17(s.in("Mixed_6c"), x, 160);
  x = block_17(s.in("Mixed_6d"), x, 160);
  x = block_17(s.in("Mixed_6e"), x, 192);
  x = block_17_to_8(s.in("Mixed_7a"), x);
  x = block_8(s.in("Mixed_7b"), x, Pool::kMean);
  x = block_8(s.in("Mixed_7c"), x, Pool::kMaximum);
  s.graph().outputs = {x};
  return std::move(s.network());
}

}  // namespace sscvae::networks
