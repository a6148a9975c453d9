#pragma once

#include <string>

#include "sscvae/tasks/model_source.h"
#include "sscvae/tasks/report.h"

/// Weights from and to other programs.
namespace sscvae::tasks {

/// Reads an authors' checkpoint (executing nothing in it), checks it against the model that its configuration
/// describes, and writes our safetensors with the metadata that every command needs. Key names stay. Errors:
/// UsageError, IoError, FormatError.
Report import_weights(const ModelSource& source, const std::string& out, bool overwrite);

/// Writes a weights file for another program. `format`: "torch", a state dict that Python's
/// torch.load(weights_only=True) reads. Errors: UsageError, IoError, FormatError.
Report export_weights(const ModelSource& source, const std::string& format, const std::string& out, bool overwrite);

}  // namespace sscvae::tasks
