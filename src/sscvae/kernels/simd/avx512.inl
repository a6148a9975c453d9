// AVX-512: 32 registers of 16 floats, of which 24 or 28 hold sums. Meanings: portable.inl.
#ifdef __x86_64__
#define SSCVAE_HAS_SET
SSCVAE_TARGET("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma")
#define SSCVAE_LANES 16
#define SSCVAE_CONVOLUTION_ROWS 12
#define SSCVAE_CONVOLUTION_TILES 96
#define SSCVAE_LISTA_ROWS 14
#endif
