#include "sscvae/experiments/adversarial_options.h"

namespace sscvae::experiments {

void AdversarialOptions::describe(FieldList& fields) {
  fields.add("weight", weight, "weight of the term that deceives a discriminator (hinge loss); 0: no discriminator",
             at_least(0));
  fields.add("start", start, "steps of training before the discriminator joins", at_least(0));
  fields.add(
      "adaptive", adaptive,
      "the weight is multiplied by the ratio of gradients at the decoder's last layer, pixel terms to adversarial one");
  fields.add("max_adaptive", max_adaptive, "upper end of that ratio", at_least(0));
  fields.add("perceptual_weight", perceptual_weight,
             "weight of a perceptual distance (LPIPS, AlexNet) beside the pixel error; 0: none", at_least(0));
  fields.add("learning_rate", learning_rate, "the discriminator's, as a share of train.learning_rate and its schedule",
             at_least(0));
  fields.add("beta1", beta1, "decay of the first moment of the discriminator's Adam", between(0, 0.999999));
  fields.add("beta2", beta2, "decay of the second moment of the discriminator's Adam", between(0, 0.9999999));
  fields.add_section("discriminator", discriminator);
}

}  // namespace sscvae::experiments
