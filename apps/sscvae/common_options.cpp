#include <CLI/CLI.hpp>
#include <filesystem>

#include "sscvae/command.h"
#include "sscvae/runtime/model_source.h"
#include "sscvae/tasks/image_selection.h"
#include "sscvae/tasks/reading.h"

namespace sscvae::cli {

bool goes_on_with(const std::string& report, bool skip_existing) {
  std::error_code ignored;
  return skip_existing && std::filesystem::is_regular_file(report, ignored);
}

void add_json_option(CLI::App& app, std::string& json) {
  app.add_option("--json", json, "write the results as JSON to this file; - : to standard output instead of the text")
      ->type_name("FILE|-");
}

void add_source_options(CLI::App& app, runtime::ModelSource& source) {
  app.add_option("--config", source.config, "configuration of weights without one (authors' JSON, TOML, preset)")
      ->type_name("FILE");
  app.add_option("--model", source.model, "kind of model of weights without a configuration")->type_name("NAME");
  app.add_option("--set", source.set, "key=value on top of the configuration; may be repeated")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
}

void add_model_options(CLI::App& app, runtime::ModelSource& source) {
  app.add_option("--weights", source.weights, "weights file, or the name of shipped weights")->type_name("W");
  app.add_option("--config", source.config, "configuration of a fresh model (TOML, preset, authors' JSON)")
      ->type_name("FILE");
  app.add_option("--model", source.model, "kind of model, see 'sscvae list models'")->type_name("NAME");
  app.add_option("--set", source.set, "key=value on top of the configuration; may be repeated")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
}

void add_image_selection_options(CLI::App& app, tasks::ImageSelection& images, const std::string& usual_part) {
  app.add_option("--data", images.data, "root of the dataset (default: that of the configuration)")
      ->type_name("FOLDER");
  app.add_option("--config", images.data_config, "take the dataset from this configuration, not from the weights")
      ->type_name("FILE");
  app.add_option("--dataset", images.dataset, "layout of the dataset, see 'sscvae list datasets'")->type_name("NAME");
  app.add_option("--part", images.part,
                 "train, val, test or all (default: " + usual_part + "; all with --dataset folder)")
      ->type_name("PART");
  app.add_option("--split", images.split, "split manifest (CSV with path,part,group)")->type_name("FILE");
  app.add_option("--limit", images.limit, "use only this many images, evenly spaced over the list; 0: all")
      ->type_name("N");
}

void add_reading_options(CLI::App& app, tasks::ReadingOptions& reading) {
  app.add_flag("--strict", reading.strict, "refuse image files without an end; else they are read with a warning");
  app.add_option("--range", reading.range,
                 "stored values of black and of white: full, LOW:HIGH, or auto: 16-bit files that hold 8, 10, 12 or 14 "
                 "bits are taken as such (default: that of the configuration of a dataset, else auto)")
      ->type_name("auto|full|LOW:HIGH");
  app.add_option(
         "--max-pixels", reading.max_pixels,
         "refuse larger images (default: 268435456, or as configured for a dataset); reconstruct and denoise take "
         "about 50 bytes of memory for each pixel and channel")
      ->type_name("N");
}

void add_overwrite_option(CLI::App& app, bool& overwrite) {
  app.add_flag("--overwrite", overwrite, "replace files that exist");
}

void add_compute_options(CLI::App& app, runtime::ComputeOptions& compute) {
  compute.backend = this_program().backend;
  app.add_option("--threads", compute.threads, "processor threads; 0: as many as there are")->type_name("N");
  app.add_flag("--deterministic", compute.deterministic,
               "the same bits whatever --threads says: computes on one thread; CUDA: deterministic algorithms");
  app.add_option("--device", compute.device, "auto (the processor), cpu, cuda or cuda:<index>")
      ->type_name("DEVICE")
      ->capture_default_str();
  app.add_option("--precision", compute.precision, "auto (fp32), fp32 or bf16")
      ->type_name("NAME")
      ->capture_default_str();
  add_tf32_option(app, compute);
}

void add_tf32_option(CLI::App& app, runtime::ComputeOptions& compute) {
  app.add_flag("--tf32", compute.tf32,
               "CUDA: fp32 products from factors of 10 bits of mantissa (TF32), faster, less exact");
}

void add_engine_option(CLI::App& app, std::string& engine) {
  app.add_option("--engine", engine, "fast: fused and packed for the processor; plain: layer by layer, for comparison")
      ->type_name("NAME")
      ->capture_default_str();
}

void add_ensemble_option(CLI::App& app, bool& ensemble) {
  app.add_flag("--ensemble", ensemble, "average over all 8 flips and quarter turns: a little better, 8 times the work");
}

}  // namespace sscvae::cli
