#include "sscvae/kernels/winograd.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <c10/util/irange.h>

#include <algorithm>
#include <vector>

#include "sscvae/core/error.h"
#include "sscvae/kernels/float_kernels.h"

namespace sscvae::kernels {

namespace {

/// G g G^T of one 3x3 kernel, in double.
void transform_weight(const float g[9], double u[36]) {
  static constexpr double kG[6][3] = {{1.0 / 4, 0, 0},
                                      {-1.0 / 6, -1.0 / 6, -1.0 / 6},
                                      {-1.0 / 6, 1.0 / 6, -1.0 / 6},
                                      {1.0 / 24, 1.0 / 12, 1.0 / 6},
                                      {1.0 / 24, -1.0 / 12, 1.0 / 6},
                                      {0, 0, 1}};
  double half[6][3] = {};
  for (int i = 0; i < 6; ++i)
    for (int j = 0; j < 3; ++j)
      for (int k = 0; k < 3; ++k) half[i][j] += kG[i][k] * g[3 * k + j];
  for (int i = 0; i < 6; ++i)
    for (int j = 0; j < 6; ++j) {
      u[6 * i + j] = 0;
      for (int k = 0; k < 3; ++k) u[6 * i + j] += half[i][k] * kG[j][k];
    }
}

int64_t round_up(int64_t value, int64_t to) { return (value + to - 1) / to * to; }

}  // namespace

struct Winograd::Packed {
  const FloatKernels* kernels;
  int64_t channels, padded_channels, out_channels, panels;
  at::Tensor weights, bias, zeros;
};

Winograd::Winograd(const at::Tensor& weight, const at::Tensor& bias, Isa isa) : packed_(std::make_unique<Packed>()) {
  Packed& p = *packed_;
  p.kernels = &float_kernels(isa);
  p.channels = weight.size(1);
  p.out_channels = weight.size(0);
  if (p.channels % p.kernels->lanes != 0) throw InternalError("Winograd: input channels must fill vectors");
  const int64_t panel = p.kernels->panel;
  p.panels = round_up(p.out_channels, panel) / panel;
  p.weights = at::zeros({p.panels, 36, p.channels, panel});
  p.bias = at::zeros({p.panels * panel});
  p.zeros = at::zeros({p.channels});
  if (bias.defined()) p.bias.narrow(0, 0, p.out_channels).copy_(bias);
  const at::Tensor plain = weight.contiguous();
  const float* g = plain.const_data_ptr<float>();
  float* packed = p.weights.mutable_data_ptr<float>();
  for (const int64_t out : c10::irange(p.out_channels))
    for (const int64_t in : c10::irange(p.channels)) {
      double u[36];
      transform_weight(g + (out * p.channels + in) * 9, u);
      for (int64_t xi = 0; xi < 36; ++xi)
        packed[((out / panel * 36 + xi) * p.channels + in) * panel + out % panel] = static_cast<float>(u[xi]);
    }
}

Winograd::~Winograd() = default;
Winograd::Winograd(Winograd&&) noexcept = default;
int64_t Winograd::in_channels() const { return packed_->channels; }
int64_t Winograd::out_channels() const { return packed_->out_channels; }

void Winograd::run(const at::Tensor& x, at::Tensor& out, const Epilogue& epilogue) const {
  const Packed& p = *packed_;
  SSCVAE_ASSERT(x.is_contiguous(at::MemoryFormat::ChannelsLast) && x.size(1) == p.channels);
  SSCVAE_ASSERT(out.is_contiguous(at::MemoryFormat::ChannelsLast) && out.size(1) == p.out_channels);
  SSCVAE_ASSERT(!(epilogue.pool && epilogue.residual.defined()));
  const WinogradCall call{x.const_data_ptr<float>(),
                          out.mutable_data_ptr<float>(),
                          epilogue.residual.defined() ? epilogue.residual.const_data_ptr<float>() : nullptr,
                          p.weights.const_data_ptr<float>(),
                          p.bias.const_data_ptr<float>(),
                          p.zeros.const_data_ptr<float>(),
                          x.size(0),
                          x.size(2),
                          x.size(3),
                          p.channels,
                          p.out_channels,
                          epilogue.input_relu,
                          epilogue.pool,
                          epilogue.activation};
  // As many tasks as threads at least: few tiles are shared by output channels, so that weights are read once.
  const int64_t threads = at::get_num_threads(), tiles = call.tiles();
  const int64_t block = std::clamp<int64_t>(tiles, 1, p.kernels->block_tiles);
  const int64_t blocks = (tiles + block - 1) / block;
  const int64_t splits = std::clamp<int64_t>((threads + blocks - 1) / std::max<int64_t>(1, blocks), 1, p.panels);
  const int64_t floats = p.kernels->winograd_scratch(block, p.channels, p.panels);
  at::parallel_for(0, blocks * splits, 1, [&](int64_t begin, int64_t end) {
    const at::Tensor scratch = at::empty({floats});
    for (int64_t task = begin; task < end; ++task) {
      const int64_t tile = task / splits * block, split = task % splits;
      p.kernels->winograd(call, tile, std::min(tile + block, tiles), split * p.panels / splits,
                          (split + 1) * p.panels / splits, scratch.mutable_data_ptr<float>());
    }
  });
}

}  // namespace sscvae::kernels
