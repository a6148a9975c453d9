#include <algorithm>
#include <cmath>
#include <numbers>

#include "sscvae/core/error.h"
#include "sscvae/core/random.h"
#include "sscvae/core/text.h"
#include "sscvae/image/anatomy.h"
#include "sscvae/image/synthetic.h"

namespace sscvae::image {

namespace {

constexpr int64_t kMaxPhantomSide = 8192;

struct Place {
  double x = 0, y = 0;
};

/// How samples (depth, beam) lie in the image, in pixels.
struct Geometry {
  bool is_sector = false;
  int64_t width = 0, height = 0, depths = 0, beams = 0;
  double apex_x = 0, apex_y = 0, near = 0, half_angle = 0;

  Place place(double depth, double beam) const {
    if (!is_sector) return {beam, depth};
    const double angle = half_angle * (2 * beam / static_cast<double>(std::max<int64_t>(beams - 1, 1)) - 1);
    return {apex_x + (near + depth) * std::sin(angle), apex_y + (near + depth) * std::cos(angle)};
  }
  /// The sample under a pixel, as (beam, depth); outside the fan it lies outside the grid.
  Place sample(double x, double y) const {
    if (!is_sector) return {x, y};
    const double dx = x - apex_x, dy = y - apex_y;
    const double angle = std::atan2(dx, dy);
    return {(angle / half_angle + 1) / 2 * static_cast<double>(beams - 1), std::sqrt(dx * dx + dy * dy) - near};
  }
};

Geometry draw_geometry(Random& random, int64_t width, int64_t height, Probe probe) {
  Geometry geometry;
  const bool prefers_sector = random.uniform() < 0.35;
  const double opening = random.uniform(0.45, 0.75), curvature = random.uniform(0.15, 0.6);
  const double top = random.uniform(0.0, 0.04);
  geometry.is_sector = probe == Probe::kSector || (probe == Probe::kAny && prefers_sector);
  geometry.width = geometry.beams = width;
  geometry.height = geometry.depths = height;
  if (!geometry.is_sector) return geometry;
  const auto h = static_cast<double>(height), w = static_cast<double>(width);
  geometry.half_angle = opening;
  geometry.apex_x = (w - 1) / 2;
  geometry.near = curvature * h;
  geometry.apex_y = top * h - geometry.near * std::cos(opening);
  const double far = h - geometry.apex_y;
  geometry.depths = std::max<int64_t>(1, static_cast<int64_t>(std::ceil((far - geometry.near) * 0.98)));
  geometry.beams = std::max<int64_t>(2, static_cast<int64_t>(std::ceil(2 * opening * (geometry.near + far) / 2)));
  return geometry;
}

/// Density along every beam, after the losses on the way there.
SpeckleField scatterers(Random& random, const Geometry& geometry, const Anatomy& anatomy) {
  const auto unit = static_cast<double>(std::min(geometry.width, geometry.height));
  SpeckleField field;
  field.depths = geometry.depths;
  field.beams = geometry.beams;
  field.density.resize(static_cast<size_t>(field.depths * field.beams));
  const double scale = std::clamp(unit / 256, 0.6, 3.0);
  field.axial_width = scale * random.uniform(1.0, 1.8);
  const double narrow = scale * random.uniform(1.6, 2.8), spread = scale * random.uniform(0.2, 2.0);
  const double compensation = random.uniform(4, 9), haze_db = random.uniform(-52, -40);
  std::vector<double> loss(static_cast<size_t>(field.beams), 0.0);
  for (int64_t depth = 0; depth < field.depths; ++depth) {
    const double part = static_cast<double>(depth) / static_cast<double>(field.depths);
    field.lateral_width.push_back(narrow + spread * std::abs(part - 0.45) * 1.8);
    const double skin_db = 7 * std::exp(-static_cast<double>(depth) / (0.02 * unit + 1));
    const double haze = std::pow(10.0, (haze_db + 10 * part) / 10);
    for (int64_t beam = 0; beam < field.beams; ++beam) {
      const Place place = geometry.place(static_cast<double>(depth), static_cast<double>(beam));
      const Tissue tissue = anatomy.at(place.x / unit, place.y / unit);
      const double level = tissue.level_db + skin_db - loss[beam];
      field.density[depth * field.beams + beam] = std::pow(10.0, level / 10) + haze;
      loss[beam] = std::clamp(loss[beam] + (tissue.attenuation_db - compensation) / unit, -9.0, 30.0);
    }
  }
  return field;
}

/// The mean of several looks at the same tissue, as machines take them to calm the speckle.
std::vector<double> compound(uint64_t seed, const SpeckleField& field, int64_t looks) {
  std::vector<double> mean(field.density.size(), 0.0);
  for (int64_t look = 0; look < looks; ++look) {
    const std::vector<double> envelope =
        speckle_envelope(derive_seed(seed, "look", static_cast<uint64_t>(look)), field);
    for (size_t i = 0; i < mean.size(); ++i) mean[i] += envelope[i] / static_cast<double>(looks);
  }
  return mean;
}

/// Decibels above `gain` to grey; in place.
void compress(std::vector<double>& envelope, double gain_db, double range_db) {
  for (double& value : envelope)
    value = std::clamp(255 * (1 + (20 * std::log10(std::max(value, 1e-9)) - gain_db) / range_db), 0.0, 255.0);
}

double interpolate(const std::vector<double>& grid, const Geometry& geometry, const Place& at) {
  const auto last_beam = static_cast<double>(geometry.beams - 1), last_depth = static_cast<double>(geometry.depths - 1);
  if (at.x < 0 || at.y < 0 || at.x > last_beam || at.y > last_depth) return 0;
  const auto x = static_cast<int64_t>(at.x), y = static_cast<int64_t>(at.y);
  const int64_t right = std::min(x + 1, geometry.beams - 1), below = std::min(y + 1, geometry.depths - 1);
  const double fx = at.x - static_cast<double>(x), fy = at.y - static_cast<double>(y);
  const double upper = (1 - fx) * grid[y * geometry.beams + x] + fx * grid[y * geometry.beams + right];
  const double lower = (1 - fx) * grid[below * geometry.beams + x] + fx * grid[below * geometry.beams + right];
  return (1 - fy) * upper + fy * lower;
}

}  // namespace

Image speckle_phantom(uint64_t seed, int64_t width, int64_t height, Probe probe) {
  if (width < 1 || height < 1 || width > kMaxPhantomSide || height > kMaxPhantomSide)
    throw UsageError(format("synthetic image: expected 1 to %lld pixels a side, got %lldx%lld",
                            static_cast<long long>(kMaxPhantomSide), static_cast<long long>(width),
                            static_cast<long long>(height)));
  Random random(derive_seed(seed, "speckle_phantom"));
  const auto unit = static_cast<double>(std::min(width, height));
  const Geometry geometry = draw_geometry(random, width, height, probe);
  const Anatomy anatomy(random, static_cast<double>(width) / unit, static_cast<double>(height) / unit);
  const SpeckleField field = scatterers(random, geometry, anatomy);
  std::vector<double> grid = compound(seed, field, 1 + random.below(4));
  const double range_db = random.uniform(50, 60);
  compress(grid, random.uniform(22, 31), range_db);

  Image image;
  image.width = width;
  image.height = height;
  image.bytes.reserve(static_cast<size_t>(width * height));
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x) {
      const Place at = geometry.sample(static_cast<double>(x), static_cast<double>(y));
      image.bytes.push_back(static_cast<uint8_t>(std::nearbyint(interpolate(grid, geometry, at))));
    }
  return image;
}

}  // namespace sscvae::image
