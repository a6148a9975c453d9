// AVX2 with fused multiply-add: 16 registers of 8 floats, of which 12 hold sums. Meanings: portable.inl.
#ifdef __x86_64__
#define SSCVAE_HAS_SET
SSCVAE_TARGET("avx2,fma")
#define SSCVAE_LANES 8
#define SSCVAE_CONVOLUTION_ROWS 6
#define SSCVAE_CONVOLUTION_TILES 48
#define SSCVAE_LISTA_ROWS 6
#endif
