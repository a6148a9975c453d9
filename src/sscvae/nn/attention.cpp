#include "sscvae/nn/attention.h"

#include <ATen/ops/bmm.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <algorithm>

namespace sscvae::nn {

namespace {

using graph::SoftmaxAxis;

constexpr int64_t kAtOnce = 1024;  // positions

/// Each key's weights are a softmax over the queries: keys can be taken a chunk at a time and summed.
at::Tensor over_queries(const at::Tensor& queries, const at::Tensor& keys, const at::Tensor& values, double scale) {
  at::Tensor result = at::zeros_like(values);
  for (int64_t begin = 0; begin < keys.size(1); begin += kAtOnce) {
    const int64_t count = std::min(kAtOnce, keys.size(1) - begin);
    const at::Tensor scores = at::bmm(queries, keys.narrow(1, begin, count).transpose(1, 2)) * scale;
    result += at::bmm(at::softmax(scores, 1), values.narrow(1, begin, count));
  }
  return result;
}

/// All arguments and the result [N,P,c].
at::Tensor attend(const graph::Attention& how, const at::Tensor& queries, const at::Tensor& keys,
                  const at::Tensor& values) {
  if (at::GradMode::is_enabled() || queries.size(1) <= kAtOnce) {
    const at::Tensor scores = at::bmm(queries, keys.transpose(1, 2)) * how.scale;
    return at::bmm(at::softmax(scores, how.axis == SoftmaxAxis::kQueries ? 1 : 2), values);
  }
  if (how.axis == SoftmaxAxis::kQueries) return over_queries(queries, keys, values, how.scale);
  return at::scaled_dot_product_attention(queries.unsqueeze(1), keys.unsqueeze(1), values.unsqueeze(1), {}, 0.0, false,
                                          how.scale)
      .squeeze(1);
}

}  // namespace

at::Tensor attention(const graph::Attention& how, const at::Tensor& queries, const at::Tensor& keys,
                     const at::Tensor& values) {
  const auto rows = [](const at::Tensor& maps) { return maps.flatten(2).transpose(1, 2); };
  return attend(how, rows(queries), rows(keys), rows(values)).transpose(1, 2).reshape(values.sizes());
}

}  // namespace sscvae::nn
