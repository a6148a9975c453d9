#include "sscvae/train/trainer.h"

#include "sscvae/core/atomic_file.h"
#include "sscvae/core/error.h"
#include "sscvae/core/log.h"
#include "sscvae/core/text.h"
#include "sscvae/train/training_run.h"

namespace sscvae::train {

namespace fs = std::filesystem;

namespace {

/// Options that change neither weights nor losses.
bool is_harmless(const std::string& key) {
  for (const char* name :
       {"train.max_minutes", "train.checkpoint_minutes", "train.checkpoint_every", "train.preview_images",
        "data.workers", "data.cache_mb", "data.device_cache_mb", "data.root"})
    if (key == name) return true;
  return false;
}

void note_changes(const Experiment& before, const Experiment& now) {
  ExperimentOptions a = before.options, b = now.options;
  const FieldList old_fields = fields_of(a), new_fields = fields_of(b);
  for (const Field& field : new_fields.fields()) {
    const OptionValue old_value = old_fields.find(field.key, "").get(), value = field.get();
    if (old_value != value && !is_harmless(field.key))
      warn("the run goes on with " + field.key + " = " + to_toml(value) + " in place of " + to_toml(old_value));
  }
}

}  // namespace

TrainSummary train(const TrainRequest& request) { return TrainingRun(request).run(); }

TrainRequest resume_request(const fs::path& run, const std::vector<std::string>& assignments) {
  const RunFolder folder(run);
  std::error_code ignored;
  if (!fs::exists(folder.config(), ignored))
    throw IoError("'" + run.string() + "' holds no run to resume: there is no config.toml");
  const std::string toml = read_file(folder.config()), source = folder.config().string();
  TrainRequest request;
  request.experiment = experiments::resolve_experiment_text(toml, source, assignments);
  note_changes(experiments::resolve_experiment_text(toml, source), request.experiment);
  request.out = run;
  request.resume = true;
  return request;
}

}  // namespace sscvae::train
