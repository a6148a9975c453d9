#include "sscvae/report/colormap.h"

#include <algorithm>
#include <cmath>

#include "sscvae/array/elementwise.h"
#include "sscvae/array/reductions.h"
#include "sscvae/array/selection.h"
#include "sscvae/array/shape.h"
#include "sscvae/core/error.h"
#include "sscvae/core/text.h"

namespace sscvae::report {

namespace {

/// Control points at even distances, linear in between.
struct Map {
  std::string name;
  std::vector<Rgb> points;
};

const std::vector<Map>& maps() {
  static const std::vector<Map> all{
      {"viridis",
       {{68, 1, 84},
        {71, 44, 122},
        {59, 81, 139},
        {44, 113, 142},
        {33, 144, 141},
        {39, 173, 129},
        {92, 200, 99},
        {170, 220, 50},
        {253, 231, 37}}},
      {"diverging",
       {{5, 48, 97},
        {33, 102, 172},
        {67, 147, 195},
        {146, 197, 222},
        {255, 255, 255},
        {244, 165, 130},
        {214, 96, 77},
        {178, 24, 43},
        {103, 0, 31}}},
      {"grey", {{0, 0, 0}, {255, 255, 255}}},
  };
  return all;
}

const Map& find_map(const std::string& name) {
  for (const Map& map : maps())
    if (map.name == name) return map;
  throw UsageError("unknown colour map '" + name + "'" + suggestion(name, colormap_names()));
}

Rgb color_at(const Map& map, double position) {
  if (!std::isfinite(position)) return kNotFinite;
  const double place = std::clamp(position, 0.0, 1.0) * static_cast<double>(map.points.size() - 1);
  const auto left = std::min(static_cast<size_t>(place), map.points.size() - 2);
  const double share = place - static_cast<double>(left);
  Rgb color{};
  for (size_t c = 0; c < 3; ++c)
    color[c] = static_cast<uint8_t>(std::lround((1 - share) * map.points[left][c] + share * map.points[left + 1][c]));
  return color;
}

image::Image blank(int64_t width, int64_t height) {
  image::Image picture;
  picture.width = width;
  picture.height = height;
  picture.channels = 3;
  picture.bytes.resize(static_cast<size_t>(width * height * 3));
  return picture;
}

void put(image::Image& picture, int64_t x, int64_t y, const Rgb& color) {
  std::copy(color.begin(), color.end(), picture.bytes.begin() + (y * picture.width + x) * 3);
}

Array as_double(const Array& values) { return values.to(kFloat64).contiguous(); }

}  // namespace

const std::vector<std::string>& colormap_names() {
  static const std::vector<std::string> names{"viridis", "diverging", "grey"};
  return names;
}

Rgb color_at(const std::string& colormap, double position) { return color_at(find_map(colormap), position); }

image::Image apply_colormap(const Array& values, double lo, double hi, const std::string& colormap) {
  check_shape(values, "colour map values", "h,w", {-1, -1});
  const Map& map = find_map(colormap);
  if (!std::isfinite(lo) || !std::isfinite(hi) || lo > hi)
    throw UsageError("colour map: expected finite bounds lo <= hi");
  const Array table = as_double(values);
  const double* data = table.data<double>();
  image::Image picture = blank(table.size(1), table.size(0));
  for (int64_t y = 0; y < picture.height; ++y)
    for (int64_t x = 0; x < picture.width; ++x) {
      const double value = data[y * picture.width + x];
      const double position = std::isnan(value) ? value
                              : hi > lo         ? std::clamp((value - lo) / (hi - lo), 0.0, 1.0)
                              : value > hi      ? 1.0
                                                : 0.0;
      put(picture, x, y, color_at(map, position));
    }
  return picture;
}

image::Image apply_colormap(const Array& values, const std::string& colormap) {
  check_shape(values, "colour map values", "h,w", {-1, -1});
  const Array table = as_double(values), finite = masked_select(table, isfinite(table));
  double lo = 0, hi = 0;
  if (finite.numel() > 0) {
    lo = min(finite);
    hi = max(finite);
  }
  if (colormap == "diverging") {
    hi = std::max(std::abs(lo), std::abs(hi));
    lo = -hi;
    if (hi == 0) lo = -(hi = 1);
  }
  return apply_colormap(values, lo, hi, colormap);
}

image::Image atoms_mosaic(const Array& patches, int64_t columns) {
  if (columns < 0) throw UsageError("mosaic: expected columns >= 0");
  const Array given = patches.defined() && patches.dim() == 3 ? patches.unsqueeze(1) : patches;
  check_shape(given, "atoms", "K,C,h,w", {-1, -1, -1, -1});
  const Array atoms = as_double(given);
  const int64_t count = atoms.size(0), channels = atoms.size(1), height = atoms.size(2), width = atoms.size(3);
  if (count < 1 || (channels != 1 && channels != 3))
    throw ShapeError("atoms: expected [K, 1 or 3, h, w], got " + shape_text(atoms));
  if (columns == 0) columns = static_cast<int64_t>(std::ceil(std::sqrt(static_cast<double>(count))));
  const int64_t rows = (count + columns - 1) / columns;
  image::Image picture = blank(columns * (width + 1) + 1, rows * (height + 1) + 1);
  for (int64_t i = 0; i < picture.width * picture.height; ++i) put(picture, i % picture.width, i / picture.width, kGap);
  const Map& map = find_map("diverging");
  const double* data = atoms.data<double>();
  for (int64_t k = 0; k < count; ++k) {
    const double* atom = data + k * channels * height * width;
    double largest = 0;
    for (int64_t i = 0; i < channels * height * width; ++i) largest = std::max(largest, std::abs(atom[i]));
    if (!(largest > 0)) largest = 1;
    for (int64_t y = 0; y < height; ++y)
      for (int64_t x = 0; x < width; ++x) {
        const auto level = [&](int64_t c) { return 0.5 + 0.5 * atom[(c * height + y) * width + x] / largest; };
        Rgb color = color_at(map, level(0));
        if (channels == 3)
          for (int64_t c = 0; c < 3; ++c)
            color[static_cast<size_t>(c)] = static_cast<uint8_t>(std::lround(255 * std::clamp(level(c), 0.0, 1.0)));
        put(picture, (k % columns) * (width + 1) + 1 + x, (k / columns) * (height + 1) + 1 + y, color);
      }
  }
  return picture;
}

image::Image residual_image(const Array& original, const Array& reconstruction, double gain) {
  if (!(gain > 0)) throw UsageError("residual: expected a gain above 0");
  check_shape(original, "original", "C,H,W", {-1, -1, -1});
  check_shape(reconstruction, "reconstruction", "C,H,W", {original.size(0), original.size(1), original.size(2)});
  const Array difference = as_double(reconstruction) - as_double(original);
  if (original.size(0) == 1) return apply_colormap(difference.select(0, 0), -1 / gain, 1 / gain, "diverging");
  return image::from_array((0.5 + difference * (gain / 2)).to(kFloat32));
}

}  // namespace sscvae::report
