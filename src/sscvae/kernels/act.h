#pragma once

namespace sscvae::kernels {

/// Activation functions that kernels apply to their results.
enum class Act { kNone, kRelu, kSilu };

}  // namespace sscvae::kernels
