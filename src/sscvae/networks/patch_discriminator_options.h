#pragma once

#include "sscvae/networks/model_options.h"

namespace sscvae::networks {

struct PatchDiscriminatorOptions {
  int64_t channels = 64;
  int64_t layers = 3;
  Normalization normalization = Normalization::kBatch;
  void describe(FieldList& fields);
};

}  // namespace sscvae::networks
