// The bfloat16 loops where no processor of the kind has a unit for them: never called, since has_bfloat16_kernels() is
// false there.
#ifndef SSCVAE_X86

#include "sscvae/core/error.h"
#include "sscvae/kernels/bfloat16_loops.h"
#include "sscvae/kernels/bfloat16_winograd_loops.h"

namespace sscvae::kernels::bfloat16 {

namespace {

[[noreturn]] void refuse() { throw InternalError("no kernels of bfloat16 on this processor"); }

}  // namespace

void copy_pixels(const uint16_t*, int64_t, uint16_t*, int64_t, int64_t, bool) { refuse(); }
void finish(const Finish&, const float*) { refuse(); }
void interleave(const uint16_t*, const uint16_t*, int64_t, bool, uint16_t*, int64_t) { refuse(); }
void transpose_pairs(uint16_t*) { refuse(); }
void channel_sums(const uint16_t*, int64_t, int64_t, double*, double*) { refuse(); }
void scale_shift(const uint16_t*, const float*, const float*, int64_t, int64_t, Act, uint16_t*) { refuse(); }

void transform_inputs(const Image&, int64_t, int64_t, int64_t, bool, uint16_t*, int64_t) { refuse(); }
void multiply_panel(const uint16_t*, int64_t, int64_t, const uint16_t*, float*) { refuse(); }
void transform_outputs(const float*, int64_t, int64_t, float*) { refuse(); }
void transform_weights(const WeightView&, int64_t, uint16_t*) { refuse(); }
void transform_input_pair(const TilePlace&, const TilePlace&, bool, uint16_t*, int64_t, int64_t) { refuse(); }
void transform_gradient_pair(const TilePlace&, const TilePlace&, uint16_t*, int64_t, int64_t) { refuse(); }
void accumulate_tiles(const uint16_t*, int64_t, const uint16_t*, int64_t, int64_t, float*, int64_t) { refuse(); }
void transform_gradient(const float*, int64_t, int64_t, float*) { refuse(); }

}  // namespace sscvae::kernels::bfloat16

#endif
