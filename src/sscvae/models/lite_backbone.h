#pragma once

#include "sscvae/models/backbone.h"

/// A small network of a few million parameters whose receptive field is local, so that its output does not depend on
/// the crop. Encoder: pixel-unshuffle, conv3x3, residual blocks, then for each further halving conv2x2 stride 2 and
/// residual blocks, conv3x3. The decoder mirrors it with conv1x1 + pixel-shuffle. With block_skip both start as the
/// identity between an image's blocks of pixels and features, and learn what to add: features then keep the image's
/// units, and a code that fits the features fits the image. Errors: UsageError where the channels do not match.
namespace sscvae::models {

std::shared_ptr<Backbone2d> make_lite_encoder(const ModelOptions& options, int64_t feature_dim);
std::shared_ptr<Backbone2d> make_lite_decoder(const ModelOptions& options, int64_t feature_dim);

}  // namespace sscvae::models
