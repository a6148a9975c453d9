#include "sscvae/image/temper.h"

#include <algorithm>
#include <cmath>

#include "sscvae/array/computed_type.h"
#include "sscvae/array/elementwise.h"
#include "sscvae/array/parallel.h"
#include "sscvae/core/random.h"

namespace sscvae::image {

namespace {

using Rule = TemperRule;

constexpr double kStep = 0.5;       // of the probe, in noise levels
constexpr double kLeastProbed = 1;  // grey levels
constexpr uint64_t kProbeSeed = 17;

double noise_energy(double sigma_8bit, bool estimated) {
  const double texture = estimated ? Rule::kTextureInEstimates : 0;
  return std::max(0.0, sigma_8bit * sigma_8bit - texture * texture);
}

/// Means over 2 kRadius + 1 rows of [length,inner] at a time, over what there is of them at the ends.
template <class T>
void means_of_rows(const T* from, T* to, int64_t length, int64_t inner) {
  constexpr int64_t radius = Rule::kRadius;
  std::fill_n(to, length * inner, T{0});
  for (int64_t offset = -radius; offset <= radius; ++offset) {
    const int64_t shift = offset * inner, end = length * inner - std::max<int64_t>(shift, 0);
    for (int64_t i = std::max<int64_t>(-shift, 0); i < end; ++i) to[i] += from[i + shift];
  }
  for (int64_t row = 0; row < length; ++row) {
    const auto count = static_cast<T>(std::min(row + radius, length - 1) - std::max<int64_t>(row - radius, 0) + 1);
    for (int64_t i = row * inner; i < (row + 1) * inner; ++i) to[i] /= count;
  }
}

/// The mean over a window in each channel of [C,H,W], over what there is of it at the edges.
Array local_mean(const Array& image) {
  const int64_t height = image.size(1), width = image.size(2), plane = height * width;
  const Array from = image.contiguous(), rows = empty_like(from), means = empty_like(from);
  with_fraction_type(from.type(), [&](auto kind) {
    using T = decltype(kind);
    parallel_for(0, image.size(0), 1, [&](int64_t begin, int64_t end) {
      for (int64_t c = begin; c < end; ++c)
        means_of_rows(from.data<T>() + c * plane, rows.data<T>() + c * plane, height, width);
    });
    parallel_for(0, image.size(0) * height, 64, [&](int64_t begin, int64_t end) {
      for (int64_t y = begin; y < end; ++y)
        means_of_rows(rows.data<T>() + y * width, means.data<T>() + y * width, width, 1);
    });
  });
  return means;
}

Array random_signs(const Sizes& sizes) {
  const Array signs = Array::empty(sizes, kFloat32);
  float* sign = signs.data<float>();
  Random random(kProbeSeed);
  uint64_t bits = 0;
  for (int64_t i = 0; i < signs.numel(); ++i, bits >>= 1) {
    if (i % 64 == 0) bits = random.next();
    sign[i] = bits & 1 ? 1.0F : -1.0F;
  }
  return signs;
}

}  // namespace

Array temper(const Array& input, const Array& output, double sigma_8bit, bool estimated, const Array& removed) {
  const double noise = noise_energy(sigma_8bit, estimated), relative = sigma_8bit / Rule::kUnlimited;
  if (noise == 0) return input.clone();
  const double loosened = 1 + relative * relative;
  const Array change = output - input;
  const Array uncut = logical_and(ne(input, 0), ne(input, 1)).to(kFloat32);
  Array allowed = local_mean(uncut) * (noise / (255.0 * 255.0));
  double trust = 1;
  if (removed.defined()) {
    const double q = std::min(1.0, std::pow(relative, 8));
    allowed = allowed * (clamp(local_mean(removed), 0, 1) * (1 - q) + q * loosened);
  } else {
    allowed = allowed * loosened;
    trust = noise / (noise + Rule::kModelError * Rule::kModelError);
  }
  const Array weight = clamp(allowed / clamp_min(local_mean(square(change)), 1e-12), 0, 1);
  return input + change * weight * trust;
}

bool NoiseProbe::is_wanted(double sigma_8bit, bool estimated) {
  return noise_energy(sigma_8bit, estimated) > 0 && sigma_8bit < Rule::kUnlimited;
}

NoiseProbe::NoiseProbe(const Array& input, double sigma_8bit, bool in_grey)
    : step_(kStep * std::max(sigma_8bit, kLeastProbed) / 255),
      signs_(random_signs({in_grey ? 1 : input.size(0), input.size(1), input.size(2)})),
      moved_(input + signs_ * step_) {}

Array NoiseProbe::removed(const Array& output, const Array& moved) const {
  return 1 - (moved - output) * signs_ / step_;
}

}  // namespace sscvae::image
