#include "sscvae/train/trainer.h"

#include <CLI/CLI.hpp>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "sscvae-train/training.h"
#include "sscvae/command.h"
#include "sscvae/core/error.h"
#include "sscvae/core/progress.h"
#include "sscvae/core/text.h"
#include "sscvae/core/wording.h"
#include "sscvae/tasks/interrupt.h"
#include "sscvae/tasks/report.h"
#include "sscvae/workshop/libtorch.h"

namespace sscvae::cli {

namespace {

struct TrainArguments {
  std::string config, out, resume, json;
  std::vector<std::string> set;
  bool overwrite = false;
  runtime::ComputeOptions compute;
};

train::TrainRequest make_request(const TrainArguments& options) {
  std::vector<std::string> set = options.set;
  if (options.compute.precision != "auto") set.push_back("train.precision=\"" + options.compute.precision + "\"");
  if (!options.resume.empty()) {
    if (!options.config.empty() || !options.out.empty())
      throw UsageError("--resume RUN goes on with that run's own configuration: leave out --config and --out");
    return train::resume_request(options.resume, set);
  }
  if (options.out.empty()) throw UsageError("train: --out RUN is missing (or --resume RUN)");
  train::TrainRequest request;
  request.experiment = experiments::resolve_experiment(options.config, set);
  request.out = options.out;
  request.overwrite = options.overwrite;
  return request;
}

tasks::Report make_summary(const train::TrainRequest& request, const train::TrainSummary& summary) {
  std::string text = (summary.finished ? "finished after " : "stopped, --resume goes on, after ") +
                     share_text(summary.steps, summary.total_steps, "step") + " in " + duration_text(summary.seconds) +
                     format(", loss %.5g\n", summary.loss);
  std::map<std::string, double> validation;  // what the model does not have is left out
  for (const auto& [name, value] : summary.validation)
    if (!std::isnan(value)) validation[name] = value;
  for (const auto& [name, value] : validation) text += format("validation %-16s %.5g\n", name.c_str(), value);
  if (summary.best_step > 0)
    text +=
        format("best after step %lld, PSNR %.2f dB\n", static_cast<long long>(summary.best_step), summary.best_psnr_db);
  text += "weights " + summary.best.string() + "\nreport  " + summary.report.string() + "\n";
  return tasks::make_report(text, {{"out", request.out.string()},
                                   {"steps", summary.steps},
                                   {"total_steps", summary.total_steps},
                                   {"finished", summary.finished},
                                   {"seconds", summary.seconds},
                                   {"loss", tasks::json_number(summary.loss)},
                                   {"best_psnr_db", tasks::json_number(summary.best_psnr_db)},
                                   {"best_step", summary.best_step},
                                   {"validation", tasks::json_numbers(validation)},
                                   {"last", summary.last.string()},
                                   {"best", summary.best.string()},
                                   {"report", summary.report.string()}});
}

tasks::Report run(const TrainArguments& options) {
  train::TrainRequest request = make_request(options);
  const runtime::Compute compute = runtime::resolve_compute(options.compute);
  workshop::expect_repeated_shapes(compute);
  request.device = compute.device;
  request.keep_going = [](int64_t) { return !tasks::interrupted(); };
  tasks::Report report = make_summary(request, train::train(request));
  report.interrupted = tasks::interrupted();
  return report;
}

}  // namespace

void add_train(CLI::App& app) {
  const auto options = std::make_shared<TrainArguments>();
  options->compute.backend = this_program().backend;
  app.add_option("--config", options->config, "a TOML file, the name of a preset, or one of the authors' JSON files")
      ->type_name("FILE|NAME");
  app.add_option("--set", options->set,
                 "key=value on top of the configuration, see 'sscvae config --explain'; may be repeated")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  app.add_option("--out", options->out, "folder of the run")->type_name("RUN");
  app.add_option("--resume", options->resume, "go on with this run exactly where it stopped")->type_name("RUN");
  add_json_option(app, options->json);
  add_overwrite_option(app, options->overwrite);
  app.add_option("--threads", options->compute.threads, "processor threads; 0: as many as there are")->type_name("N");
  app.add_flag("--deterministic", options->compute.deterministic,
               "the same bits whatever --threads says: computes on one thread; CUDA: deterministic algorithms");
  app.add_option("--device", options->compute.device, "auto, cpu, cuda or cuda:<index>")
      ->type_name("DEVICE")
      ->capture_default_str();
  app.add_option("--precision", options->compute.precision, "auto (as configured), fp32 or bf16")
      ->type_name("NAME")
      ->capture_default_str();
  add_tf32_option(app, options->compute);
  app.callback([options] { tasks::carry_out(options->json, options->overwrite, [options] { return run(*options); }); });
}

}  // namespace sscvae::cli
