#include "sscvae/tasks/restore_settings.h"

#include <nlohmann/json.hpp>

namespace sscvae::tasks {

Json tile_setting(int64_t tile) {
  if (tile < 0) return "auto";
  return tile;
}

std::string range_setting(const ReadingOptions& reading, const data::DataOptions& dataset) {
  return reading.range.empty() ? dataset.range : reading.range;
}

Json settings_of(const RestoreOptions& options) {
  const runtime::InferenceOptions& inference = options.inference;
  return {
      {"strength", inference.threshold_scale},  {"code_step", inference.code_step}, {"ensemble", inference.ensemble},
      {"tile", tile_setting(inference.tile)},   {"engine", inference.engine},       {"format", options.format},
      {"range", range_setting(options.reading)}};
}

Json settings_of(const DenoiseOptions& options) {
  Json settings = settings_of(static_cast<const RestoreOptions&>(options));
  settings["sigma_8bit"] = options.sigma_8bit;
  if (!options.reference.empty()) settings["reference"] = options.reference;
  settings["add_noise_8bit"] = options.add_noise_8bit;
  if (options.add_noise_8bit == 0) return settings;
  settings["noise"] = options.noise;
  settings["seed"] = options.seed;
  settings["clip"] = options.clip;
  return settings;
}

}  // namespace sscvae::tasks
