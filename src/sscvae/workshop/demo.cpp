#include "sscvae/workshop/demo.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "sscvae/core/log.h"
#include "sscvae/core/text.h"
#include "sscvae/core/wording.h"
#include "sscvae/data/split.h"
#include "sscvae/tasks/interrupt.h"
#include "sscvae/train/run_folder.h"
#include "sscvae/workshop/demo_report.h"

namespace sscvae::workshop {

namespace fs = std::filesystem;

namespace {

constexpr double kReconstructShare = 0.58;
constexpr int64_t kWarmSteps = 4, kTimedSteps = 20, kFewestSteps = 30;
constexpr double kTimedSeconds = 6;

train::TrainRequest make_request(const tasks::DemoOptions& options, const std::string& task, int64_t steps) {
  const fs::path root(options.out);
  train::TrainRequest request;
  request.experiment = experiments::resolve_experiment(
      "demo", {"task=\"" + task + "\"", "data.root=" + to_toml(OptionValue((root / "images").string())),
               "data.split=\"manifest\"", "data.manifest=" + to_toml(OptionValue((root / "split.csv").string())),
               "train.steps=" + std::to_string(steps)});
  request.out = root / task;
  request.overwrite = true;
  request.device = runtime::resolve_compute(options.compute).device;
  request.keep_going = [](int64_t) { return !tasks::interrupted(); };
  return request;
}

/// Steps a second, from a few real ones.
double measure_rate(const tasks::DemoOptions& options) {
  note("measuring this machine's speed");
  train::TrainRequest request = make_request(options, "denoise", kWarmSteps + kTimedSteps);
  request.experiment.options.train.validation_images = 0;
  request.experiment.options.train.preview_images = 0;
  request.out = fs::path(options.out) / "speed";
  std::chrono::steady_clock::time_point begin;
  double seconds = 0;
  request.keep_going = [&](int64_t step) {
    const auto now = std::chrono::steady_clock::now();
    if (step <= kWarmSteps) begin = now;
    seconds = std::chrono::duration<double>(now - begin).count();
    return seconds < kTimedSeconds && !tasks::interrupted();
  };
  const int64_t steps = train::train(request).steps - kWarmSteps;
  train::RunFolder(request.out).clear();
  std::error_code ignored;
  fs::remove(request.out, ignored);  // where nothing else is in it
  tasks::stop_if_interrupted();
  return seconds > 0 && steps > 0 ? static_cast<double>(steps) / seconds : 1;
}

DemoRun train_one(const tasks::DemoOptions& options, const std::string& task, double rate, double share) {
  const auto steps = static_cast<int64_t>(std::llround(rate * share * options.minutes * 60));
  train::TrainRequest request = make_request(options, task, std::max(kFewestSteps, steps));
  request.experiment.options.train.max_minutes =
      1.25 * share * options.minutes;  // where the machine slows down meanwhile
  note("training a small SSC-VAE to " + task + ": " + count_text(std::max(kFewestSteps, steps), "step"));
  DemoRun run{request.out, train::train(request)};
  tasks::stop_if_interrupted();
  return run;
}

std::string summary_of(const DemoPage& page, const tasks::Json& mean) {
  std::string text = "trained for " + count_text(page.reconstruct.summary.steps, "step") + " to reconstruct and " +
                     std::to_string(page.denoise.summary.steps) + " to denoise\n";
  text += format("reconstruction of %zu test images: PSNR %.2f dB, SSIM %.4f, %.1f non-zeros per position\n",
                 page.test_images.size(), mean["psnr_db"].get<double>(), mean["ssim"].get<double>(),
                 mean["nnz"].get<double>());
  text += format("denoising, sigma %.0f: PSNR %.2f dB -> %.2f dB\n", tasks::kDemoSigma,
                 mean["noisy_psnr_db"].get<double>(), mean["denoised_psnr_db"].get<double>());
  return text;
}

}  // namespace

tasks::Report demo(const tasks::DemoOptions& options) {
  const fs::path root(options.out);
  report::HtmlReport html = tasks::demo_page();
  const tasks::DemoStart start = tasks::start_demo(options, html);
  const data::SplitManifest& manifest = start.manifest;
  const fs::path& path = start.report;

  const double rate = measure_rate(options);
  DemoPage page;
  page.images = root / "images";
  page.test_images = manifest.paths("test");
  page.reconstruct = train_one(options, "reconstruct", rate, kReconstructShare);
  page.denoise = train_one(options, "denoise", rate, 1 - kReconstructShare);
  page.sigma_8bit = tasks::kDemoSigma;
  page.results = root / "results";
  page.compute = options.compute;
  tasks::Json json = show_demo_runs(page, html);
  html.write(path);
  json["shipped"] = start.shipped;
  json["report"] = path.string();
  const std::string text = summary_of(page, json["mean"]);
  return tasks::make_report(text + path.string(), std::move(json));
}

}  // namespace sscvae::workshop
