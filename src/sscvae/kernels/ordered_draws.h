#pragma once

#include <cstdint>

#include "sscvae/core/host_device.h"

/// Many threads draw the variates that one after another would come from a stream of random words.
///
/// Rejection takes some words here and more there, so where variate i begins depends on all before it. But what a
/// variate is and how long, if it begins at word p, depends on p alone. A team therefore draws from each of the next
/// `kPositions` words, whether or not one begins there, and then finds out which do: p(0) = 0, p(i + 1) = p(i) +
/// length(p(i)), by doubling the length of the jumps. At the end of such a tile the next begins where the last variate
/// ended.
namespace sscvae::kernels {

/// What the members of a team share.
template <int kPositions>
struct DrawTile {
  double values[kPositions];  ///< of a variate that begins at that word
  int nexts[kPositions];      ///< where it ends; may lie beyond the tile
  int jumps[2][kPositions];   ///< where the 2^round-th after it begins, or the first one beyond the tile
  int ranks[kPositions];      ///< how many variates lie before it, -1 where none begins (or it is not known yet)
  int tile_end;               ///< where the first variate beyond the tile begins
  int in_tile;                ///< variates of the tile
};

/// Calls write(i, value) once for each i in 0 ... count - 1, by any member. `draw(position, length)` gives the variate
/// that begins at that word of the stream, and how many words it takes. `team.each(work)` calls work(m) by every member
/// m in 0 ... kPositions - 1 and waits for all of them.
/// A thread may read a rank while another sets it. Both values that it can then see are passed over in that round.
template <int kPositions, class Team, class Draw, class Write>
SSCVAE_HOST_DEVICE void draw_in_order(Team& team, DrawTile<kPositions>& tile, int64_t count, const Draw& draw,
                                      const Write& write) {
  static_assert((kPositions & (kPositions - 1)) == 0, "jumps are doubled");
  uint64_t first_word = 0;
  for (int64_t done = 0; done < count;) {
    team.each([&](int m) {
      int length = 0;
      tile.values[m] = draw(first_word + static_cast<uint64_t>(m), length);
      tile.nexts[m] = m + length;
      tile.ranks[m] = m == 0 ? 0 : -1;
    });
    const int* jumps = tile.nexts;
    int round = 0;
    for (int reach = 1; reach < kPositions; reach *= 2, ++round) {
      int* farther = tile.jumps[round % 2];
      team.each([&](int m) {
        const int to = jumps[m], rank = tile.ranks[m];
        if (rank >= 0 && rank < reach && to < kPositions) tile.ranks[to] = rank + reach;
        farther[m] = to < kPositions ? jumps[to] : to;
      });
      jumps = farther;
    }
    team.each([&](int m) {
      const int rank = tile.ranks[m];
      if (rank < 0) return;
      if (done + rank < count) write(done + rank, tile.values[m]);
      if (tile.nexts[m] < kPositions) return;
      tile.tile_end = tile.nexts[m];
      tile.in_tile = rank + 1;
    });
    first_word += static_cast<uint64_t>(tile.tile_end);
    done += tile.in_tile;
  }
}

}  // namespace sscvae::kernels
