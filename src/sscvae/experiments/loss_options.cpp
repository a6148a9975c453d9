#include "sscvae/experiments/loss_options.h"

namespace sscvae::experiments {

void LossOptions::describe(FieldList& fields) {
  fields.add(
      "reconstruction", reconstruction,
      "pixel error: squared, absolute, charbonnier, sqrt(e^2 + 1e-6), or rms, the root of each image's mean square");
  fields.add(
      "reduction", reduction,
      "of the pixel error: mean over everything (authors' code) or mean over images of the sum (Eq. 6); a sum brings "
      "the KL term of a vae and perceptual distances along");
  fields.add("latent_form", latent_form,
             "plain ||Dz - E||^2, or commitment ||Dz - sg(E)||^2 + commitment ||sg(Dz) - E||^2");
  fields.add("latent_weight", latent_weight, "weight of the latent term, mean over positions (Eq. 7)", at_least(0));
  fields.add("commitment", commitment, "share of the encoder's part in the commitment form", at_least(0));
  fields.add("sparsity", sparsity,
             "none, l1: sum alpha |z| with a fixed weight (Eq. 7), steered: its weight follows the wished number of "
             "non-zeros, rate: sum log2(1 + |z| / rate_step), steered likewise");
  fields.add("sparsity_weight", sparsity_weight, "weight of the l1 term, or where a steered one starts", at_least(0));
  fields.add("sparsity_target", sparsity_target, "wished non-zeros of a code at each position (steered)",
             at_least(0.1));
  fields.add("sparsity_max_weight", sparsity_max_weight, "upper end of a steered weight", at_least(0));
  fields.add("rate_step", rate_step, "quantisation step that the rate supposes, in the code's units", at_least(1e-9));
  fields.add("detach_threshold", detach_threshold,
             "the l1 term sends no gradient to alpha (else the network lowers alpha instead of z)");
}

}  // namespace sscvae::experiments
