#pragma once

#include "sscvae/onnx/node_writer.h"

namespace sscvae::onnx {

/// Operators that estimate the noise level of an image [N,C,H,W] as image::estimate_sigma_8bit does, in the image's
/// units: the name of [N,1,1,1]. For images of at least 16 x 16 pixels.
std::string add_noise_estimate(NodeWriter& writer, const std::string& image, int64_t channels);

/// Operators that temper a result [N,C,H,W] as image::temper does with an estimated level `sigma` [N,1,1,1].
std::string add_temper(NodeWriter& writer, const std::string& image, const std::string& result,
                       const std::string& sigma);

}  // namespace sscvae::onnx
