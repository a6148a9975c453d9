#include <CLI/CLI.hpp>

#include "sscvae/command.h"
#include "sscvae/core/options.h"
#include "sscvae/core/text.h"
#include "sscvae/restore_options.h"
#include "sscvae/tasks/data_tools.h"

namespace sscvae::cli {

namespace {

template <class Base>
struct With : Base {
  std::string json;
};

void add_synth(CLI::App& app) {
  const auto options = std::make_shared<With<tasks::SynthOptions>>();
  app.add_option("--kind", options->kind, "speckle (ultrasound-like), leaves (dead leaves) or mixed")
      ->type_name("NAME")
      ->capture_default_str();
  app.add_option("--count", options->count, "how many images")->type_name("N")->capture_default_str();
  app.add_option("--size", options->size, "height x width")->type_name("HxW")->capture_default_str();
  app.add_option("--channels", options->channels, "1 or 3")->type_name("N")->capture_default_str();
  app.add_option("--seed", options->seed, "image i depends on seed and i alone")->type_name("N")->capture_default_str();
  app.add_option("--out", options->out, "folder")->type_name("DIR")->required();
  add_json_option(app, options->json);
  add_overwrite_option(app, options->overwrite);
  app.callback([options] {
    tasks::carry_out(options->json, options->overwrite, [options] { return tasks::synthesise(*options); });
  });
}

void add_noise(CLI::App& app) {
  const auto options = std::make_shared<With<tasks::NoiseCopyOptions>>();
  app.add_option("input", options->inputs, "images, folders or patterns; - : standard input")
      ->type_name("IN")
      ->required();
  app.add_option("--out", options->out, "folder; names and tree as in the input; - : one result to standard output")
      ->type_name("DIR|-")
      ->required();
  app.add_option("--noise", options->noise, "gaussian, or speckle of log-compressed ultrasound")
      ->type_name("KIND")
      ->capture_default_str();
  add_level_option(app, "--sigma-8bit", options->sigma_8bit, 255,
                   "standard deviation in grey levels of 0 to 255 (default: " + to_text(options->sigma_8bit) + ")");
  app.add_option("--seed", options->seed, "of every image (numpy's legacy generator)")
      ->type_name("N")
      ->capture_default_str();
  app.add_flag("--clip", options->clip, "clip to [0,1] (PNGs are clipped in any case)");
  app.add_option("--bit-depth", options->bit_depth, "8 or 16 bit PNG (default: the input's)")->type_name("N");
  app.add_option("--format", options->format,
                 "png, or safetensors: exact values as 'input', the clean image as 'target'")
      ->type_name("NAME")
      ->capture_default_str();
  add_reading_options(app, options->reading);
  add_json_option(app, options->json);
  add_overwrite_option(app, options->overwrite);
  app.callback([options] {
    tasks::carry_out(
        options->json, options->overwrite, [options] { return tasks::make_noisy_copies(*options); },
        piped_output(options->out));
  });
}

/// A dataset as split and info name it: the options of the data section by their usual keys.
struct DatasetChoice {
  data::DataOptions data;
  std::vector<std::string> set;
  std::string json, out;
  bool overwrite = false;

  void add(CLI::App& app) {
    app.add_option("root", data.root, "root of the dataset")->type_name("ROOT")->required();
    app.add_option_function<std::string>(
           "--dataset", [this](const std::string& name) { set.push_back("dataset=\"" + name + "\""); },
           "layout, see 'sscvae list datasets' (default: folder)")
        ->type_name("NAME");
    app.add_option("--set", set, "any option of the data section: split=authors, seed=2, min_size=256, ...")
        ->type_name("KEY=VALUE")
        ->allow_extra_args(false);
    add_json_option(app, json);
    add_overwrite_option(app, overwrite);
  }
  data::DataOptions resolve() {
    Assignments values;
    for (const std::string& text : set) values.push_back(parse_assignment(text));
    assign(fields_of(data), values, "data");
    return data;
  }
};

void add_split(CLI::App& app) {
  const auto options = std::make_shared<DatasetChoice>();
  options->add(app);
  app.add_option("--out", options->out, "the manifest to write")->type_name("CSV")->required();
  app.callback([options] {
    tasks::carry_out(options->json, options->overwrite,
                     [options] { return tasks::make_split(options->resolve(), options->out, options->overwrite); },
                     {{"--out", options->out}});
  });
}

void add_info(CLI::App& app) {
  const auto options = std::make_shared<DatasetChoice>();
  options->add(app);
  app.callback([options] {
    tasks::carry_out(options->json, options->overwrite, [options] { return tasks::describe_data(options->resolve()); });
  });
}

constexpr Command kDataCommands[] = {
    {"synth", "make images: ultrasound-like speckle phantoms, dead leaves",
     "sscvae data synth --kind mixed --count 20 --size 256x256 --out images", add_synth},
    {"split", "write a dataset's split as a manifest",
     "sscvae data split images --set split=authors --set seed=1 --out split.csv", add_split},
    {"noise", "seeded noisy copies, as denoisers are compared on",
     "sscvae data noise images --sigma-8bit 25 --out noisy", add_noise},
    {"info", "what a dataset holds", "sscvae data info images --dataset folder", add_info},
};

}  // namespace

void add_data(CLI::App& app) {
  for (const Command& command : kDataCommands) {
    CLI::App* sub = app.add_subcommand(command.name, command.summary);
    sub->footer("Example:\n  " + std::string(command.example));
    command.add(*sub);
  }
  app.require_subcommand(1);
}

}  // namespace sscvae::cli
