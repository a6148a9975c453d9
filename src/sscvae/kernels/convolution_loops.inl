// Convolutions of channels-last float32 maps. A panel is two vectors of output channels; register tiles of kRows pixels
// by a panel hold sums.

constexpr int kRows = SSCVAE_CONVOLUTION_ROWS, kBlockTiles = SSCVAE_CONVOLUTION_TILES;
constexpr int kPanel = 2 * kLanes, kBlockPixels = 8 * kRows;
constexpr int kPanelsAtOnce = 128 / kPanel > 0 ? 128 / kPanel : 1;

/// B^T d for six vectors.
inline void transform_input(const Vec d[6], Vec t[6]) {
  const Vec s = d[4] - 4.0f * d[2], u = d[3] - 4.0f * d[1], v = d[4] - d[2], w = 2.0f * (d[3] - d[1]);
  t[0] = 4.0f * d[0] - 5.0f * d[2] + d[4];
  t[1] = s + u;
  t[2] = s - u;
  t[3] = v + w;
  t[4] = v - w;
  t[5] = 4.0f * d[1] - 5.0f * d[3] + d[5];
}

/// A^T m for six vectors -> four.
inline void transform_output(const Vec m[6], Vec y[4]) {
  const Vec a = m[1] + m[2], b = m[1] - m[2], c = m[3] + m[4], d = m[3] - m[4];
  y[0] = m[0] + a + c;
  y[1] = b + 2.0f * d;
  y[2] = a + 4.0f * c;
  y[3] = b + 8.0f * d + m[5];
}

/// A y for four vectors -> six: the transpose of transform_output.
inline void spread_gradient(const Vec y[4], Vec m[6]) {
  const Vec a = y[0] + y[2], b = y[1] + y[3], c = y[0] + 4.0f * y[2], d = 2.0f * y[1] + 8.0f * y[3];
  m[0] = y[0];
  m[1] = a + b;
  m[2] = a - b;
  m[3] = c + d;
  m[4] = c - d;
  m[5] = y[3];
}

/// G g for three vectors -> six.
inline void spread_weight(const Vec g[3], Vec u[6]) {
  const Vec a = (g[0] + g[2]) * (-1 / 6.0f), b = g[1] * (1 / 6.0f);
  const Vec c = g[0] * (1 / 24.0f) + g[2] * (1 / 6.0f), d = g[1] * (1 / 12.0f);
  u[0] = g[0] * 0.25f;
  u[1] = a - b;
  u[2] = a + b;
  u[3] = c + d;
  u[4] = c - d;
  u[5] = g[2];
}

/// G^T u for six vectors -> three.
inline void gather_weight(const Vec u[6], Vec g[3]) {
  const Vec a = (u[1] + u[2]) * (1 / 6.0f), b = (u[2] - u[1]) * (1 / 6.0f);
  const Vec c = (u[3] + u[4]) * (1 / 24.0f), d = (u[3] - u[4]) * (1 / 12.0f);
  g[0] = u[0] * 0.25f - a + c;
  g[1] = b + d;
  g[2] = 4.0f * c - a + u[5];
}

struct TilePlace {
  int64_t image, row, column;  // of its first pixel
};

inline TilePlace place_of(const TiledMap& map, int64_t tile) {
  const int64_t columns = map.tile_columns(), per_image = map.tile_rows() * columns, in_image = tile % per_image;
  return {tile / per_image, in_image / columns * 4, in_image % columns * 4};
}

/// The pixel of a map, or zeros.
inline const float* pixel_of(const TiledMap& map, int64_t image, int64_t row, int64_t column) {
  const bool inside = row >= 0 && row < map.height && column >= 0 && column < map.width;
  return inside ? map.pixels + ((image * map.height + row) * map.width + column) * map.channels : map.zeros;
}

/// Where channel k of the first number goes.
inline float* in_panels(float* numbers, int64_t k, int64_t panel_stride) {
  return numbers + k / kPanel * panel_stride + k % kPanel;
}

template <bool kRelu>
void transform_input_tile(const TiledMap& x, int64_t tile, float* v, int64_t stride, int64_t panel_stride) {
  const TilePlace at = place_of(x, tile);
  const float* pixel[36];
  for (int r = 0; r < 6; ++r)
    for (int c = 0; c < 6; ++c) pixel[6 * r + c] = pixel_of(x, at.image, at.row + r - 1, at.column + c - 1);
  for (int64_t k = 0; k < x.channels; k += kLanes) {
    float* to = in_panels(v, k, panel_stride);
    Vec half[6][6];
    for (int c = 0; c < 6; ++c) {
      Vec d[6], t[6];
#pragma GCC unroll 6
      for (int r = 0; r < 6; ++r) {
        d[r] = load(pixel[6 * r + c] + k);
        if (kRelu) d[r] = relu(d[r]);
      }
      transform_input(d, t);
#pragma GCC unroll 6
      for (int r = 0; r < 6; ++r) half[r][c] = t[r];
    }
    for (int r = 0; r < 6; ++r) {
      Vec t[6];
      transform_input(half[r], t);
#pragma GCC unroll 6
      for (int c = 0; c < 6; ++c) store(to + (6 * r + c) * stride, t[c]);
    }
  }
}

void transform_input(const TiledMap& x, int64_t tile, bool relu, float* v, int64_t stride, int64_t panel_stride) {
  if (relu) transform_input_tile<true>(x, tile, v, stride, panel_stride);
  else transform_input_tile<false>(x, tile, v, stride, panel_stride);
}

void transform_gradient(const TiledMap& dy, int64_t tile, float* w, int64_t stride, int64_t panel_stride) {
  const TilePlace at = place_of(dy, tile);
  const float* pixel[16];
  for (int r = 0; r < 4; ++r)
    for (int c = 0; c < 4; ++c) pixel[4 * r + c] = pixel_of(dy, at.image, at.row + r, at.column + c);
  for (int64_t k = 0; k < dy.channels; k += kLanes) {
    float* to = in_panels(w, k, panel_stride);
    Vec half[6][4];
    for (int c = 0; c < 4; ++c) {
      Vec y[4], m[6];
#pragma GCC unroll 4
      for (int r = 0; r < 4; ++r) y[r] = load(pixel[4 * r + c] + k);
      spread_gradient(y, m);
#pragma GCC unroll 6
      for (int r = 0; r < 6; ++r) half[r][c] = m[r];
    }
    for (int r = 0; r < 6; ++r) {
      Vec m[6];
      spread_gradient(half[r], m);
#pragma GCC unroll 6
      for (int c = 0; c < 6; ++c) store(to + (6 * r + c) * stride, m[c]);
    }
  }
}

void transform_weights(const WeightView& weight, int64_t out, float* packed) {
  const int64_t count = weight.outs - out < kPanel ? weight.outs - out : kPanel;
  float taps[9][kPanel] = {};
  for (int64_t in = 0; in < weight.ins; ++in) {
    for (int64_t i = 0; i < count; ++i) {
      const float* window = weight.values + (out + i) * weight.out_stride + in * weight.in_stride;
      for (int tap = 0; tap < 9; ++tap)
        taps[tap][i] = window[tap / 3 * weight.row_stride + tap % 3 * weight.column_stride];
    }
    for (int half = 0; half < kPanel; half += kLanes) {
      Vec lines[6][3];
      for (int c = 0; c < 3; ++c) {
        const Vec g[3] = {load(taps[c] + half), load(taps[3 + c] + half), load(taps[6 + c] + half)};
        Vec u[6];
        spread_weight(g, u);
        for (int r = 0; r < 6; ++r) lines[r][c] = u[r];
      }
      for (int r = 0; r < 6; ++r) {
        Vec u[6];
        spread_weight(lines[r], u);
        for (int c = 0; c < 6; ++c) store(packed + ((6 * r + c) * weight.ins + in) * kPanel + half, u[c]);
      }
    }
  }
}

void transform_sums(const float* sums, int64_t stride, int64_t channels, float* gradient) {
  for (int64_t k = 0; k < channels; k += kLanes) {
    Vec lines[3][6];
    for (int c = 0; c < 6; ++c) {
      Vec u[6], g[3];
      for (int r = 0; r < 6; ++r) u[r] = load(sums + (6 * r + c) * stride + k);
      gather_weight(u, g);
      for (int r = 0; r < 3; ++r) lines[r][c] = g[r];
    }
    for (int r = 0; r < 3; ++r) {
      Vec g[3];
      gather_weight(lines[r], g);
      for (int c = 0; c < 3; ++c) store(gradient + (3 * r + c) * channels + k, g[c]);
    }
  }
}

/// Sums of kCount rows of a panel that stay in registers.
template <int kCount>
class Sums {
 public:
  Sums() {
#pragma GCC unroll 16
    for (int i = 0; i < kCount; ++i) sums_[i][0] = sums_[i][1] = Vec{};
  }
  Sums(const float* c, int64_t stride) {
#pragma GCC unroll 16
    for (int i = 0; i < kCount; ++i) {
      sums_[i][0] = load(c + i * stride);
      sums_[i][1] = load(c + i * stride + kLanes);
    }
  }
  /// Adds A[rows][k] B[k][panel]; rows of A `row` floats apart, its columns `step`.
  void add(const float* a, int64_t row, int64_t step, const float* b, int64_t depth) {
    for (int64_t k = 0; k < depth; ++k) {
      const Vec b0 = load(b + k * kPanel), b1 = load(b + k * kPanel + kLanes);
#pragma GCC unroll 16
      for (int i = 0; i < kCount; ++i) {
        const Vec value = splat(a[i * row + k * step]);
        sums_[i][0] += value * b0;
        sums_[i][1] += value * b1;
      }
    }
  }
  void store_to(float* c, int64_t stride) const {
#pragma GCC unroll 16
    for (int i = 0; i < kCount; ++i) {
      store(c + i * stride, sums_[i][0]);
      store(c + i * stride + kLanes, sums_[i][1]);
    }
  }

 private:
  Vec sums_[kCount][2];
};

template <int kCount>
inline void multiply_rows(const float* a, int64_t lda, const float* b, int64_t depth, float* c, int64_t ldc) {
  Sums<kCount> sums;
  sums.add(a, lda, 1, b, depth);
  sums.store_to(c, ldc);
}

/// C[rows][panel] = A[rows][k] B[k][panel].
void multiply(const float* a, int64_t lda, int64_t rows, const float* b, int64_t depth, float* c, int64_t ldc) {
  int64_t row = 0;
  for (; row + kRows <= rows; row += kRows) multiply_rows<kRows>(a + row * lda, lda, b, depth, c + row * ldc, ldc);
  for (; row + 4 <= rows; row += 4) multiply_rows<4>(a + row * lda, lda, b, depth, c + row * ldc, ldc);
  for (; row < rows; ++row) multiply_rows<1>(a + row * lda, lda, b, depth, c + row * ldc, ldc);
}

template <int kCount>
inline void multiply_onto(const float* a, int64_t depth, const float* b, const float* added, float* c, int64_t ldc) {
  if (added) {
    Sums<kCount> sums(added, ldc);
    sums.add(a, depth, 1, b, depth);
    return sums.store_to(c, ldc);
  }
  Sums<kCount> sums;
  sums.add(a, depth, 1, b, depth);
  sums.store_to(c, ldc);
}

/// Whole panels, straight to where they belong.
void multiply_dense(const float* x, int64_t rows, int64_t depth, const float* weights, int64_t panels,
                    const float* added, float* out) {
  const int64_t stride = panels * kPanel;
  for (int64_t panel = 0; panel < panels; ++panel) {
    const float* b = weights + panel * depth * kPanel;
    const auto from = [&](int64_t row) { return added ? added + row * stride + panel * kPanel : nullptr; };
    float* c = out + panel * kPanel;
    int64_t row = 0;
    for (; row + kRows <= rows; row += kRows)
      multiply_onto<kRows>(x + row * depth, depth, b, from(row), c + row * stride, stride);
    for (; row + 4 <= rows; row += 4)
      multiply_onto<4>(x + row * depth, depth, b, from(row), c + row * stride, stride);
    for (; row < rows; ++row) multiply_onto<1>(x + row * depth, depth, b, from(row), c + row * stride, stride);
  }
}

template <int kCount>
inline void accumulate_rows(const float* w, const float* v, int64_t tiles, float* sums, int64_t stride) {
  Sums<kCount> block(sums, stride);
  block.add(w, 1, kPanel, v, tiles);
  block.store_to(sums, stride);
}

/// Rows of a panel are taken by as many, what is left by fours.
constexpr int kGradientRows = kPanel % kRows % 4 == 0 ? kRows : 4;

void accumulate_tiles(const float* w, int64_t w_panels, const float* v, int64_t v_panels, int64_t tiles, float* sums,
                      int64_t stride) {
  for (int64_t in = 0; in < v_panels; ++in, v += tiles * kPanel)
    for (int64_t out = 0; out < w_panels; ++out) {
      const float* a = w + out * tiles * kPanel;
      float* c = sums + out * kPanel * stride + in * kPanel;
      int row = 0;
      for (; row + kGradientRows <= kPanel; row += kGradientRows)
        accumulate_rows<kGradientRows>(a + row, v, tiles, c + row * stride, stride);
      for (; row < kPanel; row += 4) accumulate_rows<4>(a + row, v, tiles, c + row * stride, stride);
    }
}

void write_map(const WinogradCall& call, const TilePlace& at, const Vec y[4][4], int64_t channel, int64_t count) {
  for (int r = 0; r < 4 && at.row + r < call.x.height; ++r)
    for (int c = 0; c < 4 && at.column + c < call.x.width; ++c) {
      const int64_t offset =
          ((at.image * call.x.height + at.row + r) * call.x.width + at.column + c) * call.out_channels + channel;
      Vec v = activate(y[r][c], call.activation);
      if (call.residual) v += load_some(call.residual + offset, count);
      store_some(call.out + offset, v, count);
    }
}

void write_pooled(const WinogradCall& call, const TilePlace& at, const Vec y[4][4], int64_t channel, int64_t count) {
  const int64_t height = call.x.height / 2, width = call.x.width / 2;
  for (int r = 0; r < 2 && at.row / 2 + r < height; ++r)
    for (int c = 0; c < 2 && at.column / 2 + c < width; ++c) {
      const Vec top =
          larger(activate(y[2 * r][2 * c], call.activation), activate(y[2 * r][2 * c + 1], call.activation));
      const Vec bottom =
          larger(activate(y[2 * r + 1][2 * c], call.activation), activate(y[2 * r + 1][2 * c + 1], call.activation));
      const int64_t offset =
          ((at.image * height + at.row / 2 + r) * width + at.column / 2 + c) * call.out_channels + channel;
      store_some(call.out + offset, larger(top, bottom), count);
    }
}

/// The 4x4 results of one tile from M[xi][tile][channel], for `panels` panels from `panel` on.
void scatter(const WinogradCall& call, int64_t tile, const float* m, int64_t stride, int64_t panel, int64_t panels) {
  const TilePlace at = place_of(call.x, tile);
  for (int64_t n = 0; n < panels * kPanel; n += kLanes) {
    const int64_t channel = panel * kPanel + n, count = call.out_channels - channel;
    if (count <= 0) return;
    Vec half[4][6], y[4][4];
    for (int c = 0; c < 6; ++c) {
      Vec column[6], t[4];
#pragma GCC unroll 6
      for (int r = 0; r < 6; ++r) column[r] = load(m + (6 * r + c) * stride + n);
      transform_output(column, t);
#pragma GCC unroll 4
      for (int r = 0; r < 4; ++r) half[r][c] = t[r];
    }
    const Vec bias = load(call.bias + channel);
    for (int r = 0; r < 4; ++r) {
      transform_output(half[r], y[r]);
#pragma GCC unroll 4
      for (int c = 0; c < 4; ++c) y[r][c] += bias;
    }
    if (call.pool) write_pooled(call, at, y, channel, count);
    else write_map(call, at, y, channel, count);
  }
}

int64_t winograd_scratch(int64_t tiles, int64_t channels, int64_t panels) {
  const int64_t together = panels < kPanelsAtOnce ? panels : kPanelsAtOnce;
  return 36 * tiles * (channels + together * kPanel);
}

void winograd(const WinogradCall& call, int64_t first, int64_t last, int64_t first_panel, int64_t last_panel,
              float* scratch) {
  const int64_t tiles = last - first, depth = call.x.channels, v_stride = tiles * depth;
  for (int64_t tile = first; tile < last; ++tile)
    transform_input(call.x, tile, call.input_relu, scratch + (tile - first) * depth, v_stride, kPanel);
  float* m = scratch + 36 * v_stride;
  for (int64_t panel = first_panel; panel < last_panel; panel += kPanelsAtOnce) {
    const int64_t panels = last_panel - panel < kPanelsAtOnce ? last_panel - panel : kPanelsAtOnce;
    const int64_t width = panels * kPanel, m_stride = tiles * width;
    for (int64_t xi = 0; xi < 36; ++xi)
      for (int64_t p = 0; p < panels; ++p)
        multiply(scratch + xi * v_stride, depth, tiles, call.weights + ((panel + p) * 36 + xi) * depth * kPanel, depth,
                 m + xi * m_stride + p * kPanel, width);
    for (int64_t tile = first; tile < last; ++tile)
      scatter(call, tile, m + (tile - first) * width, m_stride, panel, panels);
  }
}

/// `count` pixels through relu into dense rows.
void copy_relu(const float* x, int64_t values, float* to) {
  for (int64_t i = 0; i < values; i += kLanes) store_some(to + i, relu(load_some(x + i, values - i)), values - i);
}

void finish_pixels(const PointwiseCall& call, int64_t first, int64_t count, int64_t channel, const float* sums) {
  const Vec bias[2] = {load(call.bias + channel), load(call.bias + channel + kLanes)};
  for (int64_t i = 0; i < count; ++i) {
    const int64_t pixel = first + i;
    const int64_t offset =
        pixel / call.width * call.row_stride + pixel % call.width * call.pixel_stride + channel;
    for (int half = 0; half < 2; ++half) {
      const int64_t left = call.out_channels - channel - half * kLanes;
      if (left <= 0) break;
      Vec v = activate(load(sums + i * kPanel + half * kLanes) + bias[half], call.activation);
      if (call.residual) v += load_some(call.residual + offset + half * kLanes, left);
      store_some(call.out + offset + half * kLanes, v, left);
    }
  }
}

void pointwise(const PointwiseCall& call, int64_t first, int64_t last, float* scratch) {
  const int64_t count = last - first;
  const float* x = call.x + first * call.channels;
  float* sums = scratch + kBlockPixels * call.channels;
  if (call.input_relu) {
    copy_relu(x, count * call.channels, scratch);
    x = scratch;
  }
  for (int64_t panel = 0; panel < call.panels; ++panel) {
    multiply(x, call.channels, count, call.weights + panel * call.channels * kPanel, call.channels, sums, kPanel);
    finish_pixels(call, first, count, panel * kPanel, sums);
  }
}

constexpr ConvolutionLoops kTable{
    kLanes,   kPanel,     kBlockTiles,     kBlockPixels, winograd_scratch, winograd, transform_weights, transform_input,
    transform_gradient, accumulate_tiles,  transform_sums, pointwise,        multiply_dense};
