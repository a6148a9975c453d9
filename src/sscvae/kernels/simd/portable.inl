// What any processor has: vectors of 4 floats are SSE2 on x86-64 (16 registers), NEON without further ado on aarch64.
#define SSCVAE_HAS_SET
#define SSCVAE_LANES 4
// Registers of a convolution's sums are twice its rows. Tiles of 4x4 pixels that a task takes together stay in cache.
#define SSCVAE_CONVOLUTION_ROWS 6
#define SSCVAE_CONVOLUTION_TILES 48
// The same of unfolded shrinkage.
#define SSCVAE_LISTA_ROWS 4
