#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "sscvae/core/error.h"
#include "sscvae/core/random.h"
#include "sscvae/core/text.h"
#include "sscvae/image/synthetic.h"

namespace sscvae::image {

namespace {

constexpr int64_t kMaxDeadLeavesSide = 8192;
constexpr int64_t kTextureSide = 256;
using Colour = std::array<double, 3>;

/// Periodic fractal noise of mean 0 and standard deviation about 1.
class Texture {
 public:
  explicit Texture(Random& random) : values_(kTextureSide * kTextureSide, 0.0) {
    double amplitude = 1;
    for (int64_t cell = 64; cell >= 1; cell /= 2, amplitude *= 0.62) add_octave(random, cell, amplitude);
    double squares = 0;
    for (const double value : values_) squares += value * value;
    const double scale = 1 / std::sqrt(squares / static_cast<double>(values_.size()));
    for (double& value : values_) value *= scale;
  }
  double at(int64_t x, int64_t y) const {
    return values_[static_cast<size_t>((y & (kTextureSide - 1)) * kTextureSide + (x & (kTextureSide - 1)))];
  }

 private:
  void add_octave(Random& random, int64_t cell, double amplitude) {
    const int64_t side = kTextureSide / cell;
    std::vector<double> lattice(static_cast<size_t>(side * side));
    for (double& value : lattice) value = random.uniform(-amplitude, amplitude);
    const auto smooth = [cell](int64_t i) {
      const double t = static_cast<double>(i % cell) / static_cast<double>(cell);
      return t * t * (3 - 2 * t);
    };
    for (int64_t y = 0; y < kTextureSide; ++y)
      for (int64_t x = 0; x < kTextureSide; ++x) {
        const int64_t left = x / cell, right = (left + 1) % side, top = y / cell, bottom = (top + 1) % side;
        const double fx = smooth(x), fy = smooth(y);
        const double upper = (1 - fx) * lattice[top * side + left] + fx * lattice[top * side + right];
        const double lower = (1 - fx) * lattice[bottom * side + left] + fx * lattice[bottom * side + right];
        values_[y * kTextureSide + x] += (1 - fy) * upper + fy * lower;
      }
  }
  std::vector<double> values_;
};

/// The colours of one scene: a few base colours under one light.
struct Palette {
  std::vector<Colour> colours;

  explicit Palette(Random& random) {
    const Colour light = {random.uniform(0.92, 1.08), 1.0, random.uniform(0.88, 1.08)};
    const int64_t count = 4 + random.below(5);
    for (int64_t i = 0; i < count; ++i) {
      const double hue = random.uniform(0, 2 * std::numbers::pi),
                   saturation = 0.42 * random.uniform() * random.uniform();
      const double value = 0.06 + 0.8 * random.uniform() * (0.4 + 0.6 * random.uniform());
      Colour colour{};
      for (size_t c = 0; c < 3; ++c)
        colour[c] =
            light[c] * value * (1 + 1.6 * saturation * std::cos(hue - 2.0943951023931953 * static_cast<double>(c)));
      colours.push_back(colour);
    }
  }
  Colour draw(Random& random) const {
    Colour colour = colours[static_cast<size_t>(random.below(static_cast<int64_t>(colours.size())))];
    const double brightness = random.uniform(0.65, 1.4);
    for (double& value : colour) value *= brightness * random.uniform(0.93, 1.07);
    return colour;
  }
};

struct Leaf {
  double x, y, long_axis, short_axis, cosine, sine;
  bool is_box;
  Colour colour;
  double shade_x, shade_y;  ///< change of brightness over one radius
  double grain;             ///< relative amplitude of its texture
  int64_t texture_x, texture_y;
  double stripe, stripe_frequency;
};

Leaf draw_leaf(Random& random, double radius, double width, double height, double margin, const Palette& palette) {
  Leaf leaf{};
  const double turn = random.uniform(0, 2 * std::numbers::pi), shape = random.uniform();
  leaf.x = random.uniform(-margin, width + margin);
  leaf.y = random.uniform(-margin, height + margin);
  leaf.long_axis = radius;
  leaf.short_axis = shape < 0.35 ? radius : radius * random.uniform(0.25, 1.0);
  leaf.is_box = shape > 0.75;
  leaf.cosine = std::cos(turn);
  leaf.sine = std::sin(turn);
  leaf.colour = palette.draw(random);
  const double shade = random.uniform(0, 0.25), toward = random.uniform(0, 2 * std::numbers::pi);
  leaf.shade_x = shade * std::cos(toward);
  leaf.shade_y = shade * std::sin(toward);
  leaf.grain = 0.16 * random.uniform() * random.uniform();
  leaf.texture_x = random.below(kTextureSide);
  leaf.texture_y = random.below(kTextureSide);
  leaf.stripe = random.uniform() < 0.12 ? random.uniform(0.05, 0.2) : 0;
  leaf.stripe_frequency = 2 * std::numbers::pi / random.uniform(5, 24);
  return leaf;
}

/// Twice the image's size; a pixel is taken by the first leaf that covers it (leaves fall from below, so to speak).
class Canvas {
 public:
  Canvas(int64_t width, int64_t height, int64_t channels)
      : width_(width),
        height_(height),
        channels_(channels),
        open_(width * height),
        taken_(static_cast<size_t>(open_), 0),
        values_(static_cast<size_t>(open_ * channels)) {}
  int64_t open() const { return open_; }
  float value(int64_t x, int64_t y, int64_t c) const { return values_[(y * width_ + x) * channels_ + c]; }

  void put(const Leaf& leaf, const Texture& texture) {
    const double reach = leaf.is_box ? leaf.long_axis * 1.4142135623730951 : leaf.long_axis;
    const int64_t left = first(leaf.x - reach), right = last(leaf.x + reach, width_);
    const int64_t top = first(leaf.y - reach), bottom = last(leaf.y + reach, height_);
    for (int64_t y = top; y <= bottom; ++y)
      for (int64_t x = left; x <= right; ++x)
        if (!taken_[y * width_ + x]) paint(leaf, texture, x, y);
  }

 private:
  static int64_t first(double from) { return std::max<int64_t>(0, static_cast<int64_t>(std::ceil(from))); }
  static int64_t last(double to, int64_t size) {
    return std::min<int64_t>(size - 1, static_cast<int64_t>(std::floor(to)));
  }
  void paint(const Leaf& leaf, const Texture& texture, int64_t x, int64_t y) {
    const double dx = static_cast<double>(x) - leaf.x, dy = static_cast<double>(y) - leaf.y;
    const double u = (dx * leaf.cosine + dy * leaf.sine) / leaf.long_axis;
    const double v = (dy * leaf.cosine - dx * leaf.sine) / leaf.short_axis;
    const double u2 = u * u, v2 = v * v;
    if ((leaf.is_box ? u2 * u2 * u2 + v2 * v2 * v2 : u2 + v2) > 1) return;
    double brightness = 1 + leaf.shade_x * u + leaf.shade_y * v;
    brightness += leaf.grain * texture.at(x / 2 + leaf.texture_x, y / 2 + leaf.texture_y);
    if (leaf.stripe > 0) brightness += leaf.stripe * std::sin(leaf.stripe_frequency * leaf.long_axis * u);
    const Colour& colour = leaf.colour;
    float* value = &values_[(y * width_ + x) * channels_];
    if (channels_ == 1)
      value[0] = static_cast<float>(brightness * (0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]));
    else
      for (int64_t c = 0; c < channels_; ++c)
        value[c] = static_cast<float>(brightness * colour[static_cast<size_t>(c)]);
    taken_[y * width_ + x] = 1;
    --open_;
  }
  int64_t width_, height_, channels_, open_;
  std::vector<uint8_t> taken_;
  std::vector<float> values_;
};

void cover(Canvas& canvas, Random& random, double width, double height) {
  const Texture texture(random);
  const Palette palette(random);
  const double smallest = 2 * std::exp(random.uniform(std::log(2.5), std::log(9.0)));  // 2.5 to 9 pixels of the image
  const double largest = std::max(smallest * 1.5, 0.45 * std::min(width, height));
  // Density r^-3 between the bounds: 1 / r^2 is uniform.
  const double high = 1 / (smallest * smallest), low = 1 / (largest * largest);
  const auto almost = static_cast<int64_t>(0.002 * width * height);
  while (canvas.open() > almost) {
    const double radius = 1 / std::sqrt(random.uniform(low, high));
    canvas.put(draw_leaf(random, radius, width, height, largest, palette), texture);
  }
  Leaf ground = draw_leaf(random, 4 * (width + height), width, height, 0, palette);
  ground.short_axis = ground.long_axis;
  canvas.put(ground, texture);
}

}  // namespace

Image dead_leaves(uint64_t seed, int64_t width, int64_t height, int64_t channels) {
  if (width < 1 || height < 1 || width > kMaxDeadLeavesSide || height > kMaxDeadLeavesSide ||
      (channels != 1 && channels != 3))
    throw UsageError(format("synthetic image: expected 1 to %lld pixels a side and 1 or 3 channels, got %lldx%lldx%lld",
                            static_cast<long long>(kMaxDeadLeavesSide), static_cast<long long>(width),
                            static_cast<long long>(height), static_cast<long long>(channels)));
  Random random(derive_seed(seed, "dead_leaves"));
  Canvas canvas(2 * width, 2 * height, channels);
  cover(canvas, random, static_cast<double>(2 * width), static_cast<double>(2 * height));
  Image image;
  image.width = width;
  image.height = height;
  image.channels = channels;
  image.bytes.reserve(static_cast<size_t>(width * height * channels));
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x)
      for (int64_t c = 0; c < channels; ++c) {
        const double mean = (double{canvas.value(2 * x, 2 * y, c)} + canvas.value(2 * x + 1, 2 * y, c) +
                             canvas.value(2 * x, 2 * y + 1, c) + canvas.value(2 * x + 1, 2 * y + 1, c)) /
                            4;
        image.bytes.push_back(static_cast<uint8_t>(std::nearbyint(255 * std::clamp(mean, 0.0, 1.0))));
      }
  return image;
}

}  // namespace sscvae::image
