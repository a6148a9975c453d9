#pragma once

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "sscvae/runtime/compute.h"
#include "sscvae/tasks/benchmark_stages.h"
#include "sscvae/tasks/demo.h"

namespace CLI {
class App;
}
namespace sscvae::tasks {
struct ImageSelection;
struct ReadingOptions;
}  // namespace sscvae::tasks
namespace sscvae::runtime {
struct ModelSource;
}

/// What the subcommands share. A subcommand is a row {name, summary, example, add} of the table in program.cpp; `add`
/// declares its options and leaves a callback that runs it. What it needs lives in a structure that the callback owns.
namespace sscvae::cli {

struct Command {
  const char* name;
  const char* summary;
  const char* example;
  void (*add)(CLI::App& app);  ///< nullptr: of the training half (Program::training)
};

/// What differs between the two programs: sscvae, which runs models, and sscvae-train, which has LibTorch and all
/// commands. Each defines it once.
struct Program {
  bool trains = false;
  const runtime::Backend* backend = nullptr;                          ///< GPUs, passes in train mode
  std::map<std::string, void (*)(CLI::App&)> training = {};           ///< commands of the training half
  std::map<std::string, tasks::StageMaker> stages = {};               ///< of `benchmark`
  tasks::Json (*libraries)() = [] { return tasks::Json::object(); };  ///< for `doctor`
  tasks::Report (*demo)(const tasks::DemoOptions&) = tasks::demo_of_shipped_weights;
};
const Program& this_program();

/// The whole program.
int run_program(int argc, char** argv);

void add_calibrate(CLI::App& app);
void add_evaluate(CLI::App& app);
void add_reconstruct(CLI::App& app);
void add_denoise(CLI::App& app);
void add_compare(CLI::App& app);
void add_inspect(CLI::App& app);
void add_complexity(CLI::App& app);
void add_benchmark(CLI::App& app);
void add_import(CLI::App& app);
void add_export(CLI::App& app);
void add_config(CLI::App& app);
void add_list(CLI::App& app);
void add_data(CLI::App& app);
void add_doctor(CLI::App& app);
void add_demo(CLI::App& app);
void add_verify_tiling(CLI::App& app);

/// Where results go.
struct OutputOptions {
  std::string json;  ///< file, "-" or ""
  bool overwrite = false;
};

/// Is there a report of an interrupted call to go on with? It may then be replaced by what this one adds to it.
bool goes_on_with(const std::string& report, bool skip_existing);
/// --json FILE|-
void add_json_option(CLI::App& app, std::string& json);
/// --config, --model, --set: what completes weights without a configuration
void add_source_options(CLI::App& app, runtime::ModelSource& source);
/// --weights, or --config, --model and --set of a fresh model (or of weights without a configuration)
void add_model_options(CLI::App& app, runtime::ModelSource& source);
/// --data, --config, --dataset, --part, --split, --limit
void add_image_selection_options(CLI::App& app, tasks::ImageSelection& images, const std::string& usual_part);
/// --strict, --range, --max-pixels
void add_reading_options(CLI::App& app, tasks::ReadingOptions& reading);
/// --overwrite
void add_overwrite_option(CLI::App& app, bool& overwrite);
/// --threads, --deterministic, --device, --precision, --tf32
void add_compute_options(CLI::App& app, runtime::ComputeOptions& compute);
/// --tf32
void add_tf32_option(CLI::App& app, runtime::ComputeOptions& compute);
/// --engine fast|plain
void add_engine_option(CLI::App& app, std::string& engine);
/// --ensemble
void add_ensemble_option(CLI::App& app, bool& ensemble);
/// A finite number, read the same in every locale; its value now is the default that help shows.
void add_number_option(CLI::App& app, const std::string& name, const char* type, double& number,
                       const std::string& help);
/// --strength X
void add_strength_option(CLI::App& app, double& strength);
/// A noise level in 8-bit grey levels: a number from 0 to `most`, which nan and inf are not.
void add_level_option(CLI::App& app, const std::string& name, double& level, double most, const std::string& help);
/// --tile N|auto, N from `least`, 0 meaning never
void add_tile_option(CLI::App& app, int64_t& tile, int64_t least = 0);

}  // namespace sscvae::cli
