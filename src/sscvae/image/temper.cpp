#include "sscvae/image/temper.h"

#include <ATen/ops/avg_pool2d.h>
#include <ATen/ops/empty.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>

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

/// The mean over a window, over what there is of it at the edges.
at::Tensor local_mean(const at::Tensor& image) {
  constexpr int64_t radius = Rule::kRadius, side = 2 * radius + 1;
  const at::Tensor rows = at::avg_pool2d(image, {side, 1}, {1, 1}, {radius, 0}, false, /*count_include_pad=*/false);
  return at::avg_pool2d(rows, {1, side}, {1, 1}, {0, radius}, false, false);
}

at::Tensor random_signs(at::IntArrayRef sizes) {
  const at::Tensor signs = at::empty(sizes, at::kFloat);
  float* sign = signs.mutable_data_ptr<float>();
  Random random(kProbeSeed);
  uint64_t bits = 0;
  for (int64_t i = 0; i < signs.numel(); ++i, bits >>= 1) {
    if (i % 64 == 0) bits = random.next();
    sign[i] = bits & 1 ? 1.0F : -1.0F;
  }
  return signs;
}

}  // namespace

at::Tensor temper(const at::Tensor& input, const at::Tensor& output, double sigma_8bit, bool estimated,
                  const at::Tensor& removed) {
  const double noise = noise_energy(sigma_8bit, estimated), relative = sigma_8bit / Rule::kUnlimited;
  if (noise == 0) return input.clone();
  const double loosened = 1 + relative * relative;
  const at::Tensor change = output - input;
  const at::Tensor uncut = input.ne(0).logical_and(input.ne(1)).to(at::kFloat);
  at::Tensor allowed = local_mean(uncut) * (noise / (255.0 * 255.0));
  double trust = 1;
  if (removed.defined()) {
    const double q = std::min(1.0, std::pow(relative, 8));
    allowed = allowed * (local_mean(removed).clamp(0, 1) * (1 - q) + q * loosened);
  } else {
    allowed = allowed * loosened;
    trust = noise / (noise + Rule::kModelError * Rule::kModelError);
  }
  return input + change * (allowed / local_mean(change.square()).clamp_min(1e-12)).clamp_max(1) * trust;
}

bool NoiseProbe::is_wanted(double sigma_8bit, bool estimated) {
  return noise_energy(sigma_8bit, estimated) > 0 && sigma_8bit < Rule::kUnlimited;
}

NoiseProbe::NoiseProbe(const at::Tensor& input, double sigma_8bit, bool in_grey)
    : step_(kStep * std::max(sigma_8bit, kLeastProbed) / 255),
      signs_(random_signs({in_grey ? 1 : input.size(0), input.size(1), input.size(2)})),
      moved_(input + signs_ * step_) {}

at::Tensor NoiseProbe::removed(const at::Tensor& output, const at::Tensor& moved) const {
  return 1 - (moved - output) * signs_ / step_;
}

}  // namespace sscvae::image
