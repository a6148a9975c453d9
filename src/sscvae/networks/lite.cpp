#include <algorithm>
#include <bit>
#include <numeric>

#include "sscvae/core/error.h"
#include "sscvae/core/text.h"
#include "sscvae/networks/backbones.h"

namespace sscvae::networks {

namespace {

constexpr double kSmall = 0.1;  // filters behind which something is added start that small

/// log2 of the pixel block that is folded into channels; the remaining halvings are convolutions.
int64_t unshuffle_levels(const ModelOptions& options) {
  const auto side = static_cast<uint64_t>(options.lite.unshuffle);
  if (!std::has_single_bit(side)) throw UsageError("model.lite.unshuffle: expected a power of two");
  return std::min<int64_t>(std::countr_zero(side), options.down_samples);
}

/// Side of the blocks of pixels that are added to the features, 0 without block_skip.
int64_t skipped_block(const ModelOptions& options, int64_t feature_dim) {
  if (!options.lite.block_skip) return 0;
  const int64_t side = int64_t{1} << options.down_samples, expected = options.in_channels * side * side;
  if (feature_dim != expected)
    throw UsageError(
        format("model.lite.block_skip: needs %lld feature channels (atom_dim, code_dim or latent_dim), got %lld",
               static_cast<long long>(expected), static_cast<long long>(feature_dim)));
  return side;
}

/// The residual blocks at one resolution.
Value stage(const Scope& s, Value x, const LiteBackboneOptions& options) {
  const Region region(s);
  for (int64_t i = 0; i < options.num_blocks; ++i) x = lite_residual(s.in(std::to_string(i)), x, options.normalization);
  return x;
}

}  // namespace

Value lite_residual(const Scope& s, Value x, Normalization norm) {
  const int64_t c = s.channels(x);
  const Value normalised = s.norm("norm", x, norm, std::gcd<int64_t>(8, c));
  const Value y = s.silu(s.convolution("conv1", normalised, {.out = c}));
  return s.sum(x, s.convolution("conv2", y, {.out = c, .start = kSmall}));
}

Value lite_encoder(const Scope& s, Value image, const ModelOptions& options, int64_t feature_dim) {
  const int64_t levels = unshuffle_levels(options), skipped = skipped_block(options, feature_dim);
  const int64_t width = options.lite.width;
  Value x = s.affine(image, 1, -0.5);
  if (levels > 0) x = s.unshuffle(x, int64_t{1} << levels);
  x = stage(s.in("stage0"), s.convolution("stem", x, {.out = width}), options.lite);
  for (int64_t i = 1; i <= options.down_samples - levels; ++i) {
    x = s.convolution("down" + std::to_string(i), x, {.out = width, .kernel = 2, .stride = 2});
    x = stage(s.in("stage" + std::to_string(i)), x, options.lite);
  }
  x = s.convolution("head", x, {.out = feature_dim, .start = skipped > 0 ? kSmall : 1.0});
  if (skipped == 0) return x;
  const Scope skip = s.in("skip");
  return skip.sum(x, skip.unshuffle(skip.affine(image, 1, -0.5), skipped));
}

Value lite_decoder(const Scope& s, Value features, const ModelOptions& options) {
  const int64_t levels = unshuffle_levels(options), skipped = skipped_block(options, s.channels(features));
  const int64_t width = options.lite.width, side = int64_t{1} << levels;
  Value x = stage(s.in("stage0"), s.convolution("stem", features, {.out = width}), options.lite);
  for (int64_t i = 1; i <= options.down_samples - levels; ++i) {
    const std::string up = "up" + std::to_string(i);
    x = s.in(up).shuffle(s.convolution(up, x, {.out = 4 * width, .kernel = 1}), 2);
    x = stage(s.in("stage" + std::to_string(i)), x, options.lite);
  }
  x = s.convolution("head", x, {.out = options.in_channels * side * side, .start = skipped > 0 ? kSmall : 1.0});
  if (levels > 0) x = s.shuffle(x, side);
  if (skipped == 0) return x;
  const Scope skip = s.in("skip");
  return skip.sum(x, skip.shuffle(features, skipped));
}

}  // namespace sscvae::networks
