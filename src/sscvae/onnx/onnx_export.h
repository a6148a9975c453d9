#pragma once

#include "sscvae/graph/graph.h"
#include "sscvae/onnx/onnx_format.h"

namespace sscvae::onnx {

/// A frozen model as ONNX operators.
///   Input: "image" [batch,C,height,width] in [0,1], all but C open; C = 3: red, green, blue. Height and width are
///   multiples of Graph::size_multiple, which nothing in the file checks, and at least smallest_size, which the file
///   does: a runtime stops with an error at the node .../smallest_image.
///   Outputs: "reconstruction", then those of features, threshold, code, log_variance, coded_features and logits that
///   `outputs` names, all as run_plain gives them: the reconstruction is not clamped, a threshold that does not depend
///   on the image is broadcastable. With `tempered`, the reconstruction of a graph that estimates the noise level is
///   what image::temper makes of it without a probe.
/// Name, version, description and metadata of the model are left to the caller.
/// Errors: UsageError for an output that is unknown or that this model does not have.
Model to_onnx(const graph::Graph& graph, const std::vector<std::string>& outputs = {}, bool tempered = false);

/// The smallest height and width of the exported model, pixels: 16 where it estimates the noise of its input, else
/// the graph's size_multiple.
int64_t smallest_size(const graph::Graph& graph);

}  // namespace sscvae::onnx
