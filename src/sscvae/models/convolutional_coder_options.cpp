#include "sscvae/models/convolutional_coder_options.h"

namespace sscvae::models {

void ConvolutionalCoderOptions::describe(FieldList& fields) {
  fields.add("num_atoms", num_atoms, "atoms K of the dictionary", at_least(1));
  fields.add("stride", stride, "pixels between neighbouring positions of an atom", between(1, 16));
  fields.add("kernel", kernel, "side of the filters in strides; an atom covers kernel x stride pixels", between(1, 31));
  fields.add("num_iterations", num_iterations, "unfolded iterations T, each with its own filters", between(1, 100));
  fields.add("threshold", threshold,
             "times the noise level: scalar, per-atom (learned), or inferred from the image on top of per-atom");
  fields.add("threshold_refinement", threshold_refinement, "of inferred thresholds: none, or cbam");
  fields.add("attention_width", attention_width, "channels of the network that infers thresholds", at_least(1));
  fields.add(
      "attention_blocks", attention_blocks,
      "residual blocks of that network; with several scales of each scale, on the way down and again on the way up",
      between(0, 100));
  fields.add("attention_scales", attention_scales,
             "scales of that network: each halves the grid and doubles the channels", between(1, 6));
  fields.add("shrinkage", shrinkage,
             "separate: an entry of the code passes by its own size; grouped: by the energy of its neighbours and of "
             "related atoms, too");
  fields.add("group_rank", group_rank, "energies that the atoms' are mixed to and pooled as, where grouped",
             between(1, 1024));
  fields.add("group_window", group_window, "side of the window of positions they are pooled over; odd", between(1, 31));
  fields.add("unit_ball", unit_ball, "scale atoms longer than 1 down to 1 after each step of training");
}

}  // namespace sscvae::models
