// Sums over windows of channels-last maps, each channel with its own weights.

void pool_row(const PoolRow& p, int64_t first, int64_t last, float* sums) {
  const int64_t half = p.window / 2, below = p.height + half - p.y;
  const int64_t top = p.y < half ? half - p.y : 0, bottom = below < p.window ? below : p.window;
  for (int64_t x = first; x < last; ++x) {
    const int64_t beside = p.width + half - x;
    const int64_t left = x < half ? half - x : 0, right = beside < p.window ? beside : p.window;
    for (int64_t c = 0; c < p.channels; c += kLanes) {
      Vec sum{};
      for (int64_t r = top; r < bottom; ++r)
        for (int64_t k = left; k < right; ++k)
          sum += load(p.pool + (r * p.window + k) * p.channels + c) *
                 load(p.energies + ((p.y + r - half) * p.width + x + k - half) * p.channels + c);
      store(sums + (x - first) * p.channels + c, sum);
    }
  }
}

constexpr PoolLoops kTable{pool_row};
