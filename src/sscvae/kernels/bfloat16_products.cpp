#include "sscvae/kernels/bfloat16_products.h"

#include "sscvae/core/error.h"

namespace sscvae::kernels::bfloat16 {

const Products& products(Bfloat16Unit unit) {
#ifdef SSCVAE_X86
  if (unit == Bfloat16Unit::kAmx) return kAmxProducts;
  if (unit == Bfloat16Unit::kAvx512) return kAvx512Products;
#endif
  throw InternalError("no products of bfloat16 on this processor");
}

}  // namespace sscvae::kernels::bfloat16
