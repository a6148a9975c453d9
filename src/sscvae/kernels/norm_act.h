#pragma once

#include "sscvae/array/array.h"
#include "sscvae/array/elementwise.h"
#include "sscvae/kernels/epilogue.h"

/// Normalisation, activation and pooling of a map in one go, with gradients, for training. With the map x, coefficients
/// for each image and channel, and z = scale x + shift:
///   y = act(z), or max over 2x2 of relu(z)   (`pool`; a last odd row or column is dropped)
/// Neither z nor y before pooling nor a winner index is stored: the gradient computes them again from x.
///
/// Maps: [N,C,H,W] channels-last, float32 or bfloat16 (computed in float32); coefficients: float32 [N,C]; sums: float64
/// [2,N,C], taken in a fixed order, so that threads do not change them.
namespace sscvae::kernels {

/// Is there a kernel for that map? (CPU, float32 or bfloat16, channels-last, C a multiple of 16)
bool can_norm_act(const Array& x);

struct NormActForm {
  Act activation = Act::kNone;
  bool pool = false;  ///< only with kRelu
  Isa isa = best_isa();
};

/// Sums over the pixels of x - centre and (x - centre)^2.
Array channel_moments(const Array& x, const Array& centre, Isa isa = best_isa());

Array norm_act(const Array& x, const Array& scale, const Array& shift, const NormActForm& form);

/// With dz the gradient of z from that of y: sums over the pixels of dz and dz (x - centre).
Array norm_act_gradient_sums(const Array& x, const Array& gradient, const Array& scale, const Array& shift,
                             const Array& centre, const NormActForm& form);

/// How the gradient of x depends on dz: gain dz + slope (x - centre) + constant.
struct GradientLine {
  Array gain, slope, centre, constant;
};
Array norm_act_gradient(const Array& x, const Array& gradient, const Array& scale, const Array& shift,
                        const GradientLine& line, const NormActForm& form);

}  // namespace sscvae::kernels
