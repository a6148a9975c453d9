#pragma once

#include "sscvae/networks/patch_discriminator_options.h"

namespace sscvae::experiments {

/// Training against a discriminator (VQ-GAN: Esser, Rombach, Ommer 2021, Section 3.1) and a perceptual distance.
struct AdversarialOptions {
  double weight = 0;     ///< 0: no discriminator
  int64_t start = 1000;  ///< finished steps
  bool adaptive = true;
  double max_adaptive = 1e4;
  double perceptual_weight = 0;  ///< 0: none
  double learning_rate = 1;      ///< share of train.learning_rate
  double beta1 = 0.5;
  double beta2 = 0.9;
  networks::PatchDiscriminatorOptions discriminator;
  void describe(FieldList& fields);
};

}  // namespace sscvae::experiments
