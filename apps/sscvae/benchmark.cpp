#include "sscvae/tasks/benchmark.h"

#include <CLI/CLI.hpp>

#include "sscvae/command.h"

namespace sscvae::cli {

namespace {

struct BenchmarkArguments : tasks::BenchmarkOptions {
  std::string json;
};

void add_stage_options(CLI::App& app, BenchmarkArguments& options) {
  app.add_option("--stage", options.stage,
                 "inference, training (one optimizer step), lista (the sparse coder's "
                 "iterations alone) or loading (images from disk)")
      ->type_name("NAME")
      ->capture_default_str();
  app.add_option("--size", options.size,
                 "height x width of the images, 256x256 unless given; loading: of patches, as configured unless given")
      ->type_name("HxW");
  app.add_option("--batch", options.batch, "images at once, 1 unless given; loading: as configured unless given")
      ->type_name("N");
  app.add_option("--data", options.data, "folder of images (loading)")->type_name("DIR");
  app.add_option("--positions", options.positions, "rows P of lista, 16384 unless given")->type_name("P");
  app.add_option("--atom-dim", options.atom_dim, "length d of features and atoms of lista, 256 unless given")
      ->type_name("D");
  app.add_option("--atoms", options.atoms, "atoms K of lista, 512 unless given")->type_name("K");
  app.add_option("--iterations", options.iterations, "iterations T of lista, 16 unless given")->type_name("T");
}

}  // namespace

void add_benchmark(CLI::App& app) {
  const auto options = std::make_shared<BenchmarkArguments>();
  add_model_options(app, options->source);
  add_stage_options(app, *options);
  app.add_option("--repeats", options->repeats, "timed runs of each pass")->type_name("R")->capture_default_str();
  app.add_option("--warmup", options->warmup, "runs before them")->type_name("W")->capture_default_str();
  app.add_flag("--layers", options->layers, "also the time by layer and operation, in further runs");
  app.add_option("--input", options->input,
                 "safetensors to run on in place of made-up numbers: input [N,C,H,W]; lista: features [P,d], "
                 "dictionary [d,K], lipschitz, threshold [P,K], cotangent [P,K]")
      ->type_name("FILE");
  app.add_option("--out", options->out, "safetensors for what came out: reconstruction; lista: code and gradients")
      ->type_name("FILE");
  add_engine_option(app, options->engine);
  add_json_option(app, options->json);
  add_overwrite_option(app, options->overwrite);
  add_compute_options(app, options->compute);
  app.callback([options] {
    tasks::carry_out(options->json, options->overwrite,
                     [options] { return tasks::benchmark(*options, this_program().stages); },
                     {{"--out", options->out}});
  });
}

}  // namespace sscvae::cli
