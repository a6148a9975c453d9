#include "sscvae/tasks/evaluate.h"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "sscvae/array/array.h"
#include "sscvae/array/draws.h"
#include "sscvae/array/elementwise.h"
#include "sscvae/core/atomic_file.h"
#include "sscvae/core/error.h"
#include "sscvae/core/log.h"
#include "sscvae/core/progress.h"
#include "sscvae/core/text.h"
#include "sscvae/core/wording.h"
#include "sscvae/data/pairs.h"
#include "sscvae/data/registry.h"
#include "sscvae/image/image.h"
#include "sscvae/image/noise.h"
#include "sscvae/image/patches.h"
#include "sscvae/metrics/protocol.h"
#include "sscvae/tasks/earlier_figures.h"
#include "sscvae/tasks/evaluation_meters.h"
#include "sscvae/tasks/interrupt.h"
#include "sscvae/tasks/outputs.h"
#include "sscvae/tasks/reading.h"
#include "sscvae/tasks/restore_settings.h"
#include "sscvae/tasks/summary.h"
#include "sscvae/tasks/window_runs.h"

namespace sscvae::tasks {

namespace {

/// What is evaluated on what, all choices made.
struct Plan : SelectedImages {
  std::vector<std::string> input_paths;  // of pairs, else empty
  ReadingOptions reading;
  experiments::Task task = experiments::Task::kReconstruct;
  double sigma_8bit = 0;
  image::Noise noise = image::Noise::kGaussian;

  bool denoises() const { return task == experiments::Task::kDenoise; }
  bool enhances() const { return task == experiments::Task::kEnhance; }
  /// "25 grey levels of gaussian noise, " of a denoising task, else nothing.
  std::string noise_text() const {
    if (!denoises()) return "";
    return to_text(sigma_8bit) + " grey levels of " + choice_names<image::Noise>().at(static_cast<size_t>(noise)) +
           " noise, ";
  }
  const std::string& task_name() const { return choice_names<experiments::Task>().at(static_cast<size_t>(task)); }
};

experiments::Task task_of(const EvaluateOptions& options, const runtime::OpenedModel& opened) {
  if (options.task.empty()) return opened.experiment.options.task;
  return parse_choice<experiments::Task>("--task", options.task);
}

Plan make_plan(const EvaluateOptions& options, const runtime::OpenedModel& opened) {
  Plan plan;
  static_cast<SelectedImages&>(plan) = select_images(options.images, opened.experiment.options.data, "test");
  plan.task = task_of(options, opened);
  plan.reading = options.reading;
  if (plan.data.on_broken == data::OnBroken::kRefuse) plan.reading.strict = true;
  if (options.sigma_8bit >= 0 && !plan.denoises()) throw UsageError("--sigma-8bit belongs to --task denoise");
  if (!options.noise.empty() && !plan.denoises()) throw UsageError("--noise belongs to --task denoise");
  if (options.clip && !plan.denoises()) throw UsageError("--clip belongs to --task denoise");
  const data::NoiseOptions& trained = opened.experiment.options.data.noise;
  plan.noise = options.noise.empty() ? trained.kind_of(0) : parse_choice<image::Noise>("--noise", options.noise);
  plan.sigma_8bit = options.sigma_8bit >= 0 ? options.sigma_8bit : trained.sigma_8bit;
  if (plan.denoises() && options.sigma_8bit < 0 && trained.sigma_8bit_max > trained.sigma_8bit)
    throw UsageError("--sigma-8bit: the model learned every level from " + to_text(trained.sigma_8bit) + " to " +
                     to_text(trained.sigma_8bit_max) + ": give the level of the noise that is added");
  take_spread(plan, options.images.limit);
  if (plan.enhances()) plan.input_paths = data::input_paths(plan.data, plan.paths);
  return plan;
}

Array load(const std::filesystem::path& path, InputReader& reader, int64_t channels, int64_t side,
           const metrics::Protocol& protocol) {
  Array image = image::to_array(image::with_channels(reader.read(path), channels));
  if (side > 0) image = image::middle_of(image, side);
  return metrics::crop(protocol, image).contiguous();
}

/// The better image of a pair (the only one of other tasks) and the other one, of the same size.
struct Images {
  Array clean, other;
};

Images load_images(const Plan& plan, size_t index, InputReader& reader, int64_t channels, int64_t side,
                   const metrics::Protocol& protocol) {
  Images images;
  images.clean = load(plan.path(index), reader, channels, side, protocol);
  if (!plan.enhances()) return images;
  const std::filesystem::path path = data::input_root(plan.data) / plan.input_paths[index];
  images.other = load(path, reader, channels, side, protocol);
  if (images.other.sizes() != images.clean.sizes())
    throw FormatError("'" + path.string() + "' and '" + plan.paths[index] + "' differ in size: no pair");
  return images;
}

/// The noise of a protocol, image after image.
class NoiseSource {
 public:
  NoiseSource(const metrics::Protocol& protocol, image::Noise kind, double sigma_8bit)
      : protocol_(protocol), kind_(kind), sigma_8bit_(sigma_8bit), draws_(protocol.noise_seed) {}

  Array add_to(const Array& clean) {
    if (protocol_.noise == metrics::NoiseRule::kNumpyPerImage || kind_ == image::Noise::kSpeckle)
      return image::add_noise(kind_, clean, sigma_8bit_, protocol_.noise_seed, protocol_.clip_noisy_input);
    // Seeded once: the generator goes on from image to image.
    return clamp(clean + draws_.normal(clean.sizes()) * (sigma_8bit_ / 255.0), 0, 1);
  }

 private:
  const metrics::Protocol& protocol_;
  image::Noise kind_;
  double sigma_8bit_;
  Draws draws_;
};

std::vector<std::string> image_metric_names() {
  std::vector<std::string> names;
  for (const metrics::MetricEntry& entry : metrics::metric_entries())
    if (entry.needs == metrics::Needs::kImages) names.push_back(entry.name);
  return names;
}

std::vector<std::string> figure_names(const Plan& plan, runtime::CodeKind kind, double code_step) {
  std::vector<std::string> names = image_metric_names();
  if (plan.denoises()) names.push_back("noisy_psnr_db");
  if (plan.enhances()) names.push_back("input_psnr_db");
  runtime::CodeStatistics code;
  code.kind = kind;
  for (const auto& [name, value] : runtime::figures_of(code)) names.push_back(name);
  if (kind == runtime::CodeKind::kDiscrete || code_step > 0) names.push_back(kBitsPerPixel);
  names.push_back("seconds");
  return names;
}

Json plan_json(const Plan& plan, const EvaluateOptions& options, const runtime::Inference& inference,
               const metrics::Protocol& protocol) {
  const runtime::OpenedModel& opened = inference.opened();
  Json json{{"task", plan.task_name()},
            {"model", opened.experiment.options.model.name},
            {"profile", opened.experiment.options.profile},
            {"weights_sha256", opened.sha256},
            {"dataset", plan.data.dataset},
            {"root", plan.data.root},
            {"part", plan.part},
            {"split_sha256", plan.manifest.hash()},
            {"split_counts", plan.manifest.counts()},
            {"channels", inference.channels()},
            {"mode", options.mode},
            {"strength", options.inference.threshold_scale},
            {"code_step", options.inference.code_step},
            {"centre_crop", options.crop},
            {"range", range_setting(options.reading, plan.data)},
            {"tile", tile_setting(options.inference.tile)},
            {"compute", inference.text()},
            {"protocol", protocol_json(protocol)}};
  if (plan.denoises()) {
    json["sigma_8bit"] = plan.sigma_8bit;
    json["noise"] = choice_names<image::Noise>().at(static_cast<size_t>(plan.noise));
  }
  return json;
}

metrics::Protocol protocol_of(const EvaluateOptions& options, const std::string& dataset) {
  metrics::Protocol protocol = protocol_with_stride(options.protocol, options.stride, dataset);
  if (options.clip) protocol.clip_noisy_input = true;
  return protocol;
}

/// Refuses what can be refused before the model is read.
void check_evaluation(const EvaluateOptions& options) {
  if (options.mode != "eval" && options.mode != "train")
    throw UsageError("--mode: expected eval or train, got '" + options.mode + "'" +
                     suggestion(options.mode, {"eval", "train"}));
  protocol_with_stride(options.protocol, options.stride, data::dataset_names().front());
  if (options.crop < 0) throw UsageError("--crop: expected a number >= 0, got " + std::to_string(options.crop));
}

runtime::InferenceOptions inference_options(const EvaluateOptions& options) {
  runtime::InferenceOptions inference = options.inference;
  inference.train_mode = options.mode == "train";
  return inference;
}

/// The model on image after image, and what was measured so far.
class Evaluation {
 public:
  explicit Evaluation(const EvaluateOptions& options)
      : options_(options),
        inference_(options.source, inference_options(options)),
        plan_(make_plan(options, inference_.opened())),
        protocol_(protocol_of(options, plan_.data.dataset)),
        reader_(plan_.reading, plan_.data),
        noise_(protocol_, plan_.noise, plan_.sigma_8bit),
        columns_(figure_names(plan_, inference_.model().code_kind(), options.inference.code_step)),
        table_(columns_),
        groups_(plan_, columns_),
        sets_(options.features, plan_,
              format("protocol %s by %lld, %lld channels, centre %lld", protocol_.name.c_str(),
                     static_cast<long long>(protocol_.window_stride), static_cast<long long>(inference_.channels()),
                     static_cast<long long>(options.crop))),
        broken_(plan_.paths.size()) {
    settings_ = plan_json(plan_, options_, inference_, protocol_);
    go_on();
    check_writable(options.per_image, options.overwrite || earlier_.wrote(options.per_image));
  }

  void measure_all() {
    Progress progress("evaluate", static_cast<int64_t>(plan_.paths.size()), "image");
    for (size_t i = 0; i < plan_.paths.size(); ++i) {
      interrupted_ = interrupted_ || interrupted();
      const auto known = earlier_.of(plan_.paths[i], plan_.path(i));
      if (interrupted_ && !known) continue;  // what is known stays in the report
      // The noise of an image may depend on how many were there before it.
      const bool needs_image = !known || (plan_.denoises() && !interrupted_);
      leave_out_if_broken(i, [&] {
        std::optional<Images> images;
        if (needs_image) images = load_images(plan_, i, reader_, inference_.channels(), options_.crop, protocol_);
        if (known) take_over(plan_.paths[i], *known, images);
        else measure(plan_.paths[i], *images);
      });
      progress.update(static_cast<int64_t>(i + 1), format("PSNR %.2f dB", psnr_.value()));
    }
  }

  Report report() {
    if (table_.size() == 0 && interrupted_) throw Interrupted{};
    if (table_.size() == 0) throw broken_.failure().value();
    rate_.fill(table_);
    std::optional<Error> failure;
    if (!options_.per_image.empty())
      failure =
          write_or_keep(options_.per_image, table_.csv(), options_.overwrite || earlier_.wrote(options_.per_image));
    Json json = settings_;
    json["weights"] = options_.source.weights;
    if (!options_.per_image.empty()) json["per_image"] = options_.per_image;
    if (skipped_ > 0) json["skipped"] = skipped_;
    json["interrupted"] = interrupted_;
    json["broken"] = broken_.count();
    if (skipped_ == 0) json["windows"] = windows_;  // of earlier figures it is not known
    if (usage_.positions() > 0) json["code_usage"] = usage_json(usage_);
    json.update(table_.json());
    const std::string of_groups = groups_.finish(json), of_sets = interrupted_ ? "" : sets_.finish(json);
    const std::string head = format("%s: %s (%s), part %s, %sprotocol %s%s\n", plan_.task_name().c_str(),
                                    plan_.data.root.c_str(), plan_.data.dataset.c_str(), plan_.part.c_str(),
                                    plan_.noise_text().c_str(), protocol_.name.c_str(), window_text().c_str());
    Report report = make_report(head + table_.text(false) + of_groups + usage_text(usage_) + of_sets, std::move(json));
    report.failure = failure ? failure : broken_.failure();
    report.interrupted = interrupted_;
    return report;
  }

 private:
  /// An image that cannot be read, or that the weights make no numbers of, is named.
  void leave_out_if_broken(size_t index, const std::function<void()>& work) {
    try {
      work();
    } catch (const Error& error) {
      if (error.code() == ExitCode::kUsage || plan_.data.on_broken == data::OnBroken::kRefuse) throw;
      broken_.add(plan_.paths[index], error);
      sets_.leave_one_out();
    }
  }

  std::string window_text() const {
    if (protocol_.windows == metrics::WindowRule::kNone || skipped_ > 0) return "";
    return ", " + count_text(windows_, "window");
  }

  /// Looks for the figures of an interrupted evaluation.
  void go_on() {
    if (options_.earlier.empty()) return;
    const bool of_all = std::count(columns_.begin(), columns_.end(), kBitsPerPixel) > 0 || sets_.is_wanted() ||
                        inference_.model().code_kind() == runtime::CodeKind::kDiscrete;
    if (of_all)
      throw UsageError(
          "--skip-existing: FID and KID, the entropy of codes and the usage of a codebook need all images at once");
    earlier_ = EarlierFigures(options_.earlier, settings_);
  }

  void take_over(const std::string& path, const std::map<std::string, double>& known,
                 const std::optional<Images>& images) {
    if (images) noise_.add_to(images->clean);
    std::map<std::string, double> figures;
    for (const std::string& column : columns_)
      if (const auto found = known.find(metric_key(column)); found != known.end()) figures[column] = found->second;
    add(path, figures);
    ++skipped_;
  }

  void add(const std::string& path, const std::map<std::string, double>& figures) {
    if (const auto psnr = figures.find("psnr"); psnr != figures.end()) psnr_.add(psnr->second);
    table_.add(path, figures);
    groups_.add(path, figures);
  }

  void measure(const std::string& path, const Images& images) {
    const Array& clean = images.clean;
    const Array input = plan_.denoises() ? noise_.add_to(clean) : plan_.enhances() ? images.other : clean;
    const WindowsResult result = run_windows(inference_, protocol_, clean, input);
    std::vector<Array> originals, inputs, reconstructions;
    for (const MeasuredPart& part : result.parts) {
      originals.push_back(part.original);
      inputs.push_back(part.input);
      reconstructions.push_back(part.reconstruction);
      sets_.add(part.original, part.reconstruction, protocol_);
    }
    windows_ += result.windows;
    std::vector<std::string> notes;
    std::map<std::string, double> figures = compare_parts(originals, reconstructions, protocol_, measured_, &notes);
    for (const std::string& line : notes) note(path + ": " + line);
    if (!result.code.empty()) figures.merge(runtime::figures_of(result.code.value()));
    if (plan_.denoises() || plan_.enhances())
      figures[plan_.denoises() ? "noisy_psnr_db" : "input_psnr_db"] =
          compare_parts(originals, inputs, protocol_, {"psnr"}, nullptr).at("psnr");
    figures["seconds"] = result.seconds;
    add(path, figures);
    usage_.add(result.code.usage());
    rate_.add(result.code.symbols(), result.pixels);
  }

  const EvaluateOptions& options_;
  runtime::Inference inference_;
  Plan plan_;
  metrics::Protocol protocol_;
  InputReader reader_;
  NoiseSource noise_;
  std::vector<std::string> columns_, measured_ = measurable_metrics(image_metric_names());
  ImageTable table_;
  RunningMean psnr_;
  GroupTables groups_;
  SetMeter sets_;
  RateMeter rate_;
  metrics::CodeUsage usage_;
  Json settings_;
  EarlierFigures earlier_;
  size_t skipped_ = 0;
  BrokenImages broken_;
  int64_t windows_ = 0;
  bool interrupted_ = false;
};

}  // namespace

Report evaluate(const EvaluateOptions& options) {
  check_evaluation(options);
  Evaluation evaluation(options);
  evaluation.measure_all();
  return evaluation.report();
}

}  // namespace sscvae::tasks
