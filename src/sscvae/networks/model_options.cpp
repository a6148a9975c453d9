#include "sscvae/networks/model_options.h"

#include "sscvae/networks/table.h"

namespace sscvae::networks {

void ReferenceBackboneOptions::describe(FieldList& fields) {
  fields.add("hidden_channels_1", hidden_channels_1, "channels at full resolution", at_least(2));
  fields.add("hidden_channels_2", hidden_channels_2, "channels below full resolution", at_least(2));
  fields.add("num_groups", num_groups, "groups of the group normalisations", at_least(1));
  fields.add("normalization", normalization, "inside the down- and up-sampling blocks; the authors use batch");
  fields.add("attention", attention,
             "non-local blocks: none, or softmax over-queries (authors' code) or over-keys (Wang et al. 2018)");
  fields.add("scale_attention", scale_attention, "divide attention scores by the square root of their length");
}

void LiteBackboneOptions::describe(FieldList& fields) {
  fields.add("width", width, "channels throughout", at_least(1));
  fields.add("num_blocks", num_blocks, "residual blocks at each resolution", between(0, 100));
  fields.add("unshuffle", unshuffle,
             "side of the pixel blocks folded into channels first; a power of two, at most 2^down_samples",
             between(1, 64));
  fields.add("normalization", normalization, "inside the residual blocks");
  fields.add("block_skip", block_skip,
             "features are the image's blocks of 2^down_samples pixels a side plus what the encoder adds, the image is "
             "the coded blocks plus what the decoder adds; needs channels x 4^down_samples feature channels; the "
             "latent term of ssc-vae then holds the coded blocks "
             "to the image's");
}

void GaussianOptions::describe(FieldList& fields) {
  fields.add("latent_dim", latent_dim, "Gaussian variables at each position, which is the number of feature channels",
             at_least(1));
  fields.add("kl_weight", kl_weight,
             "weight of the divergence from the standard normal, sum over variables and mean over positions (or their "
             "sum where train.loss.reduction is a sum)",
             at_least(0));
}

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

void ModelOptions::describe(FieldList& fields) {
  fields.add_name("name", name, "which model", model_names());
  fields.add("in_channels", in_channels, "image channels: 1 grey, 3 colour", between(1, 3));
  fields.add("down_samples", down_samples, "halvings of the resolution; the latent grid is H / 2^n x W / 2^n",
             between(0, 6));
  fields.add("backbone", backbone, "encoder and decoder: lite, or the authors' network");
  fields.add("output", output, "last step of the decoder: linear (plus 1/2, clamped on output only) or sigmoid");
  fields.add("feature_norm", feature_norm,
             "features divided by their root mean square at each position, or left as they are");
  fields.add_section("lite", lite);
  fields.add_section("reference", reference);
  fields.add_section("sparse_coder", sparse_coder);
  fields.add_section("quantizer", quantizer);
  fields.add_section("vae", vae);
  fields.add_section("csc", csc);
}

}  // namespace sscvae::networks
