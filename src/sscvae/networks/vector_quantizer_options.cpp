#include "sscvae/networks/vector_quantizer_options.h"

namespace sscvae::networks {

void VectorQuantizerOptions::describe(FieldList& fields) {
  fields.add("num_codes", num_codes, "vectors in the codebook", between(1, 1 << 20));
  fields.add("code_dim", code_dim, "length of a vector, which is the number of feature channels", at_least(1));
  fields.add("commitment", commitment, "weight of the term that draws features to their codes (beta)", at_least(0));
  fields.add("update", update,
             "how codes learn: by gradient (van den Oord et al. 2017, Eq. 3), or as running means of their features");
  fields.add("decay", decay, "per step, of the running means and of the running usage", between(0, 0.999999));
  fields.add("initialization", initialization,
             "codes before training: uniform in +-1/K, features of the first batch, or their k-means");
  fields.add("revival", revival,
             "a code used less than this share of its even part (1/K) is replaced by a feature of the batch; 0: never",
             between(0, 1));
}

}  // namespace sscvae::networks
