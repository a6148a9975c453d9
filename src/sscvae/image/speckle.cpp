#include <cmath>

#include "sscvae/core/error.h"
#include "sscvae/core/random.h"
#include "sscvae/image/synthetic.h"

namespace sscvae::image {

namespace {

/// Samples of a Gaussian with squares that add up to 1, so that filtered white noise keeps its variance.
std::vector<double> energy_kernel(double width) {
  const auto reach = static_cast<int64_t>(std::ceil(3 * width));
  std::vector<double> kernel;
  double energy = 0;
  for (int64_t i = -reach; i <= reach; ++i) {
    kernel.push_back(std::exp(-0.5 * static_cast<double>(i * i) / std::max(width * width, 1e-6)));
    energy += kernel.back() * kernel.back();
  }
  for (double& value : kernel) value /= std::sqrt(energy);
  return kernel;
}

/// Filters each row with its own kernel; columns beyond the edge are silent.
void blur_rows(std::vector<double>& field, int64_t rows, int64_t columns, const std::vector<double>& width_of_row) {
  std::vector<double> row(static_cast<size_t>(columns));
  for (int64_t y = 0; y < rows; ++y) {
    const std::vector<double> kernel = energy_kernel(width_of_row[static_cast<size_t>(y)]);
    const int64_t reach = static_cast<int64_t>(kernel.size()) / 2;
    double* line = field.data() + y * columns;
    std::fill(row.begin(), row.end(), 0.0);
    for (int64_t k = -reach; k <= reach; ++k) {
      const double weight = kernel[static_cast<size_t>(k + reach)];
      for (int64_t x = std::max<int64_t>(0, k); x < std::min(columns, columns + k); ++x)
        row[static_cast<size_t>(x)] += weight * line[x - k];
    }
    std::copy(row.begin(), row.end(), line);
  }
}

void blur_columns(std::vector<double>& field, int64_t rows, int64_t columns, double width) {
  const std::vector<double> kernel = energy_kernel(width);
  const int64_t reach = static_cast<int64_t>(kernel.size()) / 2;
  const std::vector<double> source = field;
  std::fill(field.begin(), field.end(), 0.0);
  for (int64_t y = 0; y < rows; ++y)
    for (int64_t k = std::max(-reach, y - rows + 1); k <= std::min(reach, y); ++k) {
      const double weight = kernel[static_cast<size_t>(k + reach)];
      for (int64_t x = 0; x < columns; ++x) field[y * columns + x] += weight * source[(y - k) * columns + x];
    }
}

}  // namespace

std::vector<double> speckle_envelope(uint64_t seed, const SpeckleField& field) {
  SSCVAE_ASSERT(field.density.size() == static_cast<size_t>(field.depths * field.beams));
  SSCVAE_ASSERT(field.lateral_width.size() == static_cast<size_t>(field.depths));
  double widest = 0;
  for (const double width : field.lateral_width) widest = std::max(widest, width);
  // Scatterers go on beyond the edges (as the nearest ones inside), so that the speckle does not fade there.
  const auto above = static_cast<int64_t>(std::ceil(3 * field.axial_width));
  const auto beside = static_cast<int64_t>(std::ceil(3 * widest));
  const int64_t rows = field.depths + 2 * above, columns = field.beams + 2 * beside;
  std::vector<double> widths(static_cast<size_t>(rows));
  const auto inside = [](int64_t i, int64_t size) { return std::min(std::max<int64_t>(i, 0), size - 1); };

  std::vector<double> real(static_cast<size_t>(rows * columns)), imaginary(real.size());
  Random random(derive_seed(seed, "speckle"));
  for (int64_t y = 0; y < rows; ++y) {
    const int64_t depth = inside(y - above, field.depths);
    widths[static_cast<size_t>(y)] = field.lateral_width[static_cast<size_t>(depth)];
    for (int64_t x = 0; x < columns; ++x) {
      const double amplitude = std::sqrt(field.density[depth * field.beams + inside(x - beside, field.beams)] / 2);
      real[y * columns + x] = amplitude * random.normal();
      imaginary[y * columns + x] = amplitude * random.normal();
    }
  }
  for (std::vector<double>* part : {&real, &imaginary}) {
    blur_rows(*part, rows, columns, widths);
    blur_columns(*part, rows, columns, field.axial_width);
  }
  std::vector<double> envelope(field.density.size());
  for (int64_t y = 0; y < field.depths; ++y)
    for (int64_t x = 0; x < field.beams; ++x) {
      const int64_t i = (y + above) * columns + x + beside;
      envelope[y * field.beams + x] = std::sqrt(real[i] * real[i] + imaginary[i] * imaginary[i]);
    }
  return envelope;
}

}  // namespace sscvae::image
