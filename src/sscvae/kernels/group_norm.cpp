#include "sscvae/kernels/group_norm.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "sscvae/array/array.h"
#include "sscvae/array/maps.h"
#include "sscvae/array/parallel.h"
#include "sscvae/core/error.h"
#include "sscvae/kernels/bfloat16_loops.h"
#include "sscvae/kernels/layout.h"
#include "sscvae/kernels/norm_act_loops.h"

namespace sscvae::kernels {

namespace {

constexpr int64_t kSumChunk = 1024;  // pixels whose sums are taken at once

bool is_bf16(const Array& t) { return t.type() == kBFloat16; }

/// [2][C] sums and squares of one image.
std::vector<double> sums_of(const Array& x, int64_t image) {
  const int64_t channels = x.size(1), pixels = x.size(2) * x.size(3), chunks = (pixels + kSumChunk - 1) / kSumChunk;
  std::vector<double> parts(static_cast<size_t>(chunks * 2 * channels), 0.0);
  parallel_for(0, chunks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t chunk = begin; chunk < end; ++chunk) {
      double* part = parts.data() + chunk * 2 * channels;
      const int64_t first = image * pixels + chunk * kSumChunk, count = std::min(kSumChunk, pixels - chunk * kSumChunk);
      if (is_bf16(x)) {
        bfloat16::channel_sums(bits(x) + first * channels, count, channels, part, part + channels);
        continue;
      }
      norm_act_loops(best_isa())
          .channel_sums(x.data<float>() + first * channels, count, channels, part, part + channels);
    }
  });
  std::vector<double> sums(static_cast<size_t>(2 * channels), 0.0);
  for (size_t i = 0; i < parts.size(); ++i) sums[i % sums.size()] += parts[i];
  return sums;
}

/// What each channel is multiplied with and shifted by: [2][C].
std::vector<float> scales_of(const std::vector<double>& sums, int64_t pixels, int64_t groups, double epsilon,
                             const Array& weight, const Array& bias) {
  const auto channels = static_cast<int64_t>(sums.size() / 2), width = channels / groups;
  const float *w = weight.data<float>(), *b = bias.data<float>();
  std::vector<float> scales(sums.size());
  for (int64_t group = 0; group < groups; ++group) {
    double sum = 0, square = 0;
    for (int64_t c = group * width; c < (group + 1) * width; ++c) {
      sum += sums[static_cast<size_t>(c)];
      square += sums[static_cast<size_t>(channels + c)];
    }
    const double count = static_cast<double>(pixels * width), mean = sum / count;
    const double scale = 1 / std::sqrt(std::max(0.0, square / count - mean * mean) + epsilon);
    for (int64_t c = group * width; c < (group + 1) * width; ++c) {
      scales[static_cast<size_t>(c)] = static_cast<float>(w[c] * scale);
      scales[static_cast<size_t>(channels + c)] = static_cast<float>(b[c] - w[c] * scale * mean);
    }
  }
  return scales;
}

}  // namespace

bool can_group_norm(int64_t channels) { return channels % 16 == 0; }

void group_norm(const Array& x, int64_t groups, double epsilon, const Array& weight, const Array& bias, Act act,
                const Array& out) {
  SSCVAE_ASSERT(x.is_contiguous(Layout::kChannelsLast) && out.is_contiguous(Layout::kChannelsLast));
  SSCVAE_ASSERT(can_group_norm(x.size(1)) && x.type() == out.type());
  const int64_t channels = x.size(1), pixels = x.size(2) * x.size(3);
  for (int64_t image = 0; image < x.size(0); ++image) {
    const std::vector<float> scales = scales_of(sums_of(x, image), pixels, groups, epsilon, weight, bias);
    parallel_for(0, pixels, kSumChunk, [&](int64_t begin, int64_t end) {
      const int64_t offset = (image * pixels + begin) * channels;
      const float *scale = scales.data(), *shift = scales.data() + channels;
      if (is_bf16(x)) {
        auto* y = reinterpret_cast<uint16_t*>(out.data<BFloat16>());
        bfloat16::scale_shift(bits(x) + offset, scale, shift, end - begin, channels, act, y + offset);
        return;
      }
      norm_act_loops(best_isa())
          .scale_shift(x.data<float>() + offset, scale, shift, end - begin, channels, act, out.data<float>() + offset);
    });
  }
}

}  // namespace sscvae::kernels
