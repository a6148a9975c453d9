#pragma once

#include <string>

#include "sscvae/runtime/model_source.h"
#include "sscvae/tasks/report.h"

/// Weights from and to other programs.
namespace sscvae::tasks {

/// Reads an authors' checkpoint (executing nothing in it), checks it against the model that its configuration
/// describes, and writes our safetensors with the metadata that every command needs. Key names stay. Errors:
/// UsageError, IoError, FormatError.
Report import_weights(const runtime::ModelSource& source, const std::string& out, bool overwrite);

struct ExportOptions {
  std::string format = "torch";
  std::string type = "f32";          ///< of stored floating-point tensors, not for onnx: f32, f16 or bf16
  std::vector<std::string> outputs;  ///< onnx: what comes out beside the reconstruction (onnx::to_onnx)
};

/// Writes weights anew. Formats: "torch", a state dict that Python's torch.load(weights_only=True) reads;
/// "safetensors", our own with all metadata but the folders of this machine; "onnx", the running model with its weights
/// (docs/formats.md). Errors: UsageError, IoError, FormatError, also for weights too large for f16.
Report export_weights(const runtime::ModelSource& source, const ExportOptions& options, const std::string& out,
                      bool overwrite);

}  // namespace sscvae::tasks
