#include "sscvae/kernels/pointwise.h"

#include <algorithm>

#include "sscvae/array/array.h"
#include "sscvae/array/parallel.h"
#include "sscvae/core/error.h"
#include "sscvae/kernels/convolution_loops.h"

namespace sscvae::kernels {

struct Pointwise::Packed {
  const ConvolutionLoops* kernels;
  int64_t channels, out_channels, panels;
  Array weights, bias;
  bool is_product = false;  ///< whole panels and no bias
};

Pointwise::Pointwise(const Array& weight, const Array& bias, Isa isa) : packed_(std::make_unique<Packed>()) {
  Packed& p = *packed_;
  p.kernels = &convolution_loops(isa);
  p.channels = weight.size(1);
  p.out_channels = weight.size(0);
  SSCVAE_ASSERT(weight.size(2) == 1 && weight.size(3) == 1 && p.channels % p.kernels->lanes == 0);
  const int64_t panel = p.kernels->panel;
  p.panels = (p.out_channels + panel - 1) / panel;
  Array padded = Array::zeros({p.panels * panel, p.channels});
  padded.narrow(0, 0, p.out_channels).copy_(weight.flatten(1));
  p.weights = padded.reshape({p.panels, panel, p.channels}).transpose(1, 2).contiguous();
  p.bias = Array::zeros({p.panels * panel});
  p.is_product = !bias.defined() && p.panels * panel == p.out_channels;
  if (bias.defined()) p.bias.narrow(0, 0, p.out_channels).copy_(bias);
}

Pointwise::~Pointwise() = default;
Pointwise::Pointwise(Pointwise&&) noexcept = default;

void Pointwise::run(const Array& x, const Array& out, const Epilogue& epilogue) const {
  const Packed& p = *packed_;
  SSCVAE_ASSERT(x.is_contiguous(Layout::kChannelsLast) && x.size(1) == p.channels && !epilogue.pool);
  SSCVAE_ASSERT(out.size(1) == p.out_channels && (out.stride(1) == 1 || out.size(1) == 1) &&
                (out.size(0) == 1 || out.stride(0) == out.size(2) * out.stride(2)));
  const PointwiseCall call{x.data<float>(),
                           out.data<float>(),
                           epilogue.residual.defined() ? epilogue.residual.data<float>() : nullptr,
                           p.weights.data<float>(),
                           p.bias.data<float>(),
                           x.size(3),
                           out.stride(2),
                           out.stride(3),
                           p.channels,
                           p.out_channels,
                           p.panels,
                           epilogue.input_relu,
                           epilogue.activation};
  const int64_t pixels = x.size(0) * x.size(2) * x.size(3), block = p.kernels->block_pixels;
  parallel_for(0, (pixels + block - 1) / block, 1, [&](int64_t begin, int64_t end) {
    const Array scratch = Array::empty({block * (p.channels + p.kernels->panel)});
    for (int64_t i = begin; i < end; ++i)
      p.kernels->pointwise(call, i * block, std::min((i + 1) * block, pixels), scratch.data<float>());
  });
}

void Pointwise::run_rows(const float* x, const float* residual, int64_t rows, float* out, float* scratch) const {
  const Packed& p = *packed_;
  const int64_t most = p.kernels->block_pixels;
  if (p.is_product) {
    for (int64_t first = 0; first < rows; first += most)
      p.kernels->multiply_dense(x + first * p.channels, std::min(most, rows - first), p.channels,
                                p.weights.data<float>(), p.panels,
                                residual ? residual + first * p.out_channels : nullptr, out + first * p.out_channels);
    return;
  }
  const PointwiseCall call{x,
                           out,
                           residual,
                           p.weights.data<float>(),
                           p.bias.data<float>(),
                           rows,
                           0,
                           p.out_channels,
                           p.channels,
                           p.out_channels,
                           p.panels,
                           false,
                           Act::kNone};
  for (int64_t first = 0; first < rows; first += most)
    p.kernels->pointwise(call, first, std::min(first + most, rows), scratch);
}

int64_t Pointwise::scratch_floats() const {
  return packed_->kernels->block_pixels * (packed_->channels + packed_->kernels->panel);
}

int64_t Pointwise::rows_at_once() const { return packed_->kernels->block_pixels; }

}  // namespace sscvae::kernels
