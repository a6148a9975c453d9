#pragma once

#include "sscvae/graph/graph.h"
#include "sscvae/onnx/layouts.h"

namespace sscvae::onnx {

/// The iterations of a sparse coder, unfolded, on features [N,d,h,w] and thresholds broadcastable to [N,K,h,w]; gives
/// the name of the code as rows [N,h,w,K]. Positions are rows, so that each iteration is one product with a constant
/// matrix. Thresholds that are never negative take a shorter form of the shrinkage.
std::string add_lista(NodeWriter& writer, const graph::SparseCode& op, Layouts& features, Layouts& threshold,
                      bool never_negative);

}  // namespace sscvae::onnx
