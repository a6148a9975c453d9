#include "sscvae/networks/patch_discriminator_options.h"

namespace sscvae::networks {

void PatchDiscriminatorOptions::describe(FieldList& fields) {
  fields.add("channels", channels, "of the discriminator's first convolution; later ones have up to 8 times as many",
             between(1, 4096));
  fields.add("layers", layers, "halvings of the resolution in the discriminator; 3 see patches of 70 pixels",
             between(1, 6));
  fields.add("normalization", normalization, "between the discriminator's convolutions");
}

}  // namespace sscvae::networks
