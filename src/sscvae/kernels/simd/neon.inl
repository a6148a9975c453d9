// NEON, which every aarch64 has: 32 registers of 4 floats, of which 24 hold sums. Meanings: portable.inl.
#ifdef __aarch64__
#define SSCVAE_HAS_SET
#define SSCVAE_LANES 4
#define SSCVAE_CONVOLUTION_ROWS 12
#define SSCVAE_CONVOLUTION_TILES 96
#define SSCVAE_LISTA_ROWS 12
#endif
