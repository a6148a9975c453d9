// Convolutions of channels-last float32 maps, for vectors of kLanes floats. Included inside an unnamed namespace, once for
// each instruction set, after kLanes, kRows (rows of the register tile) and kBlockTiles are defined. Nothing of the
// standard library is used below: an inline function of it, compiled here, could replace the portable copy elsewhere.

typedef float Vec __attribute__((vector_size(kLanes * 4), aligned(4), may_alias));
typedef int IntVec __attribute__((vector_size(kLanes * 4), may_alias));
constexpr int kPanel = 2 * kLanes, kBlockPixels = 8 * kRows;
constexpr int kPanelsAtOnce = 128 / kPanel > 0 ? 128 / kPanel : 1;

inline Vec load(const float* p) { return *reinterpret_cast<const Vec*>(p); }
inline void store(float* p, Vec v) { *reinterpret_cast<Vec*>(p) = v; }
inline Vec splat(float v) { return v - Vec{}; }
inline Vec larger(Vec a, Vec b) { return a > b ? a : b; }

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

struct TilePlace {
  int64_t image, row, column;  // of its first pixel
};

inline TilePlace place_of(const WinogradCall& call, int64_t tile) {
  const int64_t columns = call.tile_columns(), per_image = call.tile_rows() * columns, in_image = tile % per_image;
  return {tile / per_image, in_image / columns * 4, in_image % columns * 4};
}

/// V[xi][tile][channel] of one tile; `stride` floats from one xi to the next.
template <bool kRelu>
void gather(const WinogradCall& call, int64_t tile, float* v, int64_t stride) {
  const TilePlace at = place_of(call, tile);
  const float* pixel[36];
  for (int r = 0; r < 6; ++r)
    for (int c = 0; c < 6; ++c) {
      const int64_t row = at.row + r - 1, column = at.column + c - 1;
      const bool inside = row >= 0 && row < call.height && column >= 0 && column < call.width;
      pixel[6 * r + c] =
          inside ? call.x + ((at.image * call.height + row) * call.width + column) * call.channels : call.zeros;
    }
  for (int64_t k = 0; k < call.channels; k += kLanes) {
    Vec half[6][6];
    for (int c = 0; c < 6; ++c) {
      Vec d[6], t[6];
#pragma GCC unroll 6
      for (int r = 0; r < 6; ++r) {
        d[r] = load(pixel[6 * r + c] + k);
        if (kRelu) d[r] = larger(d[r], Vec{});
      }
      transform_input(d, t);
#pragma GCC unroll 6
      for (int r = 0; r < 6; ++r) half[r][c] = t[r];
    }
    for (int r = 0; r < 6; ++r) {
      Vec t[6];
      transform_input(half[r], t);
#pragma GCC unroll 6
      for (int c = 0; c < 6; ++c) store(v + (6 * r + c) * stride + k, t[c]);
    }
  }
}

/// C[rows][panel] = A[rows][k] B[k][panel].
template <int kCount>
inline void multiply_rows(const float* a, int64_t lda, const float* b, int64_t depth, float* c, int64_t ldc) {
  Vec sum[kCount][2];
#pragma GCC unroll 16
  for (int i = 0; i < kCount; ++i) sum[i][0] = sum[i][1] = Vec{};
  for (int64_t k = 0; k < depth; ++k) {
    const Vec b0 = load(b + k * kPanel), b1 = load(b + k * kPanel + kLanes);
#pragma GCC unroll 16
    for (int i = 0; i < kCount; ++i) {
      const Vec value = splat(a[i * lda + k]);
      sum[i][0] += value * b0;
      sum[i][1] += value * b1;
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < kCount; ++i) {
    store(c + i * ldc, sum[i][0]);
    store(c + i * ldc + kLanes, sum[i][1]);
  }
}

void multiply(const float* a, int64_t lda, int64_t rows, const float* b, int64_t depth, float* c, int64_t ldc) {
  int64_t row = 0;
  for (; row + kRows <= rows; row += kRows) multiply_rows<kRows>(a + row * lda, lda, b, depth, c + row * ldc, ldc);
  for (; row + 4 <= rows; row += 4) multiply_rows<4>(a + row * lda, lda, b, depth, c + row * ldc, ldc);
  for (; row < rows; ++row) multiply_rows<1>(a + row * lda, lda, b, depth, c + row * ldc, ldc);
}

/// e^x by 2^n e^r, |r| <= log(2) / 2, with Cephes' polynomial; relative error about 2e-7. x is kept within +-87.
inline Vec exp_of(Vec x) {
  x = larger(x, splat(-87.0f));
  x = x < 87.0f ? x : splat(87.0f);
  const Vec shifted = x * 1.44269504f + 12582912.0f;  // 1.5 2^23: the last bits are the rounded integer
  const Vec n = shifted - 12582912.0f;
  const Vec r = x - n * 0.693359375f + n * 2.12194440e-4f;
  Vec p = splat(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  const IntVec power = (reinterpret_cast<const IntVec&>(shifted) << 23) + 0x3f800000;
  return p * reinterpret_cast<const Vec&>(power);
}

inline Vec activate(Vec v, Act act) {
  if (act == Act::kRelu) return larger(v, Vec{});
  if (act == Act::kSilu) return v / (1.0f + exp_of(-v));
  return v;
}

/// Writes the first `count` channels of a vector.
inline void store_some(float* p, Vec v, int64_t count) {
  if (count >= kLanes) return store(p, v);
  for (int64_t i = 0; i < count; ++i) p[i] = v[i];
}

inline Vec load_some(const float* p, int64_t count) {
  if (count >= kLanes) return load(p);
  Vec v{};
  for (int64_t i = 0; i < count; ++i) v[i] = p[i];
  return v;
}

void write_map(const WinogradCall& call, const TilePlace& at, const Vec y[4][4], int64_t channel, int64_t count) {
  for (int r = 0; r < 4 && at.row + r < call.height; ++r)
    for (int c = 0; c < 4 && at.column + c < call.width; ++c) {
      const int64_t offset =
          ((at.image * call.height + at.row + r) * call.width + at.column + c) * call.out_channels + channel;
      Vec v = activate(y[r][c], call.activation);
      if (call.residual) v += load_some(call.residual + offset, count);
      store_some(call.out + offset, v, count);
    }
}

void write_pooled(const WinogradCall& call, const TilePlace& at, const Vec y[4][4], int64_t channel, int64_t count) {
  const int64_t height = call.height / 2, width = call.width / 2;
  for (int r = 0; r < 2 && at.row / 2 + r < height; ++r)
    for (int c = 0; c < 2 && at.column / 2 + c < width; ++c) {
      const Vec top = larger(activate(y[2 * r][2 * c], call.activation), activate(y[2 * r][2 * c + 1], call.activation));
      const Vec bottom =
          larger(activate(y[2 * r + 1][2 * c], call.activation), activate(y[2 * r + 1][2 * c + 1], call.activation));
      const int64_t offset =
          ((at.image * height + at.row / 2 + r) * width + at.column / 2 + c) * call.out_channels + channel;
      store_some(call.out + offset, larger(top, bottom), count);
    }
}

/// The 4x4 results of one tile from M[xi][tile][channel], for `panels` panels from `panel` on.
void scatter(const WinogradCall& call, int64_t tile, const float* m, int64_t stride, int64_t panel, int64_t panels) {
  const TilePlace at = place_of(call, tile);
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

void winograd(const WinogradCall& call, int64_t first, int64_t last, int64_t first_panel, int64_t last_panel, float* scratch) {
  const int64_t tiles = last - first, depth = call.channels, v_stride = tiles * depth;
  for (int64_t tile = first; tile < last; ++tile) {
    float* v = scratch + (tile - first) * depth;
    if (call.input_relu) gather<true>(call, tile, v, v_stride);
    else gather<false>(call, tile, v, v_stride);
  }
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
  for (int64_t i = 0; i < values; i += kLanes) store_some(to + i, larger(load_some(x + i, values - i), Vec{}), values - i);
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

void scale_shift(const float* x, const float* scale, const float* shift, int64_t pixels, int64_t channels, Act act,
                 float* y) {
  for (int64_t pixel = 0; pixel < pixels; ++pixel, x += channels, y += channels)
    for (int64_t k = 0; k < channels; k += kLanes)
      store(y + k, activate(load(x + k) * load(scale + k) + load(shift + k), act));
}

void channel_sums(const float* x, int64_t pixels, int64_t channels, double* sums, double* squares) {
  constexpr int64_t kTogether = 64;  // pixels whose float sums are exact enough
  for (int64_t first = 0; first < pixels; first += kTogether) {
    const int64_t count = pixels - first < kTogether ? pixels - first : kTogether;
    for (int64_t k = 0; k < channels; k += kLanes) {
      Vec sum{}, square{};
      for (int64_t i = 0; i < count; ++i) {
        const Vec v = load(x + (first + i) * channels + k);
        sum += v;
        square += v * v;
      }
      for (int j = 0; j < kLanes; ++j) {
        sums[k + j] += sum[j];
        squares[k + j] += square[j];
      }
    }
  }
}
