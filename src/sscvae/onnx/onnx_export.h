#pragma once

#include "sscvae/graph/graph.h"
#include "sscvae/onnx/onnx_format.h"

namespace sscvae::onnx {

/// A frozen model as ONNX operators.
///   Input: "image" [batch,C,height,width] in [0,1], all but C open; height and width are multiples of
///   Graph::size_multiple, which nothing in the file checks.
///   Outputs: "reconstruction", then those of features, threshold, code, log_variance, coded_features and logits that
///   `outputs` names, all as run_plain gives them: the reconstruction is not clamped, a threshold that does not depend
///   on the image is broadcastable.
/// Name, version, description and metadata of the model are left to the caller.
/// Errors: UsageError for an output that is unknown or that this model does not have.
Model to_onnx(const graph::Graph& graph, const std::vector<std::string>& outputs = {});

}  // namespace sscvae::onnx
