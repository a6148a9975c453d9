#include "sscvae/tasks/demo.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "sscvae/core/atomic_file.h"
#include "sscvae/core/error.h"
#include "sscvae/core/log.h"
#include "sscvae/core/output_files.h"
#include "sscvae/core/random.h"
#include "sscvae/core/text.h"
#include "sscvae/core/wording.h"
#include "sscvae/data/split.h"
#include "sscvae/image/image.h"
#include "sscvae/image/synthetic.h"
#include "sscvae/tasks/demo_report.h"
#include "sscvae/tasks/demo_shipped.h"
#include "sscvae/tasks/interrupt.h"
#include "sscvae/train/run_folder.h"

namespace sscvae::tasks {

namespace fs = std::filesystem;

namespace {

constexpr int64_t kSide = 256, kTrainImages = 48, kValidationImages = 4, kTestImages = 6;
constexpr double kReconstructShare = 0.58, kSigma = 25;
constexpr int64_t kWarmSteps = 4, kTimedSteps = 20, kFewestSteps = 30;
constexpr double kTimedSeconds = 6;

bool holds_nothing(const fs::path& folder) {
  std::error_code error;
  return !fs::exists(folder, error) || fs::is_empty(folder, error);
}

/// Speckle and dead leaves alternating, and the manifest that says which is for what.
data::SplitManifest make_images(const fs::path& root) {
  data::SplitManifest manifest;
  create_folder(root);
  for (int64_t i = 0; i < kTrainImages + kValidationImages + kTestImages; ++i) {
    stop_if_interrupted();
    const uint64_t seed = derive_seed(1, "demo", static_cast<uint64_t>(i));
    const bool speckle = i % 2 == 0;
    const std::string name = format("%s_%02d.png", speckle ? "speckle" : "leaves", static_cast<int>(i));
    image::write_image(
        root / name, speckle ? image::speckle_phantom(seed, kSide, kSide) : image::dead_leaves(seed, kSide, kSide, 1));
    const std::string part = i < kTrainImages ? "train" : i < kTrainImages + kValidationImages ? "val" : "test";
    manifest.rows.push_back({name, part, speckle ? "speckle" : "leaves"});
  }
  manifest.sort();
  return manifest;
}

train::TrainRequest make_request(const DemoOptions& options, const std::string& task, int64_t steps) {
  const fs::path root(options.out);
  train::TrainRequest request;
  request.experiment = train::resolve_experiment(
      "demo", {"task=\"" + task + "\"", "data.root=" + to_toml(OptionValue((root / "images").string())),
               "data.split=\"manifest\"", "data.manifest=" + to_toml(OptionValue((root / "split.csv").string())),
               "train.steps=" + std::to_string(steps)});
  request.out = root / task;
  request.overwrite = true;
  request.device = resolve_compute(options.compute).device.str();
  request.keep_going = [](int64_t) { return !interrupted(); };
  return request;
}

/// Steps a second, from a few real ones.
double measure_rate(const DemoOptions& options) {
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
    return seconds < kTimedSeconds && !interrupted();
  };
  const int64_t steps = train::train(request).steps - kWarmSteps;
  train::RunFolder(request.out).clear();
  std::error_code ignored;
  fs::remove(request.out, ignored);  // where nothing else is in it
  stop_if_interrupted();
  return seconds > 0 && steps > 0 ? static_cast<double>(steps) / seconds : 1;
}

DemoRun train_one(const DemoOptions& options, const std::string& task, double rate, double share) {
  const auto steps = static_cast<int64_t>(std::llround(rate * share * options.minutes * 60));
  train::TrainRequest request = make_request(options, task, std::max(kFewestSteps, steps));
  request.experiment.options.train.max_minutes =
      1.25 * share * options.minutes;  // where the machine slows down meanwhile
  note("training a small SSC-VAE to " + task + ": " + count_text(std::max(kFewestSteps, steps), "step"));
  DemoRun run{request.out, train::train(request)};
  stop_if_interrupted();
  return run;
}

void note_shipped(const Json& shipped, const fs::path& path) {
  for (const Json& row : shipped)
    note(format("%s, %s: PSNR %.2f dB, %.0f %% of the code zero, %.2f s", row["weights"].get<std::string>().c_str(),
                row["image"].get<std::string>().c_str(), row["psnr_db"].get<double>(),
                100 * row["zero_fraction"].get<double>(), row["seconds"].get<double>()));
  if (!shipped.empty()) note("a first report with the weights that come with the program: " + path.string());
}

std::string summary_of(const DemoPage& page, const Json& mean) {
  std::string text = "trained for " + count_text(page.reconstruct.summary.steps, "step") + " to reconstruct and " +
                     std::to_string(page.denoise.summary.steps) + " to denoise\n";
  text += format("reconstruction of %zu test images: PSNR %.2f dB, SSIM %.4f, %.1f non-zeros per position\n",
                 page.test_images.size(), mean["psnr_db"].get<double>(), mean["ssim"].get<double>(),
                 mean["nnz"].get<double>());
  text += format("denoising, sigma %.0f: PSNR %.2f dB -> %.2f dB\n", kSigma, mean["noisy_psnr_db"].get<double>(),
                 mean["denoised_psnr_db"].get<double>());
  return text;
}

}  // namespace

Report demo(const DemoOptions& options) {
  if (!(options.minutes > 0) || options.minutes > 1440)
    throw UsageError("--minutes: expected a number above 0, at most 1440");
  const fs::path root(options.out);
  if (!options.overwrite && !holds_nothing(root))
    throw UsageError("--out '" + options.out + "' is not empty; --overwrite replaces what it holds");
  check_folder_writable(root);
  refuse_links("--out", root, {"images", "speed", "reconstruct", "denoise"});
  create_folder(root);
  note("making " + count_text(kTrainImages + kValidationImages + kTestImages, "image") + " in " +
       (root / "images").string());
  const data::SplitManifest manifest = make_images(root / "images");
  data::write_manifest(root / "split.csv", manifest);

  const fs::path path = root / "report.html";
  report::HtmlReport html("SSC-VAE in two minutes", "sparse coding of images that this program made itself");
  const Json shipped =
      show_shipped_weights(root / "images", manifest.paths("test"), kSigma, root / "results", options.compute, html);
  html.write(path);
  note_shipped(shipped, path);

  const double rate = measure_rate(options);
  DemoPage page;
  page.images = root / "images";
  page.test_images = manifest.paths("test");
  page.reconstruct = train_one(options, "reconstruct", rate, kReconstructShare);
  page.denoise = train_one(options, "denoise", rate, 1 - kReconstructShare);
  page.sigma_8bit = kSigma;
  page.results = root / "results";
  page.compute = options.compute;
  Json json = show_demo_runs(page, html);
  html.write(path);
  json["shipped"] = shipped;
  json["report"] = path.string();
  const std::string text = summary_of(page, json["mean"]);
  return make_report(text + path.string(), std::move(json));
}

}  // namespace sscvae::tasks
