#include "sscvae/data/fast_normal.h"

#include "sscvae/core/variates.h"

namespace sscvae::data {

void add_normal(uint64_t seed, float scale, float* values, int64_t count) {
  const Ziggurat& ziggurat = Ziggurat::table();
  WordsFrom words(seed, 0);
  for (int64_t i = 0; i < count; ++i) values[i] += scale * static_cast<float>(ziggurat_normal(words, ziggurat));
}

}  // namespace sscvae::data
