#include "sscvae/networks/sparse_coder_options.h"

namespace sscvae::networks {

void SparseCoderOptions::describe(FieldList& fields) {
  fields.add("num_atoms", num_atoms, "atoms of the dictionary, K", at_least(1));
  fields.add("atom_dim", atom_dim, "length of an atom = channels of the features, d", at_least(1));
  fields.add("num_iterations", num_iterations, "unfolded iterations, T", between(0, 1000));
  fields.add("iteration", iteration,
             "weights of an iteration: tied (We = D^T/L, S = I - D^T D/L), untied (We and S learned), per-layer "
             "(learned for each)");
  fields.add("initial_code", initial_code,
             "z(0): zero (Eq. 3) or projected, S(D^T x) without 1/L and one shrinkage more");
  fields.add("threshold", threshold,
             "where thresholds come from: one number, one for each atom, a learned map, inferred from the features");
  fields.add("threshold_refinement", threshold_refinement, "attention on inferred thresholds (Eqs. 9-11)");
  fields.add("threshold_activation", threshold_activation,
             "what keeps alpha >= 0; signed leaves it free, and shrinkage may then expand");
  fields.add("threshold_gain", threshold_gain,
             "factor on refined thresholds; attention starts near 1/4, so 4 starts near 1", between(1e-6, 1e6));
  fields.add("initial_survivors", initial_survivors,
             "share of correlations |D^T E| above the initial thresholds; signed thresholds ignore it",
             between(1e-4, 0.9999));
  fields.add("grid_height", grid_height, "rows of a per-position threshold map (resized to other grids)", at_least(1));
  fields.add("grid_width", grid_width, "columns of a per-position threshold map", at_least(1));
  fields.add("lipschitz", lipschitz,
             "L: spectral (margin times the largest eigenvalue of D^T D) or trainable (starts at ||D||_F^2)");
  fields.add("lipschitz_margin", lipschitz_margin, "factor on the spectral L", between(1, 100));
  fields.add("quadratic_factor", quadratic_factor,
             "q of the objective q ||E - D z||^2 + sum alpha |z|; theta = alpha / (2 q L)", between(1e-3, 1e3));
  fields.add("dictionary_init", dictionary_init,
             "initial atoms: the authors' cosines, overcomplete cosines, random directions");
  fields.add("unit_norm_atoms", unit_norm_atoms, "atoms keep unit length throughout training");
  fields.add("cbam_reduction", cbam_reduction, "channel attention: hidden width is K divided by this", at_least(1));
  fields.add("cbam_kernel", cbam_kernel, "spatial attention: side of the convolution, odd", between(1, 31));
  fields.add("cbam_spatial_input", cbam_spatial_input,
             "spatial attention pools the channel-refined (authors' code) or the inferred (Eq. 10) thresholds");
}

}  // namespace sscvae::networks
