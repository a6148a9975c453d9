#include "sscvae/kernels/bfloat16_weight_gradient.h"

#include <algorithm>

#include "sscvae/array/array.h"
#include "sscvae/array/parallel.h"
#include "sscvae/array/reductions.h"
#include "sscvae/core/error.h"
#include "sscvae/kernels/bfloat16_loops.h"
#include "sscvae/kernels/bfloat16_products.h"
#include "sscvae/kernels/bfloat16_winograd.h"
#include "sscvae/kernels/layout.h"

namespace sscvae::kernels {

namespace {

constexpr int64_t kTile = 512;                           // numbers in a bfloat16 tile: 16 rows of 32
constexpr int64_t kGradientStrip = 128;                  // pixels of a row that a chunk takes at most
constexpr int64_t kChunk = 512, kPointwiseChunk = 4096;  // pixels of a chunk, about
constexpr int64_t kMostOfInput = 64;  // input channels that one thread packs and multiplies at a time

/// Pixels that are multiplied together: `rows` x `columns` of one image from (row, column) on; columns are taken in
/// steps of 32, zeros behind them.
struct Chunk {
  int64_t image, row, column, rows, columns;
  int64_t steps() const { return round_up(columns, 32) / 32; }
};

/// Pixels (row, column) and (row, column + 1) of a map, null where they are outside.
struct Pair {
  const uint16_t *first, *second;
};

class Map {
 public:
  explicit Map(const Array& map)
      : base_(bits(map)), channels_(map.size(1)), height_(map.size(2)), width_(map.size(3)) {}
  const uint16_t* pixel(int64_t image, int64_t row, int64_t column, int64_t channel) const {
    if (row < 0 || row >= height_ || column < 0 || column >= width_) return nullptr;
    return base_ + ((image * height_ + row) * width_ + column) * channels_ + channel;
  }
  int64_t channels() const { return channels_; }
  int64_t height() const { return height_; }
  int64_t width() const { return width_; }

 private:
  const uint16_t* base_;
  int64_t channels_, height_, width_;
};

/// Gradients as left factors: tiles of 16 output channels x 32 pixels, [C'/16][rows][steps]; blocks of 16 channels from
/// `first` to `last`.
void pack_gradient(const Map& gradient, const Chunk& chunk, int64_t first, int64_t last, uint16_t* tiles) {
  const int64_t end = chunk.column + chunk.columns, block_size = chunk.rows * chunk.steps() * kTile;
  for (int64_t r = 0; r < chunk.rows; ++r)
    for (int64_t step = 0; step < chunk.steps(); ++step) {
      uint16_t* tile = tiles + first * block_size + (r * chunk.steps() + step) * kTile;
      for (int64_t pair = 0; pair < 16; ++pair) {
        const int64_t column = chunk.column + step * 32 + 2 * pair;
        const auto at = [&](int64_t c) {
          return c < end ? gradient.pixel(chunk.image, chunk.row + r, c, first * 16) : nullptr;
        };
        bfloat16::interleave(at(column), at(column + 1), last - first, false, tile + pair * 32, block_size);
      }
      for (int64_t block = first; block < last; ++block) bfloat16::transpose_pairs(tile + (block - first) * block_size);
    }
}

/// Inputs as right factors: pairs of neighbouring pixels x 16 channels, [blocks][rows + halo][pairs][32], where pairs
/// begin at even columns of the chunk or, shifted, one before.
struct PackedInput {
  uint16_t *even, *odd;
  int64_t even_row, odd_row, even_block, odd_block;
};

PackedInput packed_input(uint16_t* scratch, const Chunk& chunk, int64_t halo, int64_t blocks) {
  PackedInput p{scratch, nullptr, chunk.steps() * kTile, chunk.steps() * kTile + 32, 0, 0};
  p.even_block = (chunk.rows + 2 * halo) * p.even_row;
  p.odd_block = (chunk.rows + 2 * halo) * p.odd_row;
  p.odd = scratch + blocks * p.even_block;
  return p;
}

void pack_input(const Map& x, const Chunk& chunk, int64_t halo, int64_t channel, int64_t blocks, bool relu,
                const PackedInput& to) {
  const int64_t pairs = chunk.steps() * 16;
  for (int64_t r = 0; r < chunk.rows + 2 * halo; ++r) {
    const int64_t row = chunk.row + r - halo;
    const auto at = [&](int64_t column) { return x.pixel(chunk.image, row, chunk.column + column, channel); };
    for (int64_t pair = 0; pair < pairs; ++pair)
      bfloat16::interleave(at(2 * pair), at(2 * pair + 1), blocks, relu, to.even + r * to.even_row + pair * 32,
                           to.even_block);
    if (halo == 0) continue;
    for (int64_t pair = 0; pair <= pairs; ++pair)
      bfloat16::interleave(at(2 * pair - 1), at(2 * pair), blocks, relu, to.odd + r * to.odd_row + pair * 32,
                           to.odd_block);
  }
}

/// Sums of tiles: [C/32][kernel^2][C'/32][2][2][16][16], the last four: halves of output and input channels, then
/// these.
class Sums {
 public:
  Sums(int64_t outs, int64_t ins, int64_t kernel)
      : outs_(outs), ins_(ins), kernel_(kernel), out_panels_(round_up(outs, 32) / 32) {
    tiles_ = Array::zeros({round_up(ins, 32) / 32, kernel * kernel, out_panels_, 2, 2, 16, 16});
  }
  float* panel(int64_t in_panel, int64_t tap, int64_t out_panel) {
    return tiles_.data<float>() + ((in_panel * kernel_ * kernel_ + tap) * out_panels_ + out_panel) * 1024;
  }
  int64_t out_panels() const { return out_panels_; }

  Array weight() const {
    const Array rows = tiles_
                           .permute({2, 3, 5, 1, 0, 4, 6})  // out panel, half, out | tap | in panel, half, in
                           .reshape({out_panels_ * 32, kernel_, kernel_, -1});
    return rows.narrow(0, 0, outs_).narrow(3, 0, ins_).permute({0, 3, 1, 2}).contiguous(Layout::kChannelsLast);
  }

 private:
  int64_t outs_, ins_, kernel_, out_panels_;
  Array tiles_;
};

/// Adds one chunk's products for `blocks` x 16 input channels from `channel` on.
void multiply_part(const Chunk& chunk, const uint16_t* gradient, const PackedInput& input, int64_t halo,
                   int64_t channel, int64_t blocks, const bfloat16::Products& products, Sums& sums) {
  bfloat16::PixelProduct product{};
  product.rows = chunk.rows;
  product.steps = chunk.steps();
  product.a_row = chunk.steps() * kTile;
  product.a_block = chunk.rows * product.a_row;
  const int64_t kernel = 2 * halo + 1;
  for (int64_t block = 0; block < blocks; block += 2)
    for (int64_t tap = 0; tap < kernel * kernel; ++tap) {
      const int64_t row = tap / kernel, shift = tap % kernel - halo;
      const bool even = shift == 0;
      product.b_row = even ? input.even_row : input.odd_row;
      product.b_block = even ? input.even_block : input.odd_block;
      product.b =
          (even ? input.even : input.odd) + block * product.b_block + row * product.b_row + (shift > 0 ? 32 : 0);
      product.second_b = block + 1 < blocks;
      for (int64_t panel = 0; panel < sums.out_panels(); ++panel) {
        product.a = gradient + 2 * panel * product.a_block;
        products.accumulate(product, sums.panel((channel / 16 + block) / 2, tap, panel));
      }
    }
}

}  // namespace

Array bfloat16_weight_gradient(const Array& x, const Array& gradient, int64_t kernel, bool input_relu,
                               Bfloat16Unit unit) {
  SSCVAE_ASSERT(kernel == 1 || kernel == 3);
  SSCVAE_ASSERT(x.is_contiguous(Layout::kChannelsLast) && gradient.is_contiguous(Layout::kChannelsLast));
  SSCVAE_ASSERT(x.size(1) % 16 == 0 && gradient.size(1) % 16 == 0);
  if (kernel == 3 && unit == Bfloat16Unit::kAvx512) return bfloat16_winograd_weight_gradient(x, gradient, input_relu);
  const bfloat16::Products& products = bfloat16::products(unit);
  const Map input(x), output(gradient);
  const int64_t halo = kernel / 2, outs = output.channels(), ins = input.channels();
  const int64_t columns = std::min(kGradientStrip, input.width()), width = round_up(columns, 32);
  const int64_t rows = std::clamp<int64_t>((halo > 0 ? kChunk : kPointwiseChunk) / width, 1, input.height());
  const int64_t part = std::clamp<int64_t>(round_up(ins / num_threads(), 32), 32, kMostOfInput);
  const int64_t out_blocks = round_up(outs, 32) / 16, parts = (ins + part - 1) / part;
  Sums sums(outs, ins, kernel);
  const Array packed_gradient = Array::zeros({out_blocks * rows * width * 16}, kBFloat16);
  const int64_t part_size = part / 16 * (rows + 2 * halo) * (2 * width * 16 + 32);
  for (int64_t image = 0; image < x.size(0); ++image)
    for (int64_t row = 0; row < input.height(); row += rows)
      for (int64_t column = 0; column < input.width(); column += columns) {
        const Chunk chunk{image, row, column, std::min(rows, input.height() - row),
                          std::min(columns, input.width() - column)};
        parallel_for(0, outs / 16, 2, [&](int64_t begin, int64_t end) {
          pack_gradient(output, chunk, begin, end, mutable_bits(packed_gradient));
        });
        parallel_for(0, parts, 1, [&](int64_t begin, int64_t end) {
          const Array scratch = Array::empty({part_size}, kBFloat16);
          products.configure();
          for (int64_t i = begin; i < end; ++i) {
            const int64_t channel = i * part, blocks = std::min(part, ins - channel) / 16;
            const PackedInput packed = packed_input(mutable_bits(scratch), chunk, halo, blocks);
            pack_input(input, chunk, halo, channel, blocks, input_relu, packed);
            multiply_part(chunk, bits(packed_gradient), packed, halo, channel, blocks, products, sums);
          }
          products.release();
        });
      }
  return sums.weight();
}

Array bfloat16_channel_sums(const Array& x) {
  SSCVAE_ASSERT(has_bfloat16_kernels() && x.is_contiguous(Layout::kChannelsLast) && x.size(1) % 16 == 0);
  constexpr int64_t kPart = 1 << 13;  // pixels
  const int64_t channels = x.size(1), pixels = x.numel() / channels, parts = (pixels + kPart - 1) / kPart;
  const Array sums = Array::zeros({parts, 2, channels}, kFloat64);
  parallel_for(0, parts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      double* part = sums.data<double>() + i * 2 * channels;
      bfloat16::channel_sums(bits(x) + i * kPart * channels, std::min(kPart, pixels - i * kPart), channels, part,
                             part + channels);
    }
  });
  return sum(sums.select(1, 0), {0}).to(kFloat32);
}

}  // namespace sscvae::kernels
