#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "sscvae/core/error.h"
#include "sscvae/metrics/metrics.h"
#include "sscvae/metrics/planes.h"

namespace sscvae::metrics {

namespace {

/// A separable window: weights of one axis, and what turns E[ab] - E[a]E[b] into the covariance of the definition.
struct Window {
  std::vector<double> weights;
  double covariance_factor;
  double data_range;
};

enum Moment { kA, kB, kAA, kBB, kAB, kMoments };
using Row = std::vector<double>;

/// Weighted sums along one row of a, b, a^2, b^2 and ab.
void filter_row(const double* a, const double* b, const std::vector<double>& weights, std::array<Row, kMoments>& out) {
  const size_t positions = out[kA].size();
  for (Row& row : out) row.assign(positions, 0.0);
  for (size_t tap = 0; tap < weights.size(); ++tap) {
    const double weight = weights[tap];
    for (size_t x = 0; x < positions; ++x) {
      const double va = a[x + tap], vb = b[x + tap];
      out[kA][x] += weight * va;
      out[kB][x] += weight * vb;
      out[kAA][x] += weight * va * va;
      out[kBB][x] += weight * vb * vb;
      out[kAB][x] += weight * va * vb;
    }
  }
}

double similarity(const std::array<double, kMoments>& m, const Window& window) {
  const double c1 = std::pow(0.01 * window.data_range, 2), c2 = std::pow(0.03 * window.data_range, 2);
  const double mean_product = m[kA] * m[kB], mean_squares = m[kA] * m[kA] + m[kB] * m[kB];
  const double covariance = window.covariance_factor * (m[kAB] - mean_product);
  const double variances = window.covariance_factor * (m[kAA] + m[kBB] - mean_squares);
  return (2 * mean_product + c1) * (2 * covariance + c2) / ((mean_squares + c1) * (variances + c2));
}

/// Of planes [H,W]. Keeps a band of rows in double precision and as many filtered rows as the window is high, whatever
/// the size of the image.
double ssim_of_plane(const Array& a, const Array& b, const Window& window) {
  constexpr int64_t kBand = 64;
  const auto height = static_cast<size_t>(a.size(0)), width = static_cast<size_t>(a.size(1));
  const size_t size = window.weights.size(), positions = width - size + 1;
  std::vector<std::array<Row, kMoments>> ring(size);
  for (auto& rows : ring)
    for (Row& row : rows) row.resize(positions);
  Array band_a, band_b;
  double total = 0;
  for (size_t y = 0; y < height; ++y) {
    const auto begin = static_cast<int64_t>(y) / kBand * kBand, row = static_cast<int64_t>(y) - begin;
    if (row == 0) {
      const int64_t rows = std::min(kBand, a.size(0) - begin);
      band_a = plain(a.narrow(0, begin, rows));
      band_b = plain(b.narrow(0, begin, rows));
    }
    const int64_t offset = row * a.size(1);
    filter_row(band_a.data<double>() + offset, band_b.data<double>() + offset, window.weights, ring[y % size]);
    if (y + 1 < size) continue;
    double sum_of_row = 0;
    for (size_t x = 0; x < positions; ++x) {
      std::array<double, kMoments> moments{};
      for (size_t tap = 0; tap < size; ++tap)
        for (size_t m = 0; m < kMoments; ++m) moments[m] += window.weights[tap] * ring[(y + 1 + tap) % size][m][x];
      sum_of_row += similarity(moments, window);
    }
    total += sum_of_row;
  }
  return total / static_cast<double>(positions * (height - size + 1));
}

double mean_ssim(const Array& a, const Array& b, const Window& window) {
  check_image_pair(a, b);
  const int64_t height = a.size(-2), width = a.size(-1), size = static_cast<int64_t>(window.weights.size());
  if (height < size || width < size) {
    const std::string side = std::to_string(size);
    throw ShapeError("ssim: expected an image of at least " + side + "x" + side + " pixels, got " +
                     std::to_string(width) + "x" + std::to_string(height));
  }
  const Array first = a.reshape({-1, height, width}), second = b.reshape({-1, height, width});
  const int64_t planes = first.size(0);
  double total = 0;
  for (int64_t plane = 0; plane < planes; ++plane)
    total += ssim_of_plane(first.select(0, plane), second.select(0, plane), window);
  return total / static_cast<double>(planes);
}

std::vector<double> gaussian_weights(int64_t size, double deviation) {
  std::vector<double> weights;
  double sum = 0;
  for (int64_t i = 0; i < size; ++i) {
    const double distance = static_cast<double>(i - size / 2) / deviation;
    weights.push_back(std::exp(-0.5 * distance * distance));
    sum += weights.back();
  }
  for (double& weight : weights) weight /= sum;
  return weights;
}

}  // namespace

double ssim_uniform(const Array& a, const Array& b, double data_range) {
  const double side = static_cast<double>(kUniformWindow), area = side * side;
  return mean_ssim(a, b, {std::vector<double>(kUniformWindow, 1 / side), area / (area - 1), data_range});
}

double ssim_gaussian(const Array& a, const Array& b, double data_range) {
  return mean_ssim(a, b, {gaussian_weights(kGaussianWindow, 1.5), 1.0, data_range});
}

}  // namespace sscvae::metrics
