#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "sscvae/runtime/model_source.h"
#include "sscvae/serialization/state_dict.h"
#include "sscvae/tasks/reading.h"
#include "sscvae/tasks/report.h"

/// Everything that a pass through a model makes, by name: for porting, debugging and regression.
namespace sscvae::workshop {

struct TraceOptions {
  runtime::ModelSource source;
  std::string input;  ///< safetensors with `input` [N,C,H,W] (or `input_uint8`, divided by 255) and perhaps
                      ///< `target`; or an image
  tasks::ReadingOptions reading;
  std::string out;                ///< safetensors
  std::string mode = "eval";      ///< eval | train (batch statistics, updated buffers)
  std::string dtype = "float32";  ///< float32 | float64
  bool gradients = false;
  bool overwrite = false;
};

/// Runs the pass on the CPU and names its tensors: features, threshold_inference, threshold_refinement, threshold,
/// mean and log_variance (VAE), code, coded_features, logits, reconstruction, indices, loss.reconstruction,
/// loss.latent, loss.sparsity, loss.total, with gradients grad.<parameter key> and grad.input (of loss.total), after
/// train mode buffer.<key>. What a model does not have is left out. The losses are those of the weights' own
/// configuration; an undefined `target` means the input itself. Errors: ShapeError, FormatError for inputs that do not
/// fit.
serialization::StateDict trace_tensors(runtime::OpenedModel& opened, const at::Tensor& input, const at::Tensor& target,
                                       const TraceOptions& options);

/// Reads, traces, writes `out`. Errors: UsageError, IoError, FormatError, ShapeError.
tasks::Report trace(const TraceOptions& options);

}  // namespace sscvae::workshop
