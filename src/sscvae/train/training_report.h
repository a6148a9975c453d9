#pragma once

#include "sscvae/train/run_folder.h"
#include "sscvae/train/trainer.h"

namespace sscvae::train {

/// Writes RUN/report.html from the run's own files: figures, curves of log.csv and validation.csv, the last preview,
/// the configuration. `facts` are name-value lines for its head. Errors: IoError.
void write_training_report(const RunFolder& folder, const TrainSummary& summary,
                           const std::vector<std::pair<std::string, std::string>>& facts);

}  // namespace sscvae::train
