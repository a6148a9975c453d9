#include <gtest/gtest.h>
#include <torch/types.h>

#include "sscvae/array/decompositions.h"
#include "sscvae/array/elementwise.h"
#include "sscvae/array/maps.h"
#include "sscvae/array/products.h"
#include "sscvae/array/reductions.h"
#include "sscvae/array/selection.h"
#include "sscvae/nn/arrays.h"

// The functions of array/ against LibTorch's of the same names.
namespace sscvae {
namespace {

void expect_same(const Array& found, const at::Tensor& expected, const char* what, double tolerance = 2e-6) {
  ASSERT_EQ(found.sizes(), sizes_of(expected.sizes())) << what;
  ASSERT_EQ(found.type(), data_type_of(expected.scalar_type())) << what;
  if (expected.numel() == 0) return;
  EXPECT_TRUE(at::allclose(as_tensor(found).to(at::kDouble), expected.to(at::kDouble), tolerance, tolerance, true))
      << what << ": " << (as_tensor(found).to(at::kDouble) - expected.to(at::kDouble)).abs().max().item<double>();
}

/// Maps in either order of memory, turned, cut and repeated ones.
std::vector<at::Tensor> maps(at::ScalarType type) {
  torch::manual_seed(3);
  const at::Tensor x = torch::randn({2, 6, 9, 11}).to(type);
  return {x,
          x.contiguous(at::MemoryFormat::ChannelsLast),
          x.permute({0, 1, 3, 2}),
          x.narrow(1, 1, 4).narrow(2, 2, 5),
          x.narrow(1, 0, 1).expand({2, 6, 9, 11}),
          x.slice(3, 0, 11, 2)};
}

TEST(ArrayParity, ArithmeticOnEachNumber) {
  for (const at::ScalarType type : {at::kFloat, at::kDouble})
    for (const at::Tensor& x : maps(type)) {
      const Array a = x;
      const at::Tensor row = torch::randn({x.size(1), 1, 1}).to(type), positive = x.abs() + 0.5;
      const Array b = row, p = positive;
      expect_same(a + b, x + row, "+");
      expect_same(a - b, x - row, "-");
      expect_same(a * b, x * row, "*");
      expect_same(b / p, row / positive, "/");
      expect_same(2.5 - a, 2.5 - x, "number - array");
      expect_same(1 / p, 1 / positive, "number / array");
      expect_same(minimum(a, b), at::minimum(x, row), "minimum");
      expect_same(sscvae::relu(a), at::relu(x), "relu");
      expect_same(abs(a), x.abs(), "abs");
      expect_same(sign(a), x.sign(), "sign");
      expect_same(sqrt(p), positive.sqrt(), "sqrt");
      expect_same(rsqrt(p), positive.rsqrt(), "rsqrt");
      expect_same(sscvae::exp(a * 10), (x * 10).exp(), "exp");
      expect_same(log(p), positive.log(), "log");
      expect_same(sscvae::sigmoid(a * 5), at::sigmoid(x * 5), "sigmoid");
      expect_same(silu(a * 5), at::silu(x * 5), "silu");
      expect_same(sscvae::softplus(a * 5), at::softplus(x * 5), "softplus");
      expect_same(round(a * 3), (x * 3).round(), "round");
      expect_same(clamp(a, -0.5, 0.25), x.clamp(-0.5, 0.25), "clamp");
      expect_same(gt(a, b), x.gt(row), "gt");
      expect_same(where(gt(a, 0), a, b), at::where(x.gt(0), x, row), "where");
    }
}

TEST(ArrayParity, NumbersAtTheEndsOfTheirRange) {
  const float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  const at::Tensor x =
      torch::tensor({0.0F, -0.0F, 88.5F, 89.5F, -87.0F, -104.0F, 25.0F, 1e30F, infinity, -infinity, nan});
  for (const auto& [name, found, expected] : {std::tuple("exp", sscvae::exp(x), at::exp(x)),
                                              {"sigmoid", sscvae::sigmoid(x), at::sigmoid(x)},
                                              {"relu", sscvae::relu(x), at::relu(x)},
                                              {"softplus", sscvae::softplus(x), at::softplus(x)}})
    expect_same(found, expected, name);
}

TEST(ArrayParity, TypesOfResults) {
  const at::Tensor bytes = torch::arange(6).to(at::kByte), whole = torch::arange(6),
                   half = torch::rand({6}).to(at::kHalf), narrow = torch::randn({6}).to(at::kBFloat16),
                   single = torch::randn({6}), wide = single.to(at::kDouble), one = torch::tensor(2.5, at::kDouble);
  const at::Tensor all[] = {bytes, whole, half, narrow, single, wide, one};
  for (const at::Tensor& a : all)
    for (const at::Tensor& b : all) expect_same(Array(a) + Array(b), a + b, "sum of types", 1e-2);
  expect_same(Array(whole) / 4, whole / 4, "integers divided");
  expect_same(Array(single).to(kBFloat16), single.to(at::kBFloat16), "bfloat16", 0);
  expect_same(Array(single).to(kFloat16), single.to(at::kHalf), "float16", 0);
  const at::Tensor tiny = torch::tensor({6e-8F, 3e-5F, 65519.0F, 65520.0F, 1e-9F});
  expect_same(Array(tiny).to(kFloat16), tiny.to(at::kHalf), "float16 at its ends", 0);
  expect_same(Array(half).to(kFloat32), half.to(at::kFloat), "back", 0);
}

TEST(ArrayParity, ViewsAndCopies) {
  for (const at::Tensor& x : maps(at::kFloat)) {
    const Array a = x;
    expect_same(a.permute({2, 0, 3, 1}), x.permute({2, 0, 3, 1}), "permute");
    expect_same(a.reshape({x.size(0) * x.size(1), -1}), x.reshape({x.size(0) * x.size(1), -1}), "reshape");
    expect_same(a.flatten(2).transpose(1, 2), x.flatten(2).transpose(1, 2), "flatten, transpose");
    expect_same(a.select(1, 2).unsqueeze(1), x.select(1, 2).unsqueeze(1), "select, unsqueeze");
    expect_same(a.slice(2, 1, 5, 2), x.slice(2, 1, 5, 2), "slice");
    expect_same(a.contiguous(Layout::kChannelsLast), x, "channels-last");
    expect_same(cat({a, a * 2}, 1), at::cat({x, x * 2}, 1), "cat");
    expect_same(stack({a, a * 2}, 2), at::stack({x, x * 2}, 2), "stack");
    expect_same(flip(a, {2, 3}), x.flip({2, 3}), "flip");
    expect_same(repeat_interleave(a, 3, 2), x.repeat_interleave(3, 2), "repeat_interleave");
    expect_same(repeat(a, {1, 2, 1, 3}), x.repeat({1, 2, 1, 3}), "repeat");
    expect_same(index_select(a, 3, Array::of<int64_t>({2, 0, 2})), x.index_select(3, torch::tensor({2, 0, 2})), "rows");
    expect_same(masked_select(a, gt(a, 0.3)), x.masked_select(x.gt(0.3)), "masked_select");
    expect_same(sorted(a), std::get<0>(x.flatten().sort()), "sorted");
    const Array zeros = Array::zeros(a.sizes());
    zeros.narrow(1, 1, 2).copy_(a.narrow(1, 0, 2));
    at::Tensor expected = torch::zeros(x.sizes());
    expected.narrow(1, 1, 2).copy_(x.narrow(1, 0, 2));
    expect_same(zeros, expected, "copy into a part");
  }
}

TEST(ArrayParity, FiguresOverAxes) {
  for (const at::ScalarType type : {at::kFloat, at::kDouble, at::kLong})
    for (const at::Tensor& x : maps(type)) {
      const Array a = x;
      expect_same(sum(a, {1}), x.sum({1}), "sum");
      expect_same(sum(a, {0, 2}, true), x.sum(at::IntArrayRef{0, 2}, true), "sum over two");
      expect_same(amax(a, {2, 3}), x.amax({2, 3}), "amax");
      expect_same(amin(a, {1}, true), x.amin({1}, true), "amin");
      expect_same(argmax(a, 3), x.argmax(3), "argmax");
      expect_same(argmin(a, 1, true), x.argmin(1, true), "argmin");
      EXPECT_EQ(median(a), x.median().to(at::kDouble).item<double>());
      EXPECT_EQ(count_nonzero(a), at::count_nonzero(x).item<int64_t>());
      if (type == at::kLong) continue;
      expect_same(mean(a, {0, 3}, true), x.mean(at::IntArrayRef{0, 3}, true), "mean");
      expect_same(sscvae::softmax(a, 1), at::softmax(x, 1), "softmax");
    }
}

TEST(ArrayParity, ProductsOfMatrices) {
  torch::manual_seed(5);
  for (const at::ScalarType type : {at::kFloat, at::kDouble})
    for (const auto& [m, k, n] : {std::tuple{1, 1, 1}, {7, 300, 5}, {33, 64, 600}, {4, 0, 3}}) {
      const at::Tensor a = torch::randn({m, k}).to(type), b = torch::randn({k, n}).to(type);
      expect_same(sscvae::mm(a, b), a.mm(b), "mm", 1e-4);
      expect_same(sscvae::mm(Array(b).t(), Array(a).t()), b.t().mm(a.t()), "turned", 1e-4);
      expect_same(sscvae::linear(a, Array(b).t()), a.mm(b), "linear", 1e-4);
      expect_same(sscvae::addmm(Array::ones({n}, data_type_of(type)), a, b), a.mm(b) + 1, "addmm", 1e-4);
    }
  const at::Tensor a = torch::randn({3, 4, 5}), b = torch::randn({3, 5, 2});
  expect_same(sscvae::bmm(a, b), at::bmm(a, b), "bmm");
  expect_same(sscvae::outer(a.select(0, 0).select(0, 1), b.select(0, 1).select(1, 0)),
              at::outer(a[0][1], b[1].select(1, 0)), "outer");
}

TEST(ArrayParity, Decompositions) {
  torch::manual_seed(6);
  const at::Tensor x = torch::randn({12, 7}, at::kDouble), gram = x.t().mm(x);
  expect_same(eigenvalues(gram), std::get<0>(at::linalg_eigh(gram)), "eigenvalues", 1e-10);
  expect_same(singular_values(x), at::linalg_svdvals(x), "singular values", 1e-10);
  const at::Tensor r = triangular_factor(x);
  EXPECT_TRUE(at::allclose(r.t().mm(r), gram));
  EXPECT_TRUE(at::equal(r, r.triu()));
}

TEST(ArrayParity, ConvolutionsAndPooling) {
  for (const at::Tensor& x : maps(at::kFloat)) {
    const int64_t channels = x.size(1);
    const at::Tensor weight = torch::randn({4, channels, 3, 2}), bias = torch::randn({4});
    for (const auto& [stride, padding] : {std::pair{1, 0}, {2, 1}, {1, 2}})
      expect_same(sscvae::conv2d(x, weight, bias, {{stride, stride}, {padding, padding}}),
                  at::conv2d(x, weight, bias, at::IntArrayRef{stride, stride}, at::IntArrayRef{padding, padding}),
                  "conv2d", 1e-4);
    const at::Tensor grouped = torch::randn({channels, 1, 3, 3});
    expect_same(
        sscvae::conv2d(x, grouped, {}, {{1, 1}, {1, 1}, channels}),
        at::conv2d(x, grouped, {}, at::IntArrayRef{1, 1}, at::IntArrayRef{1, 1}, at::IntArrayRef{1, 1}, channels),
        "grouped", 1e-4);
    const at::Tensor expansion = torch::randn({channels, 3, 2, 2});
    expect_same(sscvae::conv_transpose2d(x, expansion, Array::zeros({3})), at::conv_transpose2d(x, expansion, {}, 2),
                "transposed", 1e-4);
    expect_same(sscvae::max_pool2d(x, {{2, 2}, {2, 2}}), at::max_pool2d(x, {2, 2}, {2, 2}), "max_pool2d");
    expect_same(sscvae::max_pool2d(x, {{3, 3}, {2, 2}, {0, 0}, true}),
                at::max_pool2d(x, {3, 3}, {2, 2}, {0, 0}, {1, 1}, true), "with a last window");
    const at::Tensor small = x.slice(2, 0, 2).slice(3, 0, 2).contiguous();
    expect_same(sscvae::max_pool2d(small, {{3, 3}, {2, 2}, {0, 0}, true}),
                at::max_pool2d(small, {3, 3}, {2, 2}, {0, 0}, {1, 1}, true), "smaller than its window");
    expect_same(sscvae::max_pool2d(x, {{3, 3}, {1, 1}, {1, 1}}), at::max_pool2d(x, {3, 3}, {1, 1}, {1, 1}),
                "with a border");
    expect_same(sscvae::avg_pool2d(x, {{3, 3}, {2, 2}, {1, 1}}), at::avg_pool2d(x, {3, 3}, {2, 2}, {1, 1}),
                "avg_pool2d");
    expect_same(sscvae::avg_pool2d(x, {{3, 3}, {1, 1}, {1, 1}, false, false}),
                at::avg_pool2d(x, {3, 3}, {1, 1}, {1, 1}, false, false), "without its border");
    expect_same(sscvae::upsample_bilinear2d(x, 17, 8), at::upsample_bilinear2d(x, {17, 8}, false), "upsample", 1e-5);
    expect_same(sscvae::pad(x, {1, 2, 0, 3}), at::constant_pad_nd(x, {1, 2, 0, 3}), "pad");
  }
}

TEST(ArrayParity, ShufflesAndNormalisation) {
  torch::manual_seed(8);
  const at::Tensor x = torch::randn({2, 12, 4, 6});
  expect_same(sscvae::pixel_shuffle(x, 2), at::pixel_shuffle(x, 2), "pixel_shuffle");
  expect_same(sscvae::pixel_unshuffle(x, 2), at::pixel_unshuffle(x, 2), "pixel_unshuffle");
  const at::Tensor weight = torch::randn({12}), bias = torch::randn({12}), mean = torch::randn({12}),
                   variance = torch::rand({12}) + 0.1;
  expect_same(sscvae::batch_norm(x, weight, bias, mean, variance, 1e-5),
              at::batch_norm(x, weight, bias, mean, variance, false, 0.1, 1e-5, false), "batch_norm", 1e-5);
  expect_same(sscvae::group_norm(x, 3, weight, bias, 1e-5), at::group_norm(x, 3, weight, bias, 1e-5), "group_norm",
              1e-5);
}

}  // namespace
}  // namespace sscvae
