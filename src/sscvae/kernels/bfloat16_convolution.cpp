#include "sscvae/kernels/bfloat16_convolution.h"

#include <algorithm>
#include <array>

#include "sscvae/array/array.h"
#include "sscvae/array/parallel.h"
#include "sscvae/core/error.h"
#include "sscvae/kernels/bfloat16_loops.h"
#include "sscvae/kernels/bfloat16_output.h"
#include "sscvae/kernels/bfloat16_products.h"
#include "sscvae/kernels/bfloat16_winograd.h"
#include "sscvae/kernels/layout.h"

namespace sscvae::kernels {

namespace {

constexpr int64_t kPanel = 32, kPixels = 16;  // output channels and pixels of a product
constexpr int64_t kStrip = 128;               // pixels of a row that a task takes at most
constexpr int64_t kBandBytes = 1 << 20;       // of the input that a task keeps in cache

/// [C',C,r,c] -> panels of [depth / 32][taps][2][16][32]: 16 pairs of input channels x 16 output channels x the pair.
Array pack(const Array& weight) {
  const int64_t outs = weight.size(0), ins = weight.size(1), taps = weight.size(2) * weight.size(3);
  const int64_t panels = round_up(outs, kPanel) / kPanel, chunks = round_up(ins, 32) / 32;
  Array packed = Array::zeros({panels, chunks, taps, 2, 16, 16, 2}, kBFloat16);
  const float* from = weight.data<float>();  // in whatever order: turned weights are views
  const Sizes strides = weight.strides();
  const int64_t columns = weight.size(3);
  auto* to = packed.data<BFloat16>();
  parallel_for(0, outs, 8, [&](int64_t begin, int64_t end) {
    for (int64_t out = begin; out < end; ++out)
      for (int64_t in = 0; in < ins; ++in) {
        const int64_t place = (out / kPanel * chunks + in / 32) * taps * 1024 + out % kPanel / 16 * 512 +
                              in % 32 / 2 * 32 + out % 16 * 2 + in % 2;
        const float* window = from + out * strides[0] + in * strides[1];
        for (int64_t tap = 0; tap < taps; ++tap)
          to[place + tap * 1024] = BFloat16(window[tap / columns * strides[2] + tap % columns * strides[3]]);
      }
  });
  return packed;
}

}  // namespace

/// Weights of one convolution, ready for products.
struct Stage {
  Array weights;  // packed
  Array biases;   // [2,2,panels * 32]
  int64_t channels, out_channels, depth, taps;
  int64_t panels() const { return round_up(out_channels, kPanel) / kPanel; }
  const uint16_t* panel(int64_t i) const { return bits(weights) + i * depth * taps * kPanel; }
  const float* bias(int64_t i, bool edge_row, bool edge_column) const {
    return biases.data<float>() + ((edge_row ? 2 : 0) + (edge_column ? 1 : 0)) * panels() * kPanel + i * kPanel;
  }
};

struct Bfloat16Convolution::Packed {
  Bfloat16Unit unit;
  Taps taps;
  Stage first;
  std::unique_ptr<Stage> second;
  std::unique_ptr<Bfloat16Winograd> winograd;  // instead of the first; then this instead of the second:
  std::unique_ptr<Bfloat16Convolution> next;
};

namespace {

Stage make_stage(const Array& weight, const Array& bias, const Array& edge_biases) {
  Stage stage{
      pack(weight), {}, weight.size(1), weight.size(0), round_up(weight.size(1), 32), weight.size(2) * weight.size(3)};
  stage.biases = Array::zeros({2, 2, stage.panels() * kPanel});
  if (edge_biases.defined()) stage.biases.narrow(2, 0, stage.out_channels).copy_(edge_biases);
  else if (bias.defined()) stage.biases.narrow(2, 0, stage.out_channels).copy_(bias);
  return stage;
}

/// One call and the region of one task: `rows` x `columns` pixels of the map from (row, column) on.
struct Task {
  const Array& x;
  const bfloat16::Output& output;
  const bfloat16::Products& products;
  const Epilogue& epilogue;
  const Taps& taps;
  int64_t image, row, column, rows, columns;
  int64_t first_panel, last_panel;  // of the first convolution

  int64_t height() const { return x.size(2); }
  int64_t width() const { return x.size(3); }
  int64_t pitch() const { return round_up(columns, kPixels) + taps.columns - 1; }
  bool is_edge_row(int64_t r) const { return taps.top < 0 ? r == 0 : r == height() - 1; }
};

/// Copies what the task reads, with zeros outside of the map: [rows + taps - 1 (even)][pitch][depth].
void fill_band(const Task& t, const Stage& stage, uint16_t* band) {
  const int64_t pitch = t.pitch(), depth = stage.depth, band_rows = round_up(t.rows, 2) + t.taps.rows - 1;
  const uint16_t* image = bits(t.x) + t.image * t.height() * t.width() * stage.channels;
  const int64_t left = t.column + t.taps.left, begin = std::max<int64_t>(left, 0);
  const int64_t end = std::min(left + pitch, t.width());
  for (int64_t r = 0; r < band_rows; ++r) {
    uint16_t* line = band + r * pitch * depth;
    const int64_t row = t.row + t.taps.top + r;
    if (row < 0 || row >= t.height() || begin >= end) {
      std::fill_n(line, pitch * depth, uint16_t{0});
      continue;
    }
    std::fill_n(line, (begin - left) * depth, uint16_t{0});
    bfloat16::copy_pixels(image + (row * t.width() + begin) * stage.channels, stage.channels,
                          line + (begin - left) * depth, depth, end - begin, t.epilogue.input_relu);
    std::fill_n(line + (end - left) * depth, (left + pitch - end) * depth, uint16_t{0});
  }
}

bfloat16::Finish finish_for(const Task& t, const Stage& stage, int64_t panel, int64_t r, int64_t c) {
  bfloat16::Finish f{};
  f.count = std::min(kPixels, t.columns - c);
  f.second_row = r + 1 < t.rows;
  const bool left_edge = t.taps.left < 0;
  f.first_is_edge = left_edge && t.column + c == 0;
  f.last_is_edge = !left_edge && t.column + c + f.count == t.width();
  for (int64_t i = 0; i < 2; ++i) {
    const bool edge_row = t.is_edge_row(t.row + r + i);
    f.bias[i][0] = f.bias[i][2] = stage.bias(panel, edge_row, true);
    f.bias[i][1] = stage.bias(panel, edge_row, false);
  }
  return f;
}

/// The activated result of the first convolution in a band of its own [rows (even)][columns (16s)][depth].
void aim_at_band(const Task& t, const Stage& second, uint16_t* band, int64_t panel, int64_t r, int64_t c,
                 bfloat16::Finish& f) {
  const int64_t pitch = round_up(t.columns, kPixels);
  f.channels = std::min(kPanel, second.channels - panel * kPanel);
  f.pixel_stride = second.depth;
  for (int64_t i = 0; i < 2; ++i) f.out[i] = band + ((r + i) * pitch + c) * second.depth + panel * kPanel;
}

void run_task(const Task& t, const Stage& first, const Stage* second, uint16_t* scratch) {
  alignas(64) std::array<float, 2 * kPixels * kPanel> sums;
  fill_band(t, first, scratch);
  uint16_t* band = scratch + (round_up(t.rows, 2) + t.taps.rows - 1) * t.pitch() * first.depth;
  for (int64_t panel = t.first_panel; panel < t.last_panel; ++panel) {
    const bfloat16::Product product{scratch, t.pitch(), first.depth, t.taps.rows, t.taps.columns, first.panel(panel)};
    for (int64_t r = 0; r < t.rows; r += 2)
      for (int64_t c = 0; c < t.columns; c += kPixels) {
        t.products.multiply(product, r, c, sums.data());
        bfloat16::Finish f = finish_for(t, first, panel, r, c);
        f.activation = t.epilogue.activation;
        if (second) aim_at_band(t, *second, band, panel, r, c, f);
        else t.output.aim(t.image, t.row + r, t.column + c, panel * kPanel, f);
        bfloat16::finish(f, sums.data());
      }
  }
  if (!second) return;
  for (int64_t panel = 0; panel < second->panels(); ++panel) {
    const bfloat16::Product product{band, round_up(t.columns, kPixels), second->depth, 1, 1, second->panel(panel)};
    for (int64_t r = 0; r < t.rows; r += 2)
      for (int64_t c = 0; c < t.columns; c += kPixels) {
        t.products.multiply(product, r, c, sums.data());
        bfloat16::Finish f = finish_for(t, *second, panel, r, c);
        t.output.aim(t.image, t.row + r, t.column + c, panel * kPanel, f);
        bfloat16::finish(f, sums.data());
      }
  }
}

}  // namespace

Bfloat16Convolution::Bfloat16Convolution(const Array& weight, const Array& bias, Taps taps, const Array& edge_biases,
                                         Bfloat16Unit unit)
    : packed_(std::make_unique<Packed>()) {
  SSCVAE_ASSERT(weight.size(2) == taps.rows && weight.size(3) == taps.columns);
  packed_->unit = unit;
  packed_->taps = taps;
  const bool is_same = taps.rows == 3 && taps.columns == 3 && taps.top == -1 && taps.left == -1;
  if (unit == Bfloat16Unit::kAvx512 && is_same && !edge_biases.defined() && weight.size(1) % 16 == 0) {
    packed_->winograd = std::make_unique<Bfloat16Winograd>(weight, bias);
    packed_->first.channels = weight.size(1);
    packed_->first.out_channels = weight.size(0);
    return;
  }
  packed_->first = make_stage(weight, bias, edge_biases);
}

Bfloat16Convolution::~Bfloat16Convolution() = default;
Bfloat16Convolution::Bfloat16Convolution(Bfloat16Convolution&&) noexcept = default;

void Bfloat16Convolution::append(const Array& weight, const Array& bias) {
  SSCVAE_ASSERT(weight.size(1) == packed_->first.out_channels && weight.size(2) == 1 && weight.size(3) == 1);
  if (packed_->winograd)
    packed_->next = std::make_unique<Bfloat16Convolution>(weight, bias, Taps{}, Array(), packed_->unit);
  else packed_->second = std::make_unique<Stage>(make_stage(weight, bias, {}));
}

void Bfloat16Convolution::run(const Array& x, const Array& out, const Epilogue& epilogue) const {
  const Packed& p = *packed_;
  const Stage& first = p.first;
  const Stage* second = p.second.get();
  SSCVAE_ASSERT(x.is_contiguous(Layout::kChannelsLast) && x.size(1) == first.channels);
  if (p.next) {
    Array middle =
        Array::empty({x.size(0), first.out_channels, x.size(2), x.size(3)}, kBFloat16, Layout::kChannelsLast);
    Epilogue of_first, of_next;
    of_first.input_relu = epilogue.input_relu;
    of_first.activation = epilogue.activation;
    of_next.residual = epilogue.residual;
    p.winograd->run(x, bfloat16::Output(middle, of_first), of_first);
    p.next->run(middle, out, of_next);
    return;
  }
  SSCVAE_ASSERT(out.size(1) == (second ? second->out_channels : first.out_channels));
  SSCVAE_ASSERT(!(epilogue.pool && second));
  const bfloat16::Output output(out, epilogue);
  if (p.winograd) {
    p.winograd->run(x, output, epilogue);
    return;
  }
  const bfloat16::Products& products = bfloat16::products(p.unit);
  const Taps& taps = p.taps;
  const int64_t height = x.size(2), width = x.size(3);
  const int64_t pitch = round_up(std::min(width, kStrip), kPixels) + taps.columns - 1;
  // Bands as high as fit, so that weights are read seldom; where there are fewer than threads, output channels are
  // shared.
  const int64_t fitting = kBandBytes / (2 * pitch * first.depth) - taps.rows + 1;
  const int64_t threads = num_threads(), strips = (width + kStrip - 1) / kStrip;
  const int64_t wished = second ? std::min(fitting, round_up(height * strips * x.size(0) / threads, 2)) : fitting;
  const int64_t rows = std::clamp<int64_t>(wished / 2 * 2, 2, round_up(height, 2));
  const int64_t bands = (height + rows - 1) / rows, regions = x.size(0) * bands * strips;
  const int64_t shares = second ? 1 : std::clamp<int64_t>((threads + regions - 1) / regions, 1, first.panels());
  const int64_t words = (rows + taps.rows - 1) * pitch * first.depth + kPixels * first.depth +
                        (second ? rows * pitch * second->depth : 0);
  parallel_for(0, regions * shares, 1, [&](int64_t begin, int64_t end) {
    const Array scratch = Array::zeros({words}, kBFloat16);
    products.configure();
    for (int64_t i = begin; i < end; ++i) {
      const int64_t region = i / shares, share = i % shares;
      const int64_t image = region / (bands * strips), row = region / strips % bands * rows;
      const int64_t column = region % strips * kStrip;
      const Task task{x,
                      output,
                      products,
                      epilogue,
                      taps,
                      image,
                      row,
                      column,
                      std::min(rows, height - row),
                      std::min(kStrip, width - column),
                      share * first.panels() / shares,
                      (share + 1) * first.panels() / shares};
      run_task(task, first, second, reinterpret_cast<uint16_t*>(scratch.bytes()));
    }
    products.release();
  });
}

}  // namespace sscvae::kernels
