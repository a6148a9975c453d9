#include "sscvae/kernels/norm_act.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <vector>

#include "sscvae/core/error.h"
#include "sscvae/kernels/norm_act_loops.h"

namespace sscvae::kernels {

const NormActLoops& norm_act_loops(Isa isa, bool bfloat16) {
#ifdef SSCVAE_X86
  if (isa == Isa::kAvx512) return kNormActAvx512[bfloat16];
  if (isa == Isa::kAvx2) return kNormActAvx2[bfloat16];
#endif
  return kNormActPortable[bfloat16];
}

namespace {

constexpr auto kChannelsLast = at::MemoryFormat::ChannelsLast;

const NormActLoops& loops_for(const at::Tensor& x, Isa isa) {
  return norm_act_loops(isa, x.scalar_type() == at::kBFloat16);
}

/// [N,C] float32, one row after the other.
void check_coefficients(const at::Tensor& coefficients, const at::Tensor& x) {
  SSCVAE_ASSERT(coefficients.scalar_type() == at::kFloat && coefficients.is_contiguous() &&
                coefficients.sizes() == at::IntArrayRef({x.size(0), x.size(1)}));
}

/// Image `n` without coefficients.
NormActImage image_of(const at::Tensor& x, int64_t n, const NormActForm& form) {
  NormActImage image{};
  image.height = x.size(2);
  image.width = x.size(3);
  image.channels = x.size(1);
  image.x =
      static_cast<const char*>(x.const_data_ptr()) + n * image.height * image.width * image.channels * x.element_size();
  image.activation = form.activation;
  image.pool = form.pool;
  return image;
}

const float* row_of(const at::Tensor& coefficients, int64_t n) {
  return coefficients.const_data_ptr<float>() + n * coefficients.size(1);
}

/// What image `n` has of a tensor that is dense in images.
char* part_of(const at::Tensor& tensor, int64_t n) {
  return static_cast<char*>(tensor.data_ptr()) + n * (tensor.numel() / tensor.size(0)) * tensor.element_size();
}

/// treat(image number, band) for all bands of all images, in parallel.
template <class Treat>
void for_each_band(int64_t images, int64_t bands, Treat treat) {
  at::parallel_for(0, images * bands, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) treat(i / bands, i % bands);
  });
}

/// sum(image number, band, float [2][C] scratch, double [C] first, double [C] second), added over the bands in order.
template <class Sum>
at::Tensor summed_over_bands(const at::Tensor& x, int64_t bands, Sum sum) {
  const int64_t images = x.size(0), channels = x.size(1);
  const at::Tensor parts = at::zeros({images, bands, 2, channels}, at::TensorOptions().dtype(at::kDouble));
  double* data = parts.mutable_data_ptr<double>();
  at::parallel_for(0, images * bands, 1, [&](int64_t begin, int64_t end) {
    std::vector<float> scratch(static_cast<size_t>(2 * channels), 0.0f);
    for (int64_t i = begin; i < end; ++i) {
      double* part = data + i * 2 * channels;
      sum(i / bands, i % bands, scratch.data(), part, part + channels);
    }
  });
  const at::Tensor sums = at::zeros({2, images, channels}, parts.options());
  double* out = sums.mutable_data_ptr<double>();
  for (int64_t n = 0; n < images; ++n)
    for (int64_t band = 0; band < bands; ++band)
      for (int64_t which = 0; which < 2; ++which)
        for (int64_t c = 0; c < channels; ++c)
          out[(which * images + n) * channels + c] += data[((n * bands + band) * 2 + which) * channels + c];
  return sums;
}

}  // namespace

bool can_norm_act(const at::Tensor& x) {
  return x.device().is_cpu() && x.dim() == 4 && x.numel() > 0 && x.size(1) % 16 == 0 &&
         (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16) && x.is_contiguous(kChannelsLast);
}

at::Tensor channel_moments(const at::Tensor& x, const at::Tensor& centre, Isa isa) {
  SSCVAE_ASSERT(can_norm_act(x));
  check_coefficients(centre, x);
  const NormActLoops& loops = loops_for(x, isa);
  return summed_over_bands(x, x.size(2), [&](int64_t n, int64_t row, float* sums, double* first, double* second) {
    NormActImage image = image_of(x, n, {});
    image.centre = row_of(centre, n);
    loops.moments(image, row, sums, first, second);
  });
}

at::Tensor norm_act(const at::Tensor& x, const at::Tensor& scale, const at::Tensor& shift, const NormActForm& form) {
  SSCVAE_ASSERT(can_norm_act(x) && (!form.pool || form.activation == Act::kRelu));
  check_coefficients(scale, x);
  check_coefficients(shift, x);
  const int64_t factor = form.pool ? 2 : 1;
  const at::Tensor out =
      at::empty({x.size(0), x.size(1), x.size(2) / factor, x.size(3) / factor}, x.options(), kChannelsLast);
  if (out.numel() == 0) return out;
  const NormActLoops& loops = loops_for(x, form.isa);
  for_each_band(x.size(0), image_of(x, 0, form).bands(), [&](int64_t n, int64_t band) {
    NormActImage image = image_of(x, n, form);
    image.scale = row_of(scale, n);
    image.shift = row_of(shift, n);
    image.out = part_of(out, n);
    loops.forward(image, band);
  });
  return out;
}

at::Tensor norm_act_gradient_sums(const at::Tensor& x, const at::Tensor& gradient, const at::Tensor& scale,
                                  const at::Tensor& shift, const at::Tensor& centre, const NormActForm& form) {
  SSCVAE_ASSERT(can_norm_act(x) && gradient.is_contiguous(kChannelsLast) && gradient.scalar_type() == x.scalar_type());
  check_coefficients(centre, x);
  const NormActLoops& loops = loops_for(x, form.isa);
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

at::Tensor norm_act_gradient(const at::Tensor& x, const at::Tensor& gradient, const at::Tensor& scale,
                             const at::Tensor& shift, const GradientLine& line, const NormActForm& form) {
  SSCVAE_ASSERT(can_norm_act(x) && gradient.is_contiguous(kChannelsLast) && gradient.scalar_type() == x.scalar_type());
  for (const at::Tensor& coefficients : {line.gain, line.slope, line.centre, line.constant})
    check_coefficients(coefficients, x);
  const at::Tensor out = at::empty(x.sizes(), x.options(), kChannelsLast);
  const NormActLoops& loops = loops_for(x, form.isa);
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
