#include "sscvae/kernels/patches.h"

#include <algorithm>
#include <cstring>

#include "sscvae/array/parallel.h"

namespace sscvae::kernels {

namespace {

constexpr int64_t kRowsAtOnce = 4;

typedef float Four __attribute__((vector_size(16)));

/// Channels [c, c + width of Number) of one row of the map.
template <typename Number>
void sum_row(const PatchGrid& g, const float* patches, int64_t y, int64_t c, float* line) {
  const int64_t before = g.before();
  const int64_t first_row = std::max<int64_t>(0, y + before - g.height + 1),
                last_row = std::min(g.side, y + before + 1);
  for (int64_t x = 0; x < g.width; ++x) {
    const int64_t first = std::max<int64_t>(0, x + before - g.width + 1), last = std::min(g.side, x + before + 1);
    Number sum{};
    for (int64_t r = first_row; r < last_row; ++r) {
      const float* window =
          patches + ((y - r + before) * g.width + x + before) * g.numbers() + r * g.side * g.channels + c;
      for (int64_t k = first; k < last; ++k) {
        Number part;
        std::memcpy(&part, window + k * (g.channels - g.numbers()), sizeof(Number));  // at any address
        sum += part;
      }
    }
    std::memcpy(line + x * g.channels + c, &sum, sizeof(Number));
  }
}

}  // namespace

void gather_windows(const PatchGrid& g, const float* image, int64_t y, int64_t first, int64_t last, float* windows,
                    int64_t stride) {
  const int64_t run = g.side * g.channels, before = g.before();
  for (int64_t r = 0; r < g.side; ++r) {
    const int64_t row = y + r - before;
    float* to = windows + r * run;
    if (row < 0 || row >= g.height) {
      for (int64_t x = first; x < last; ++x, to += stride) std::fill_n(to, run, 0.0f);
      continue;
    }
    const float* line = image + row * g.width * g.channels;
    for (int64_t x = first; x < last; ++x, to += stride) {
      const int64_t begin = std::max<int64_t>(0, before - x), end = std::min(g.side, g.width + before - x);
      if (begin > 0) std::fill_n(to, begin * g.channels, 0.0f);
      std::memcpy(to + begin * g.channels, line + (x + begin - before) * g.channels,
                  static_cast<size_t>((end - begin) * g.channels) * sizeof(float));
      if (end < g.side) std::fill_n(to + end * g.channels, (g.side - end) * g.channels, 0.0f);
    }
  }
}

void sum_windows(const PatchGrid& g, const float* windows, int64_t y, float* row) {
  int64_t c = 0;
  for (; c + 4 <= g.channels; c += 4) sum_row<Four>(g, windows, y, c, row);
  for (; c < g.channels; ++c) sum_row<float>(g, windows, y, c, row);
}

void gather_patches(const PatchGrid& g, const float* map, float* patches) {
  parallel_for(0, g.images * g.height, kRowsAtOnce, [&](int64_t begin, int64_t end) {
    for (int64_t line = begin; line < end; ++line)
      gather_windows(g, map + line / g.height * g.height * g.width * g.channels, line % g.height, 0, g.width,
                     patches + line * g.width * g.numbers(), g.numbers());
  });
}

void sum_patches(const PatchGrid& g, const float* patches, float* map) {
  parallel_for(0, g.images * g.height, kRowsAtOnce, [&](int64_t begin, int64_t end) {
    for (int64_t line = begin; line < end; ++line)
      sum_windows(g, patches + line / g.height * g.height * g.width * g.numbers(), line % g.height,
                  map + line * g.width * g.channels);
  });
}

}  // namespace sscvae::kernels
