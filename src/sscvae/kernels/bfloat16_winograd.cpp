#include "sscvae/kernels/bfloat16_winograd.h"

#include <algorithm>
#include <array>
#include <vector>

#include "sscvae/array/array.h"
#include "sscvae/array/parallel.h"
#include "sscvae/core/error.h"
#include "sscvae/kernels/bfloat16_winograd_loops.h"
#include "sscvae/kernels/layout.h"

namespace sscvae::kernels {

namespace {

constexpr int64_t kWinogradPanel = 32, kGroup = 8;  // output channels of a product; tiles that are written together
constexpr int64_t kTaskBytes = 768 << 10;           // transformed inputs and products that a task keeps in cache
constexpr int64_t kChunkBytes = 6 << 20;            // transformed inputs and gradients that threads share
constexpr int64_t kNumbers = bfloat16::kNumbers;    // of a transformed tile

/// The images of a map, and the tiles of 2x2 results that they are cut into.
class Tiles {
 public:
  explicit Tiles(const Array& map)
      : count_(map.size(0)),
        height_(map.size(2)),
        width_(map.size(3)),
        channels_(map.size(1)),
        zeros_(Array::zeros({map.size(1)}, kBFloat16)),
        pixels_(bits(map)) {
    SSCVAE_ASSERT(map.is_contiguous(Layout::kChannelsLast) && channels_ % 16 == 0);
  }
  int64_t rows() const { return divide_up(height_, 2); }
  int64_t columns() const { return divide_up(width_, 2); }
  int64_t count() const { return count_ * rows() * columns(); }
  int64_t groups() const { return count_ * rows() * divide_up(columns(), kGroup); }
  int64_t width() const { return width_; }
  int64_t height() const { return height_; }
  int64_t channels() const { return channels_; }
  bfloat16::Image image(int64_t i) const {
    return {pixels_ + i * height_ * width_ * channels_, bits(zeros_), height_, width_, channels_};
  }
  bfloat16::TilePlace place(int64_t tile) const {
    if (tile >= count()) return {{nullptr, bits(zeros_), height_, width_, channels_}, 0, 0};
    const int64_t in_image = tile % (rows() * columns());
    return {image(tile / (rows() * columns())), in_image / columns() * 2, in_image % columns() * 2};
  }

 private:
  int64_t count_, height_, width_, channels_;
  Array zeros_;
  const uint16_t* pixels_;
};

/// Up to 8 tiles side by side.
struct Group {
  int64_t image, row, column, tiles;
};

Group group_at(const Tiles& tiles, int64_t i) {
  const int64_t across = divide_up(tiles.columns(), kGroup), first = i % across * kGroup;
  return {i / across / tiles.rows(), i / across % tiles.rows() * 2, first * 2,
          std::min(kGroup, tiles.columns() - first)};
}

}  // namespace

Bfloat16Winograd::Bfloat16Winograd(const Array& weight, const Array& bias)
    : channels_(weight.size(1)), panels_(divide_up(weight.size(0), kWinogradPanel)) {
  SSCVAE_ASSERT(weight.size(2) == 3 && weight.size(3) == 3 && channels_ % 16 == 0);
  weights_ = Array::empty({panels_, kNumbers, channels_ / 2, kWinogradPanel, 2}, kBFloat16);
  bias_ = Array::zeros({panels_ * kWinogradPanel});
  if (bias.defined()) bias_.narrow(0, 0, weight.size(0)).copy_(bias);
  const WeightView view = view_of(weight);
  parallel_for(0, panels_, 1, [&](int64_t begin, int64_t end) {
    for (int64_t panel = begin; panel < end; ++panel)
      bfloat16::transform_weights(view, panel * kWinogradPanel, mutable_bits(weights_.select(0, panel)));
  });
}

void Bfloat16Winograd::run(const Array& x, const bfloat16::Output& output, const Epilogue& epilogue) const {
  SSCVAE_ASSERT(x.size(1) == channels_ && divide_up(output.channels(), kWinogradPanel) == panels_);
  const Tiles tiles(x);
  const int64_t depth = channels_;
  const int64_t fitting = kTaskBytes / (kNumbers * (2 * depth + 4 * kWinogradPanel)) / kGroup;  // groups
  const int64_t block = std::clamp<int64_t>(fitting, 1, tiles.groups()), blocks = divide_up(tiles.groups(), block);
  const int64_t splits = std::clamp<int64_t>(divide_up(num_threads(), blocks), 1, panels_);
  const int64_t most = block * kGroup;
  parallel_for(0, blocks * splits, 1, [&](int64_t begin, int64_t end) {
    const Array inputs = Array::empty({kNumbers * most * depth}, kBFloat16);
    const Array products = Array::empty({kNumbers * most * kWinogradPanel});
    alignas(64) std::array<float, 4 * kGroup * kWinogradPanel> sums{};
    std::vector<Group> groups;
    for (int64_t task = begin; task < end; ++task) {
      groups.clear();
      int64_t count = 0;
      for (int64_t i = task / splits * block; i < std::min((task / splits + 1) * block, tiles.groups()); ++i) {
        groups.push_back(group_at(tiles, i));
        const Group& g = groups.back();
        bfloat16::transform_inputs(tiles.image(g.image), g.row, g.column, g.tiles, epilogue.input_relu,
                                   mutable_bits(inputs) + count * depth, most * depth);
        count += g.tiles;
      }
      const int64_t split = task % splits;
      for (int64_t panel = split * panels_ / splits; panel < (split + 1) * panels_ / splits; ++panel) {
        float* m = products.data<float>();
        for (int64_t n = 0; n < kNumbers; ++n)
          bfloat16::multiply_panel(bits(inputs) + n * most * depth, count, depth,
                                   bits(weights_) + (panel * kNumbers + n) * depth * kWinogradPanel,
                                   m + n * most * kWinogradPanel);
        for (const Group& g : groups) {
          bfloat16::transform_outputs(m, most * kWinogradPanel, g.tiles, sums.data());
          m += g.tiles * kWinogradPanel;
          bfloat16::Finish f{};
          output.aim(g.image, g.row, g.column, panel * kWinogradPanel, f);
          for (auto& row : f.bias)
            for (auto& bias : row) bias = bias_.data<float>() + panel * kWinogradPanel;
          f.activation = epilogue.activation;
          f.count = std::min(2 * g.tiles, tiles.width() - g.column);
          f.second_row = g.row + 1 < tiles.height();
          bfloat16::finish(f, sums.data());
        }
      }
    }
  });
}

Array bfloat16_winograd_weight_gradient(const Array& x, const Array& gradient, bool input_relu) {
  const Tiles inputs(x), outputs(gradient);
  const int64_t ins = inputs.channels(), outs = outputs.channels(), in_blocks = ins / 16, out_blocks = outs / 16;
  const int64_t fitting = kChunkBytes / (2 * kNumbers * (ins + outs)) / 2;  // pairs of tiles
  const int64_t pairs = std::min(std::max<int64_t>(fitting / 16 * 16, 16), divide_up(inputs.count(), 2));
  const Array v = Array::empty({kNumbers, in_blocks, pairs, 16, 2}, kBFloat16);
  const Array w = Array::empty({kNumbers, out_blocks, pairs, 16, 2}, kBFloat16);
  const Array sums = Array::zeros({kNumbers, outs, ins});
  const int64_t parts = std::min(divide_up(num_threads(), 4), divide_up(in_blocks, 2));  // of a number's sums
  for (int64_t first = 0; first < inputs.count(); first += 2 * pairs) {
    const int64_t there = std::min(pairs, divide_up(inputs.count() - first, 2));
    parallel_for(0, there, 8, [&](int64_t begin, int64_t end) {
      for (int64_t pair = begin; pair < end; ++pair) {
        const int64_t tile = first + 2 * pair;
        bfloat16::transform_input_pair(inputs.place(tile), inputs.place(tile + 1), input_relu,
                                       mutable_bits(v) + pair * 32, in_blocks * there * 32, there * 32);
        bfloat16::transform_gradient_pair(outputs.place(tile), outputs.place(tile + 1), mutable_bits(w) + pair * 32,
                                          out_blocks * there * 32, there * 32);
      }
    });
    parallel_for(0, kNumbers * parts, 1, [&](int64_t begin, int64_t end) {
      for (int64_t task = begin; task < end; ++task) {
        const int64_t n = task / parts, part = task % parts, twos = divide_up(in_blocks, 2);
        const int64_t in = 2 * (part * twos / parts), end_in = std::min(2 * ((part + 1) * twos / parts), in_blocks);
        bfloat16::accumulate_tiles(bits(w) + n * out_blocks * there * 32, out_blocks,
                                   bits(v) + (n * in_blocks + in) * there * 32, end_in - in, there,
                                   sums.data<float>() + n * outs * ins + in * 16, ins);
      }
    });
  }
  Array weight = Array::empty({outs, ins, 3, 3}, kFloat32, Layout::kChannelsLast);
  parallel_for(0, outs, 8, [&](int64_t begin, int64_t end) {
    for (int64_t out = begin; out < end; ++out)
      bfloat16::transform_gradient(sums.data<float>() + out * ins, outs * ins, ins,
                                   weight.data<float>() + out * 9 * ins);
  });
  return weight;
}

}  // namespace sscvae::kernels
