// Unfolded shrinkage on tiles of positions. Blocks of kRows x kVectors vectors of sums stay in registers.

constexpr int kRows = SSCVAE_LISTA_ROWS, kVectors = 2;
constexpr int64_t kPanelWidth = kLanes * kVectors;

inline void pass_gradient(Vec g, const GradientStep& step, int64_t at) {
  const Vec code = load(step.code + at);
  const Ints active = code != 0;
  const Vec outer = reinterpret_cast<Vec>(reinterpret_cast<Ints>(g) & active);
  store(step.outer + at, outer);
  store(step.drive_gradient + at, load(step.drive_gradient + at) + outer);
  if (!step.threshold_gradient) return;
  const Ints sign = reinterpret_cast<Ints>(code) & static_cast<int32_t>(0x80000000);
  const Vec along = reinterpret_cast<Vec>(reinterpret_cast<Ints>(outer) ^ sign);
  store(step.threshold_gradient + at, load(step.threshold_gradient + at) - along);
}

/// The elements of one column of a block of A. Three rows share a pointer, so that all fit into registers.
template <Left kLeft>
struct LeftColumn {
  const float* at[(kRows + 2) / 3];
  int64_t stride;
  LeftColumn(const Product& p, int64_t row) : stride(p.a_stride) {
#pragma GCC unroll 16
    for (int i = 0; i < (kRows + 2) / 3; ++i)
      at[i] = kLeft == Left::kPlain ? p.a + (row + 3 * i) * stride : p.a + row + 3 * i;
  }
  float value(int i, int64_t k) const { return at[i / 3][i % 3 * stride + k]; }
  float operator[](int i) const { return kLeft == Left::kPlain ? at[i / 3][i % 3 * stride] : at[0][i]; }
  void advance() {
#pragma GCC unroll 16
    for (int i = 0; i < (kLeft == Left::kPlain ? (kRows + 2) / 3 : 1); ++i) at[i] += kLeft == Left::kPlain ? 1 : stride;
  }
};

/// One block of kRows x kPanelWidth results, handed to `finish(row, column, vector)`. What `finish` reads, and a part
/// of the next panel, are asked for beforehand: backwards, factors and sums together are more than a second-level
/// cache.
template <Left kLeft, class Finish>
inline void multiply_block(const Product& p, int64_t row, int64_t panel, Finish finish) {
  Vec sum[kRows][kVectors] = {};
  for (int i = 0; i < kRows; ++i) finish.expect(row + i, panel * kPanelWidth);
  const int64_t share = (kPanelWidth * kRows + p.rows - 1) / p.rows;  // floats of the next panel for each k
  const float* ahead = p.b + (panel + 1) * p.b_panel_stride + row / kRows * p.depth * share;
  LeftColumn<kLeft> left(p, row);
  const float* b = p.b + panel * p.b_panel_stride;
  for (int64_t k = 0; k < p.depth; ++k, left.advance(), b += p.b_depth_stride) {
    if (kLeft == Left::kPlain) __builtin_prefetch(ahead + k * share, 0, 2);
    else __builtin_prefetch(left.at[0] + 2 * kRows - 1);  // the end of this column in the next block
    Vec right[kVectors];
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j) right[j] = load(b + j * kLanes);
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 4
      for (int j = 0; j < kVectors; ++j) sum[i][j] += left[i] * right[j];
  }
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j) finish(row + i, panel * kPanelWidth + j * kLanes, sum[i][j]);
}

/// The same over the listed columns of A.
template <class Finish>
inline void multiply_active(const Product& p, int64_t row, int64_t panel, Finish finish) {
  Vec sum[kRows][kVectors] = {};
  for (int i = 0; i < kRows; ++i) finish.expect(row + i, panel * kPanelWidth);
  const int32_t* list = p.active + row / kRows * p.depth;
  const int64_t count = p.active_counts[row / kRows];
  const LeftColumn<Left::kPlain> left(p, row);
  for (int64_t n = 0; n < count; ++n) {
    const int64_t k = list[n];
    const float* b = p.b + panel * p.b_panel_stride + k * p.b_depth_stride;
    Vec right[kVectors];
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j) right[j] = load(b + j * kLanes);
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 4
      for (int j = 0; j < kVectors; ++j) sum[i][j] += left.value(i, k) * right[j];
  }
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j) finish(row + i, panel * kPanelWidth + j * kLanes, sum[i][j]);
}

int64_t find_active(const float* a, int64_t stride, int64_t rows, int64_t depth, int32_t* lists, int32_t* counts) {
  int64_t total = 0;
  for (int64_t row = 0; row < rows; row += kRows, lists += depth, ++counts) {
    int32_t count = 0;
    for (int64_t column = 0; column < depth; column += kLanes) {
      Ints any = {};
      for (int i = 0; i < kRows; ++i) any |= load(a + (row + i) * stride + column) != 0;
      for (int64_t lane = 0; lane < kLanes && column + lane < depth; ++lane) {
        if (any[lane]) lists[count++] = static_cast<int32_t>(column + lane);
      }
    }
    *counts = count;
    total += count;
  }
  return total;
}

template <class Finish>
inline void multiply_active_blocks(const Product& product, const Finish& finish) {
  for (int64_t panel = 0; panel < product.panels; ++panel)
    for (int64_t row = 0; row < product.rows; row += kRows) multiply_active(product, row, panel, finish);
}

template <Left kLeft, class Finish>
inline void multiply_blocks(const Product& product, const Finish& finish) {
  for (int64_t panel = 0; panel < product.panels; ++panel)
    for (int64_t row = 0; row < product.rows; row += kRows) multiply_block<kLeft>(product, row, panel, finish);
}

template <class Finish>
inline void multiply_from_left(const Product& product, const Finish& finish) {
  if (product.active) multiply_active_blocks(product, finish);
  else if (product.left == Left::kPlain) multiply_blocks<Left::kPlain>(product, finish);
  else multiply_blocks<Left::kTransposed>(product, finish);
}

/// Asks for one row of a block.
inline void expect_row(const float* row) {
  for (int j = 0; j < kPanelWidth; j += 16) __builtin_prefetch(row + j);
}

struct Store {
  float* result;
  int64_t stride;
  void expect(int64_t, int64_t) const {}
  void operator()(int64_t row, int64_t column, Vec sum) const { store(result + row * stride + column, sum); }
};
struct Accumulate {
  float* result;
  int64_t stride;
  void expect(int64_t row, int64_t column) const { expect_row(result + row * stride + column); }
  void operator()(int64_t row, int64_t column, Vec sum) const {
    float* to = result + row * stride + column;
    store(to, load(to) + sum);
  }
};
struct Shrink {
  ShrinkStep step;
  int64_t stride;
  void expect(int64_t row, int64_t column) const {
    expect_row(step.drive + row * stride + column);
    expect_row(step.threshold + row * stride + column);
  }
  void operator()(int64_t row, int64_t column, Vec sum) const {
    const int64_t at = row * stride + column;
    store(step.code + at, shrunk(sum + load(step.drive + at), load(step.threshold + at)));
  }
};
struct PassGradient {
  GradientStep step;
  int64_t stride;
  void expect(int64_t row, int64_t column) const {
    const int64_t at = row * stride + column;
    expect_row(step.code + at);
    expect_row(step.drive_gradient + at);
    if (step.threshold_gradient) expect_row(step.threshold_gradient + at);
    if (step.added) expect_row(step.added + at);
  }
  void operator()(int64_t row, int64_t column, Vec sum) const {
    const int64_t at = row * stride + column;
    pass_gradient(step.added ? sum + load(step.added + at) : sum, step, at);
  }
};

void multiply(const Product& product, float* result, int64_t stride, bool accumulate) {
  if (accumulate) multiply_from_left(product, Accumulate{result, stride});
  else multiply_from_left(product, Store{result, stride});
}
void shrink_step(const Product& product, const ShrinkStep& step, int64_t stride) {
  multiply_from_left(product, Shrink{step, stride});
}
void gradient_step(const Product& product, const GradientStep& step, int64_t stride) {
  multiply_from_left(product, PassGradient{step, stride});
}
void shrink(const float* v, const float* threshold, float* code, int64_t count) {
  for (int64_t i = 0; i < count; i += kLanes) store(code + i, shrunk(load(v + i), load(threshold + i)));
}
void mask_gradient(const float* g, const GradientStep& step, int64_t count) {
  for (int64_t i = 0; i < count; i += kLanes) pass_gradient(load(g + i), step, i);
}
void scale(float factor, const float* v, const float* added, float* result, int64_t count) {
  for (int64_t i = 0; i < count; i += kLanes) {
    const Vec scaled = factor * load(v + i);
    store(result + i, added ? scaled + load(added + i) : scaled);
  }
}

constexpr ListaLoops kTable{kPanelWidth,   kRows,  find_active,   multiply, shrink_step,
                            gradient_step, shrink, mask_gradient, scale};
