// Normalisation, activation and pooling of channels-last maps.

constexpr int64_t kSegment = 64;  // columns whose float sums are exact enough

inline Vec affine(const NormActImage& image, Vec x, int64_t k) {
  return x * load(image.scale + k) + load(image.shift + k);
}

/// The gradient of z from that of activate(z).
template <Act kAct>
inline Vec activation_gradient(Vec z, Vec gradient) {
  if (kAct == Act::kRelu) return z <= 0.0f ? Vec{} : gradient;
  if (kAct == Act::kSilu) {
    const Vec sigmoid = 1.0f / (1.0f + exp_of(-z));
    return gradient * sigmoid * (1.0f + z * (1.0f - sigmoid));
  }
  return gradient;
}

/// The largest of four, and which it is: the first of equal ones, NaN before all, as PyTorch pools.
struct Winner {
  Vec value;
  Ints place;
};

inline Winner winner_of(const Vec z[4]) {
  Winner winner{z[0], Ints{}};
#pragma GCC unroll 3
  for (int i = 1; i < 4; ++i) {
    const Ints larger = (z[i] > winner.value) | (z[i] != z[i]);
    winner.value = larger ? z[i] : winner.value;
    winner.place = larger ? Ints{} + i : winner.place;
  }
  return winner;
}

/// Offsets of the four pixels of a pooled one.
struct Quad {
  int64_t offset[4];
  Quad(const NormActImage& image, int64_t band, int64_t column) {
    const int64_t first = (2 * band * image.width + 2 * column) * image.channels;
    const int64_t below = first + image.width * image.channels;
    offset[0] = first;
    offset[1] = first + image.channels;
    offset[2] = below;
    offset[3] = below + image.channels;
  }
};

template <class T, Act kAct>
void forward_row(const NormActImage& image, int64_t row) {
  const int64_t begin = row * image.width * image.channels, end = begin + image.width * image.channels;
  const T* x = static_cast<const T*>(image.x);
  T* out = static_cast<T*>(image.out);
  for (int64_t at = begin; at < end; at += image.channels)
    for (int64_t k = 0; k < image.channels; k += kLanes)
      store(out + at + k, activate<kAct>(affine(image, load(x + at + k), k)));
}

template <class T>
void forward_pooled(const NormActImage& image, int64_t band) {
  if (2 * band + 1 >= image.height) return;
  const T* x = static_cast<const T*>(image.x);
  T* out = static_cast<T*>(image.out) + band * (image.width / 2) * image.channels;
  for (int64_t column = 0; column < image.width / 2; ++column, out += image.channels) {
    const Quad quad(image, band, column);
    for (int64_t k = 0; k < image.channels; k += kLanes) {
      Vec z[4];
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) z[i] = affine(image, load(x + quad.offset[i] + k), k);
      store(out + k, activate<Act::kRelu>(winner_of(z).value));
    }
  }
}

/// Calls visit(offset, k, x, dz) for `count` pixels from `offset` on that nothing of the result depends on.
template <class T, class Visit>
inline void visit_dropped(const NormActImage& image, int64_t offset, int64_t count, Visit visit) {
  const T* x = static_cast<const T*>(image.x);
  for (int64_t end = offset + count * image.channels; offset < end; offset += image.channels)
    for (int64_t k = 0; k < image.channels; k += kLanes) visit(offset + k, k, load(x + offset + k), Vec{});
}

/// The same for columns [begin, end) of a row of the map that is not pooled.
template <class T, Act kAct, class Visit>
inline void visit_row(const NormActImage& image, int64_t row, int64_t begin, int64_t end, Visit visit) {
  const T *x = static_cast<const T*>(image.x), *gradient = static_cast<const T*>(image.gradient);
  for (int64_t column = begin; column < end; ++column) {
    const int64_t offset = (row * image.width + column) * image.channels;
    for (int64_t k = 0; k < image.channels; k += kLanes) {
      const Vec value = load(x + offset + k);
      visit(offset + k, k, value, activation_gradient<kAct>(affine(image, value, k), load(gradient + offset + k)));
    }
  }
}

/// The same for columns [begin, end), begin even, of a band that is pooled: only the winner of four has a gradient.
template <class T, class Visit>
inline void visit_pooled(const NormActImage& image, int64_t band, int64_t begin, int64_t end, Visit visit) {
  const int64_t first = (2 * band * image.width + begin) * image.channels;
  if (2 * band + 1 >= image.height) return visit_dropped<T>(image, first, end - begin, visit);
  const T* x = static_cast<const T*>(image.x);
  const T* gradient = static_cast<const T*>(image.gradient) + band * (image.width / 2) * image.channels;
  for (int64_t column = begin / 2; column < end / 2; ++column) {
    const Quad quad(image, band, column);
    for (int64_t k = 0; k < image.channels; k += kLanes) {
      Vec value[4], z[4];
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) {
        value[i] = load(x + quad.offset[i] + k);
        z[i] = affine(image, value[i], k);
      }
      const Winner winner = winner_of(z);
      const Vec dz = activation_gradient<Act::kRelu>(winner.value, load(gradient + column * image.channels + k));
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) visit(quad.offset[i] + k, k, value[i], winner.place == i ? dz : Vec{});
    }
  }
  if (end % 2 == 0) return;
  for (int64_t row = 2 * band; row < 2 * band + 2; ++row)
    visit_dropped<T>(image, (row * image.width + end - 1) * image.channels, 1, visit);
}

template <class T, Act kAct, bool kPool, class Visit>
inline void visit_segment(const NormActImage& image, int64_t band, int64_t begin, int64_t end, Visit visit) {
  if constexpr (kPool) visit_pooled<T>(image, band, begin, end, visit);
  else visit_row<T, kAct>(image, band, begin, end, visit);
}

/// Adds [2][channels] sums of a segment to the double ones, and clears them.
inline void flush(float* sums, int64_t channels, double* first, double* second) {
  for (int64_t k = 0; k < channels; ++k) {
    first[k] += static_cast<double>(sums[k]);
    second[k] += static_cast<double>(sums[channels + k]);
    sums[k] = sums[channels + k] = 0;
  }
}

inline void add(float* sums, Vec v) { store(sums, load(sums) + v); }

template <class T>
void moments(const NormActImage& image, int64_t row, float* sums, double* first, double* second) {
  const T* x = static_cast<const T*>(image.x) + row * image.width * image.channels;
  for (int64_t begin = 0; begin < image.width; begin += kSegment) {
    const int64_t end = begin + kSegment < image.width ? begin + kSegment : image.width;
    for (int64_t k = 0; k < image.channels; k += kLanes) {
      const Vec centre = load(image.centre + k);
      Vec sum{}, square{};
      for (int64_t column = begin; column < end; ++column) {
        const Vec v = load(x + column * image.channels + k) - centre;
        sum += v;
        square += v * v;
      }
      store(sums + k, sum);
      store(sums + image.channels + k, square);
    }
    flush(sums, image.channels, first, second);
  }
}

template <class T, Act kAct, bool kPool>
void sum_gradients(const NormActImage& image, int64_t band, float* sums, double* first, double* second) {
  const auto visit = [&](int64_t, int64_t k, Vec x, Vec dz) __attribute__((always_inline)) {
    add(sums + k, dz);
    add(sums + image.channels + k, dz * (x - load(image.centre + k)));
  };
  for (int64_t begin = 0; begin < image.width; begin += kSegment) {
    const int64_t end = begin + kSegment < image.width ? begin + kSegment : image.width;
    visit_segment<T, kAct, kPool>(image, band, begin, end, visit);
    flush(sums, image.channels, first, second);
  }
}

template <class T, Act kAct, bool kPool>
void write_gradients(const NormActImage& image, int64_t band) {
  T* out = static_cast<T*>(image.out);
  const auto visit = [&](int64_t offset, int64_t k, Vec x, Vec dz) __attribute__((always_inline)) {
    const Vec rest = load(image.slope + k) * (x - load(image.centre + k)) + load(image.constant + k);
    store(out + offset, load(image.gain + k) * dz + rest);
  };
  visit_segment<T, kAct, kPool>(image, band, 0, image.width, visit);
}

template <class T>
void forward(const NormActImage& image, int64_t band) {
  if (image.pool) return forward_pooled<T>(image, band);
  if (image.activation == Act::kRelu) return forward_row<T, Act::kRelu>(image, band);
  if (image.activation == Act::kSilu) return forward_row<T, Act::kSilu>(image, band);
  forward_row<T, Act::kNone>(image, band);
}

template <class T>
void gradient_sums(const NormActImage& image, int64_t band, float* sums, double* first, double* second) {
  if (image.pool) return sum_gradients<T, Act::kRelu, true>(image, band, sums, first, second);
  if (image.activation == Act::kRelu) return sum_gradients<T, Act::kRelu, false>(image, band, sums, first, second);
  if (image.activation == Act::kSilu) return sum_gradients<T, Act::kSilu, false>(image, band, sums, first, second);
  sum_gradients<T, Act::kNone, false>(image, band, sums, first, second);
}

template <class T>
void backward(const NormActImage& image, int64_t band) {
  if (image.pool) return write_gradients<T, Act::kRelu, true>(image, band);
  if (image.activation == Act::kRelu) return write_gradients<T, Act::kRelu, false>(image, band);
  if (image.activation == Act::kSilu) return write_gradients<T, Act::kSilu, false>(image, band);
  write_gradients<T, Act::kNone, false>(image, band);
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

template <class T>
constexpr BandLoops kLoopsFor{moments<T>, forward<T>, gradient_sums<T>, backward<T>};
constexpr NormActLoops kTable{kLoopsFor<float>, kLoopsFor<uint16_t>, scale_shift, channel_sums};
