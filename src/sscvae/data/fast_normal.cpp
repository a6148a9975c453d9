#include "sscvae/data/fast_normal.h"

#include <array>
#include <cmath>

#include "sscvae/core/random.h"

namespace sscvae::data {
namespace {

constexpr int kLayers = 128;
constexpr double kTail = 3.442619855899;       // right edge of the bottom layer's rectangle
constexpr double kArea = 9.91256303526217e-3;  // of every layer

double density(double x) { return std::exp(-0.5 * x * x); }

/// edge[i] is the right edge of layer i, falling from the widened bottom layer to 0 at the top.
struct Ziggurat {
  std::array<double, kLayers + 1> edge{};
  std::array<double, kLayers> inner{};  ///< share of a layer that lies below the curve throughout
  Ziggurat() {
    edge[0] = kArea / density(kTail);
    edge[1] = kTail;
    for (int i = 2; i < kLayers; ++i) edge[i] = std::sqrt(-2 * std::log(kArea / edge[i - 1] + density(edge[i - 1])));
    edge[kLayers] = 0;
    for (int i = 0; i < kLayers; ++i) inner[i] = edge[i + 1] / edge[i];
  }
};

double tail(Random& random, bool negative) {
  double x, y;
  do {
    x = std::log(1 - random.uniform()) / kTail;
    y = std::log(1 - random.uniform());
  } while (-2 * y < x * x);
  return negative ? x - kTail : kTail - x;
}

double draw(Random& random, const Ziggurat& ziggurat) {
  for (;;) {
    const uint64_t bits = random.next();
    const size_t layer = bits % kLayers;
    const double u = static_cast<double>(bits >> 11) * 0x1p-52 - 1;  // [-1, 1)
    const double x = u * ziggurat.edge[layer];
    if (std::abs(u) < ziggurat.inner[layer]) return x;
    if (layer == 0) return tail(random, u < 0);
    const double low = density(ziggurat.edge[layer]), high = density(ziggurat.edge[layer + 1]);
    if (low + random.uniform() * (high - low) < density(x)) return x;
  }
}

}  // namespace

void add_normal(uint64_t seed, float scale, float* values, int64_t count) {
  static const Ziggurat ziggurat;
  Random random(seed);
  for (int64_t i = 0; i < count; ++i) values[i] += scale * static_cast<float>(draw(random, ziggurat));
}

}  // namespace sscvae::data
