#include "sscvae/kernels/norm_act.h"

#include <vector>

#include "sscvae/array/array.h"
#include "sscvae/array/parallel.h"
#include "sscvae/core/error.h"
#include "sscvae/kernels/norm_act_loops.h"

namespace sscvae::kernels {

namespace {

constexpr auto kChannelsLast = Layout::kChannelsLast;

const BandLoops& loops_for(const Array& x, Isa isa) {
  const NormActLoops& loops = norm_act_loops(isa);
  return x.type() == kBFloat16 ? loops.bfloat16 : loops.float32;
}

/// [N,C] float32, one row after the other.
void check_coefficients(const Array& coefficients, const Array& x) {
  SSCVAE_ASSERT(coefficients.type() == kFloat32 && coefficients.is_contiguous() &&
                coefficients.sizes() == Sizes({x.size(0), x.size(1)}));
}

/// Image `n` without coefficients.
NormActImage image_of(const Array& x, int64_t n, const NormActForm& form) {
  NormActImage image{};
  image.height = x.size(2);
  image.width = x.size(3);
  image.channels = x.size(1);
  image.x = static_cast<const char*>(x.bytes()) + n * image.height * image.width * image.channels * size_of(x.type());
  image.activation = form.activation;
  image.pool = form.pool;
  return image;
}

const float* row_of(const Array& coefficients, int64_t n) {
  return coefficients.data<float>() + n * coefficients.size(1);
}

/// What image `n` has of an array that is dense in images.
char* part_of(const Array& array, int64_t n) {
  return static_cast<char*>(array.bytes()) + n * (array.numel() / array.size(0)) * size_of(array.type());
}

/// treat(image number, band) for all bands of all images, in parallel.
template <class Treat>
void for_each_band(int64_t images, int64_t bands, Treat treat) {
  parallel_for(0, images * bands, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) treat(i / bands, i % bands);
  });
}

/// sum(image number, band, float [2][C] scratch, double [C] first, double [C] second), added over the bands in order.
template <class Sum>
Array summed_over_bands(const Array& x, int64_t bands, Sum sum) {
  const int64_t images = x.size(0), channels = x.size(1);
  const Array parts = Array::zeros({images, bands, 2, channels}, kFloat64);
  double* data = parts.data<double>();
  parallel_for(0, images * bands, 1, [&](int64_t begin, int64_t end) {
    std::vector<float> scratch(static_cast<size_t>(2 * channels), 0.0f);
    for (int64_t i = begin; i < end; ++i) {
      double* part = data + i * 2 * channels;
      sum(i / bands, i % bands, scratch.data(), part, part + channels);
    }
  });
  const Array sums = Array::zeros({2, images, channels}, kFloat64);
  double* out = sums.data<double>();
  for (int64_t n = 0; n < images; ++n)
    for (int64_t band = 0; band < bands; ++band)
      for (int64_t which = 0; which < 2; ++which)
        for (int64_t c = 0; c < channels; ++c)
          out[(which * images + n) * channels + c] += data[((n * bands + band) * 2 + which) * channels + c];
  return sums;
}

}  // namespace

bool can_norm_act(const Array& x) {
  return !x.is_placeholder() && x.dim() == 4 && x.numel() > 0 && x.size(1) % 16 == 0 &&
         (x.type() == kFloat32 || x.type() == kBFloat16) && x.is_contiguous(kChannelsLast);
}

Array channel_moments(const Array& x, const Array& centre, Isa isa) {
  SSCVAE_ASSERT(can_norm_act(x));
  check_coefficients(centre, x);
  const BandLoops& loops = loops_for(x, isa);
  return summed_over_bands(x, x.size(2), [&](int64_t n, int64_t row, float* sums, double* first, double* second) {
    NormActImage image = image_of(x, n, {});
    image.centre = row_of(centre, n);
    loops.moments(image, row, sums, first, second);
  });
}

Array norm_act(const Array& x, const Array& scale, const Array& shift, const NormActForm& form) {
  SSCVAE_ASSERT(can_norm_act(x) && (!form.pool || form.activation == Act::kRelu));
  check_coefficients(scale, x);
  check_coefficients(shift, x);
  const int64_t factor = form.pool ? 2 : 1;
  const Array out =
      Array::empty({x.size(0), x.size(1), x.size(2) / factor, x.size(3) / factor}, x.type(), kChannelsLast);
  if (out.numel() == 0) return out;
  const BandLoops& loops = loops_for(x, form.isa);
  for_each_band(x.size(0), image_of(x, 0, form).bands(), [&](int64_t n, int64_t band) {
    NormActImage image = image_of(x, n, form);
    image.scale = row_of(scale, n);
    image.shift = row_of(shift, n);
    image.out = part_of(out, n);
    loops.forward(image, band);
  });
  return out;
}

Array norm_act_gradient_sums(const Array& x, const Array& gradient, const Array& scale, const Array& shift,
                             const Array& centre, const NormActForm& form) {
  SSCVAE_ASSERT(can_norm_act(x) && gradient.is_contiguous(kChannelsLast) && gradient.type() == x.type());
  check_coefficients(centre, x);
  const BandLoops& loops = loops_for(x, form.isa);
  const int64_t bands = image_of(x, 0, form).bands();
  return summed_over_bands(x, bands, [&](int64_t n, int64_t band, float* sums, double* first, double* second) {
    NormActImage image = image_of(x, n, form);
    image.gradient = part_of(gradient, n);
    image.scale = row_of(scale, n);
    image.shift = row_of(shift, n);
    image.centre = row_of(centre, n);
    loops.gradient_sums(image, band, sums, first, second);
  });
}

Array norm_act_gradient(const Array& x, const Array& gradient, const Array& scale, const Array& shift,
                        const GradientLine& line, const NormActForm& form) {
  SSCVAE_ASSERT(can_norm_act(x) && gradient.is_contiguous(kChannelsLast) && gradient.type() == x.type());
  for (const Array& coefficients : {line.gain, line.slope, line.centre, line.constant})
    check_coefficients(coefficients, x);
  const Array out = Array::empty(x.sizes(), x.type(), kChannelsLast);
  const BandLoops& loops = loops_for(x, form.isa);
  for_each_band(x.size(0), image_of(x, 0, form).bands(), [&](int64_t n, int64_t band) {
    NormActImage image = image_of(x, n, form);
    image.gradient = part_of(gradient, n);
    image.scale = row_of(scale, n);
    image.shift = row_of(shift, n);
    image.centre = row_of(line.centre, n);
    image.gain = row_of(line.gain, n);
    image.slope = row_of(line.slope, n);
    image.constant = row_of(line.constant, n);
    image.out = part_of(out, n);
    loops.backward(image, band);
  });
  return out;
}

}  // namespace sscvae::kernels
