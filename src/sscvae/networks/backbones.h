#pragma once

#include "sscvae/networks/model_options.h"
#include "sscvae/networks/scope.h"

/// Encoders (image -> features) and decoders (features -> logits).
namespace sscvae::networks {

/// x + conv1x1(relu(conv3x3(relu(x)))), C -> C/2 -> C, without biases.
Value residual(const Scope& s, Value x);

/// max_pool2(relu(norm(conv3x3(x)))): [N,C,H,W] -> [N,out,floor(H/2),floor(W/2)].
Value down_sample(const Scope& s, Value x, int64_t out, const ReferenceBackboneOptions& options);
/// relu(norm(conv3x3(transposed_conv2x2(x)))): [N,C,h,w] -> [N,out,2h,2w].
Value up_sample(const Scope& s, Value x, int64_t out, const ReferenceBackboneOptions& options);
/// x + mask(attention(theta(x), phi(x)) g(x)) with 1x1 convolutions C -> C/2 without biases: scores between all
/// positions of an image, over sqrt(C/2) where they are scaled. x itself without attention.
/// Source: Wang et al. 2018, embedded Gaussian form.
Value non_local(const Scope& s, Value x, const ReferenceBackboneOptions& options);

/// x + conv3x3(silu(conv3x3(norm(x)))), starting as nearly x.
Value lite_residual(const Scope& s, Value x, Normalization norm);

/// The authors' network. Encoder: conv3x3, then for each level (residual block, conv3x3 + norm + ReLU + max-pool), then
/// residual, non-local, residual, GroupNorm, x sigmoid(x), conv3x3. The decoder mirrors it with transposed
/// convolutions. The first encoder level works on hidden_channels_1, later ones on hidden_channels_2; the decoder goes
/// from the second to the first in its first up-sampling. Key names are those of the authors' weights files.
/// (Section 4.2 of the paper names VQGAN's encoder and decoder; the released code and the parameter counts of Table 4
/// are this.)
Value reference_encoder(const Scope& s, Value image, const ModelOptions& options, int64_t feature_dim);
Value reference_decoder(const Scope& s, Value features, const ModelOptions& options);

/// Small and without normalisation layers, so that its receptive field is local: blocks of pixels as channels, residual
/// blocks, strided convolutions.
Value lite_encoder(const Scope& s, Value image, const ModelOptions& options, int64_t feature_dim);
Value lite_decoder(const Scope& s, Value features, const ModelOptions& options);

}  // namespace sscvae::networks
