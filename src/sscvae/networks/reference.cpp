#include <cmath>

#include "sscvae/core/error.h"
#include "sscvae/core/text.h"
#include "sscvae/networks/backbones.h"

namespace sscvae::networks {

Value residual(const Scope& s, Value x) {
  const int64_t c = s.channels(x);
  const Value narrow = s.convolution("_block.1", s.relu(x), {.out = c / 2, .bias = false});
  return s.sum(x, s.convolution("_block.3", s.relu(narrow), {.out = c, .kernel = 1, .bias = false}));
}

Value non_local(const Scope& s, Value x, const ReferenceBackboneOptions& options) {
  if (options.attention == Attention::kNone) return x;
  const int64_t c = s.channels(x);
  const ConvolutionShape projection{.out = c / 2, .kernel = 1, .bias = false};
  const Value queries = s.convolution("_conv_theta", x, projection), keys = s.convolution("_conv_phi", x, projection);
  const Value values = s.convolution("_conv_g", x, projection);
  const auto axis =
      options.attention == Attention::kOverQueries ? graph::SoftmaxAxis::kQueries : graph::SoftmaxAxis::kKeys;
  const double scale = options.scale_attention ? 1 / std::sqrt(static_cast<double>(c / 2)) : 1.0;
  const Value attended = s.add(graph::Attention{axis, scale}, {queries, keys, values}, c / 2);
  return s.sum(x, s.convolution("_conv_mask", attended, {.out = c, .kernel = 1, .bias = false}));
}

Value down_sample(const Scope& s, Value x, int64_t out, const ReferenceBackboneOptions& options) {
  x = s.convolution("0", x, {.out = out});
  x = s.norm("1", x, options.normalization, options.num_groups);
  return s.in("3").max_pool(s.in("2").relu(x));
}

Value up_sample(const Scope& s, Value x, int64_t out, const ReferenceBackboneOptions& options) {
  x = s.convolution("1", s.expansion("0", x, out), {.out = out});
  return s.in("3").relu(s.norm("2", x, options.normalization, options.num_groups));
}

namespace {

Value middle(const Scope& s, Value x, const ReferenceBackboneOptions& options) {
  x = non_local(s.in("_non_local"), residual(s.in("_res_1"), x), options);
  return residual(s.in("_res_2"), x);
}

Value head(const Scope& s, Value x, int64_t out, const ReferenceBackboneOptions& options) {
  if (s.channels(x) % options.num_groups != 0)
    throw UsageError(format("model.reference.num_groups = %lld does not divide %lld channels",
                            static_cast<long long>(options.num_groups), static_cast<long long>(s.channels(x))));
  x = s.norm("_group_norm", x, Normalization::kGroup, options.num_groups);
  return s.convolution("_conv_2", s.in("_group_norm").silu(x), {.out = out});
}

}  // namespace

Value reference_encoder(const Scope& s, Value image, const ModelOptions& options, int64_t feature_dim) {
  if (options.down_samples < 1) throw UsageError("model.down_samples: the reference backbone needs at least 1");
  Value x = s.convolution("_conv_1", image, {.out = options.reference.hidden_channels_1});
  const Scope levels = s.in("_down_samples");
  for (int64_t level = 0; level < options.down_samples; ++level) {
    const Region region(s);
    x = residual(levels.in(std::to_string(2 * level)), x);
    x = down_sample(levels.in(std::to_string(2 * level + 1)).in("_block"), x, options.reference.hidden_channels_2,
                    options.reference);
  }
  return head(s, middle(s, x, options.reference), feature_dim, options.reference);
}

Value reference_decoder(const Scope& s, Value features, const ModelOptions& options) {
  Value x = s.convolution("_conv_1", features, {.out = options.reference.hidden_channels_2});
  x = middle(s, x, options.reference);
  const Scope levels = s.in("_up_samples");
  for (int64_t level = 0; level < options.down_samples; ++level) {
    const Region region(s);
    x = residual(levels.in(std::to_string(2 * level)), x);
    x = up_sample(levels.in(std::to_string(2 * level + 1)).in("_block"), x, options.reference.hidden_channels_1,
                  options.reference);
  }
  return head(s, x, options.in_channels, options.reference);
}

}  // namespace sscvae::networks
