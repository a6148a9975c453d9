#pragma once

#include "sscvae/models/backbone.h"

/// The authors' network. Encoder: conv3x3, then for each level (residual block, conv3x3 + norm + ReLU + max-pool), then
/// residual, non-local, residual, GroupNorm, x sigmoid(x), conv3x3. The decoder mirrors it with transposed
/// convolutions. The first encoder level works on hidden_channels_1, later ones on hidden_channels_2; the decoder goes
/// from the second to the first in its first up-sampling. Key names are those of the authors' weights files.
/// (Section 4.2 of the paper names VQGAN's encoder and decoder; the released code and the parameter counts of Table 4
/// are this.)
namespace sscvae::models {

std::shared_ptr<Backbone2d> make_reference_encoder(const ModelOptions& options, int64_t feature_dim);
std::shared_ptr<Backbone2d> make_reference_decoder(const ModelOptions& options, int64_t feature_dim);

}  // namespace sscvae::models
