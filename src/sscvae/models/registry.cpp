#include "sscvae/models/registry.h"

#include <ATen/Context.h>

#include "sscvae/core/random.h"
#include "sscvae/models/convolutional_coder.h"
#include "sscvae/models/sparse_coding_autoencoder.h"
#include "sscvae/models/variational_autoencoder.h"
#include "sscvae/models/vector_quantized_autoencoder.h"
#include "sscvae/networks/networks.h"

namespace sscvae::models {

std::shared_ptr<Autoencoder> make_autoencoder(const ModelOptions& options, uint64_t seed) {
  const auto network = find_model(options.name).network;
  // The layers of LibTorch draw their initial values from the process-wide generator.
  at::manual_seed(derive_seed(seed, "weights"));
  if (network == networks::variational_autoencoder) return std::make_shared<VariationalAutoencoder>(options);
  if (network == networks::vector_quantized_autoencoder)
    return std::make_shared<VectorQuantizedAutoencoder>(options, seed);
  if (network == networks::convolutional_sparse_coder) return std::make_shared<ConvolutionalCoder>(options, seed);
  return std::make_shared<SparseCodingAutoencoder>(options, seed);
}

}  // namespace sscvae::models
