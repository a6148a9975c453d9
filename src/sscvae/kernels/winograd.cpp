#include "sscvae/kernels/winograd.h"

#include <algorithm>

#include "sscvae/array/array.h"
#include "sscvae/array/parallel.h"
#include "sscvae/core/error.h"
#include "sscvae/kernels/convolution_loops.h"
#include "sscvae/kernels/layout.h"

namespace sscvae::kernels {

namespace {

constexpr int64_t kTileNumbers = 36;               // of a transformed tile
constexpr int64_t kWinogradChunkBytes = 64 << 20;  // transformed inputs and gradients that threads share

TiledMap tiled(const Array& map, const Array& zeros) {
  SSCVAE_ASSERT(map.is_contiguous(Layout::kChannelsLast));
  return {map.data<float>(), zeros.data<float>(), map.size(0), map.size(2), map.size(3), map.size(1)};
}

}  // namespace

struct Winograd::Packed {
  const ConvolutionLoops* kernels;
  int64_t channels, out_channels, panels;
  Array weights, bias, zeros;
};

Winograd::Winograd(const Array& weight, const Array& bias, Isa isa) : packed_(std::make_unique<Packed>()) {
  Packed& p = *packed_;
  p.kernels = &convolution_loops(isa);
  p.channels = weight.size(1);
  p.out_channels = weight.size(0);
  if (p.channels % p.kernels->lanes != 0) throw InternalError("Winograd: input channels must fill vectors");
  const int64_t panel = p.kernels->panel;
  p.panels = divide_up(p.out_channels, panel);
  p.weights = Array::empty({p.panels, kTileNumbers, p.channels, panel});
  p.bias = Array::zeros({p.panels * panel});
  p.zeros = Array::zeros({p.channels});
  if (bias.defined()) p.bias.narrow(0, 0, p.out_channels).copy_(bias);
  const WeightView view = view_of(weight);
  float* packed = p.weights.data<float>();
  parallel_for(0, p.panels, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      p.kernels->transform_weights(view, i * panel, packed + i * kTileNumbers * p.channels * panel);
  });
}

Winograd::~Winograd() = default;
Winograd::Winograd(Winograd&&) noexcept = default;

void Winograd::run(const Array& x, const Array& out, const Epilogue& epilogue) const {
  const Packed& p = *packed_;
  SSCVAE_ASSERT(x.size(1) == p.channels);
  SSCVAE_ASSERT(out.is_contiguous(Layout::kChannelsLast) && out.size(1) == p.out_channels);
  SSCVAE_ASSERT(!(epilogue.pool && epilogue.residual.defined()));
  const WinogradCall call{tiled(x, p.zeros),
                          out.data<float>(),
                          epilogue.residual.defined() ? epilogue.residual.data<float>() : nullptr,
                          p.weights.data<float>(),
                          p.bias.data<float>(),
                          p.out_channels,
                          epilogue.input_relu,
                          epilogue.pool,
                          epilogue.activation};
  // As many tasks as threads at least: few tiles are shared by output channels, so that weights are read once.
  const int64_t threads = num_threads(), tiles = call.x.tiles();
  const int64_t block = std::clamp<int64_t>(tiles, 1, p.kernels->block_tiles);
  const int64_t blocks = divide_up(tiles, block);
  const int64_t splits = std::clamp<int64_t>(divide_up(threads, std::max<int64_t>(1, blocks)), 1, p.panels);
  const int64_t floats = p.kernels->winograd_scratch(block, p.channels, p.panels);
  parallel_for(0, blocks * splits, 1, [&](int64_t begin, int64_t end) {
    const Array scratch = Array::empty({floats});
    for (int64_t task = begin; task < end; ++task) {
      const int64_t tile = task / splits * block, split = task % splits;
      p.kernels->winograd(call, tile, std::min(tile + block, tiles), split * p.panels / splits,
                          (split + 1) * p.panels / splits, scratch.data<float>());
    }
  });
}

Array winograd_weight_gradient(const Array& x, const Array& gradient, bool input_relu, Isa isa) {
  const ConvolutionLoops& kernels = convolution_loops(isa);
  const int64_t ins = x.size(1), outs = gradient.size(1), panel = kernels.panel;
  SSCVAE_ASSERT(ins % kernels.lanes == 0 && outs % kernels.lanes == 0);
  SSCVAE_ASSERT(x.size(0) == gradient.size(0) && x.size(2) == gradient.size(2) && x.size(3) == gradient.size(3));
  const Array zeros = Array::zeros({std::max(ins, outs)});
  const TiledMap inputs = tiled(x, zeros), outputs = tiled(gradient, zeros);
  const int64_t in_panels = divide_up(ins, panel), out_panels = divide_up(outs, panel);
  const int64_t fitting = kWinogradChunkBytes / (4 * kTileNumbers * panel * (in_panels + out_panels));
  const int64_t chunk = std::min(std::max<int64_t>(fitting, 16), inputs.tiles());
  // Where a last panel is not full, whatever is there becomes sums that are not used.
  const Array v = Array::empty({kTileNumbers * in_panels * chunk * panel});
  const Array w = Array::empty({kTileNumbers * out_panels * chunk * panel});
  const Array sums = Array::zeros({kTileNumbers, out_panels * panel, in_panels * panel});
  const int64_t parts = std::min(divide_up(num_threads(), 8), in_panels);  // of a number's sums
  for (int64_t first = 0; first < inputs.tiles(); first += chunk) {
    const int64_t tiles = std::min(chunk, inputs.tiles() - first), panel_stride = tiles * panel;
    const int64_t v_stride = in_panels * panel_stride, w_stride = out_panels * panel_stride;
    parallel_for(0, tiles, 8, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        kernels.transform_input(inputs, first + i, input_relu, v.data<float>() + i * panel, v_stride, panel_stride);
        kernels.transform_gradient(outputs, first + i, w.data<float>() + i * panel, w_stride, panel_stride);
      }
    });
    parallel_for(0, kTileNumbers * parts, 1, [&](int64_t begin, int64_t end) {
      for (int64_t task = begin; task < end; ++task) {
        const int64_t number = task / parts, part = task % parts;
        const int64_t in = part * in_panels / parts, end_in = (part + 1) * in_panels / parts;
        kernels.accumulate_tiles(w.data<float>() + number * w_stride, out_panels,
                                 v.data<float>() + number * v_stride + in * panel_stride, end_in - in, tiles,
                                 sums.data<float>() + number * sums.stride(0) + in * panel, sums.stride(1));
      }
    });
  }
  Array weight = Array::empty({outs, ins, 3, 3}, kFloat32, Layout::kChannelsLast);
  parallel_for(0, outs, 8, [&](int64_t begin, int64_t end) {
    for (int64_t out = begin; out < end; ++out)
      kernels.transform_sums(sums.data<float>() + out * sums.stride(1), sums.stride(0), ins,
                             weight.data<float>() + out * 9 * ins);
  });
  return weight;
}

}  // namespace sscvae::kernels
