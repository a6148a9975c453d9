#include "sscvae/tasks/restore.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "sscvae/array/array.h"
#include "sscvae/array/reductions.h"
#include "sscvae/core/atomic_file.h"
#include "sscvae/core/error.h"
#include "sscvae/core/log.h"
#include "sscvae/core/output_files.h"
#include "sscvae/core/progress.h"
#include "sscvae/core/text.h"
#include "sscvae/core/wording.h"
#include "sscvae/image/image.h"
#include "sscvae/image/metadata.h"
#include "sscvae/image/noise.h"
#include "sscvae/image/noise_level.h"
#include "sscvae/image/temper.h"
#include "sscvae/metrics/protocol.h"
#include "sscvae/runtime/noise_range.h"
#include "sscvae/tasks/code_json.h"
#include "sscvae/tasks/earlier_figures.h"
#include "sscvae/tasks/interrupt.h"
#include "sscvae/tasks/novelty_check.h"
#include "sscvae/tasks/outputs.h"
#include "sscvae/tasks/reading.h"
#include "sscvae/tasks/reference_images.h"
#include "sscvae/tasks/restore_settings.h"

namespace sscvae::tasks {

namespace fs = std::filesystem;

namespace {

std::string cell(const Json& json, const char* key, const char* pattern) {
  if (!json.contains(key)) return "";
  return json[key].is_number() ? number_text(pattern, json[key].get<double>()) : json[key].get<std::string>();
}

double quality(Json& json, const std::string& key_prefix, const Array& original, const Array& result) {
  const auto values = metrics::compare_images(original, result, metrics::protocols().front(), {"psnr", "ssim"});
  json[key_prefix + "psnr_db"] = json_number(values.at("psnr"));
  json[key_prefix + "ssim"] = json_number(values.at("ssim"));
  return values.at("psnr");
}

/// One image on its way through a command.
struct Item {
  const ImageJob& job;
  const StoredImage& file;
  image::Image picture;  // with the model's channels
  Array input;           // what the model is to see, [C,H,W]
  Json& json;
  NoveltyCheck& novelty;
};

using Process = std::function<Array(Item& item, runtime::Inference& inference)>;

bool is_named_jpeg(const fs::path& path) {
  const std::string extension = path.extension().string();
  return extension.size() > 1 && (extension[1] == 'j' || extension[1] == 'J');
}

/// A PNG stays one under another name: a JPEG would cost it depth and opacity that nobody asked to give up.
image::FileFormat result_format(const RestoreOptions& options, const ImageJob& job, const image::Image& original) {
  if (is_standard_output(job.output) && options.format != "keep")
    return options.format == "jpg" ? image::FileFormat::kJpeg : image::FileFormat::kPng;
  if (is_standard_output(job.output)) return original.format;
  const bool stays_png = options.format == "keep" && original.format == image::FileFormat::kPng;
  return is_named_jpeg(job.output) && !stays_png ? image::FileFormat::kJpeg : image::FileFormat::kPng;
}

void process_image(const RestoreOptions& options, const ImageJob& job, InputReader& reader,
                   runtime::Inference& inference, const Process& process, NoveltyCheck& novelty, Json& json) {
  StoredImage input = reader.read_stored(job.input, image::Alpha::kKeep);
  image::Image& original = input.stored;
  const image::FileFormat format = result_format(options, job, original);
  const bool jpeg = format == image::FileFormat::kJpeg, loses_alpha = jpeg && !original.alpha.empty();
  if (loses_alpha) image::blend_over_black(original);
  Item item{job, input, image::with_channels(input.picture(), inference.channels()), {}, json, novelty};
  item.input = image::to_array(item.picture);
  json["input"] = job.input.string();
  json["output"] = job.output.string();
  json["width"] = original.width;
  json["height"] = original.height;
  json["input_channels"] = original.channels;
  json["channels"] = inference.channels();
  json["bit_depth"] = original.bit_depth;
  json["range"] = {input.range.low, input.range.high};
  if (!original.remarks.empty()) json["remarks"] = original.remarks;
  json["tile"] = inference.tile_for(original.height, original.width);
  const Array result = process(item, inference);
  const int depth = jpeg ? 8 : original.bit_depth;
  const image::ValueRange units = depth == original.bit_depth ? input.range : image::full_range(depth);
  const bool stays_full = units == image::full_range(depth);
  image::Image picture = image::from_array(result, stays_full ? depth : 16);
  if (!stays_full) picture = image::in_units_of(picture, units, depth);
  std::vector<std::string> lost = image::carry_over(original, picture, format);
  if (loses_alpha) lost.push_back("opacity");
  if (!lost.empty()) json["lost"] = lost;
  json["format"] = jpeg ? "jpg" : "png";
  if (job.output.has_parent_path()) create_folder(job.output.parent_path());
  image::write_image(job.output, picture, format);
}

/// Notes what results could not keep, and those whose names say another format.
void note_files(const Json& images) {
  std::map<std::string, size_t> lost;
  size_t misnamed = 0;
  for (const Json& image : images) {
    for (const Json& what : image.value("lost", Json::array())) ++lost[what.get<std::string>()];
    misnamed += image["format"] == "png" && is_named_jpeg(image["output"].get<std::string>());
  }
  for (const auto& [what, count] : lost)
    note(share_text(count, images.size(), "result") + " could not keep the " + what + " of the input");
  if (misnamed > 0)
    note(share_text(misnamed, images.size(), "file") +
         agreeing(misnamed, " is named as a JPEG and holds a PNG; so does its result",
                  " are named as JPEGs and hold PNGs; so do their results"));
}

void note_channels(const Json& images, int64_t channels) {
  size_t different = 0;
  for (const Json& image : images) different += image["input_channels"] != channels;
  if (different > 0)
    note(share_text(different, images.size(), "image") + agreeing(different, " was", " were") +
         " converted to the model's " +
         (channels == 1 ? "grey (0.299 R + 0.587 G + 0.114 B)" : "three channels (grey repeated)"));
}

ImagePlan plan_of(const RestoreOptions& options) {
  return plan_images(options.inputs, {options.out, extension_of_format(options.format), options.overwrite,
                                      options.skip_existing, options.novelty_maps});
}

/// What came of the images of a plan.
struct Results {
  explicit Results(size_t total) : broken(total) {}
  Json images = Json::array();
  BrokenImages broken;
  bool interrupted = false;
};

Results process_all(const RestoreOptions& options, const std::vector<ImageJob>& jobs, runtime::Inference& inference,
                    const std::string& command, const Process& process, NoveltyCheck& novelty) {
  InputReader reader(options.reading);
  Results results(jobs.size());
  Progress progress(command, static_cast<int64_t>(jobs.size()), "image");
  for (size_t i = 0; i < jobs.size() && !results.interrupted; ++i) {
    progress.update(static_cast<int64_t>(i), jobs[i].name);
    Json json{{"name", jobs[i].name}};
    try {
      process_image(options, jobs[i], reader, inference, process, novelty, json);
      novelty.count(json);
      results.images.push_back(std::move(json));
    } catch (const std::exception& error) {
      const bool ours = dynamic_cast<const Error*>(&error) != nullptr;
      if (!ours || describe_failure(error).code == ExitCode::kUsage) throw;
      results.broken.add(jobs[i].name, error);
    }
    results.interrupted = interrupted() && i + 1 < jobs.size();
  }
  if (!results.interrupted) progress.update(static_cast<int64_t>(jobs.size()));
  return results;
}

using Columns = std::vector<std::array<const char*, 3>>;

/// The images as a table; what a model does not have is no column.
std::string table_of(const Json& images, const Columns& columns) {
  std::vector<std::vector<std::string>> rows{{"image", "size"}};
  Columns present;
  for (const auto& column : columns)
    if (std::any_of(images.begin(), images.end(), [&](const Json& image) { return image.contains(column[1]); }))
      present.push_back(column);
  for (const auto& column : present) rows[0].push_back(column[0]);
  for (const Json& image : images) {
    rows.push_back({image["name"], format("%dx%d", image["width"].get<int>(), image["height"].get<int>())});
    for (const auto& column : present) rows.back().push_back(cell(image, column[1], column[2]));
  }
  return text_table(rows);
}

Report run_images(const RestoreOptions& options, const ImagePlan& plan, runtime::Inference& inference,
                  const Json& settings, const std::string& command, const Process& process, const Columns& columns) {
  NoveltyCheck novelty(options.novelty_maps, options.inference.threshold_scale, inference);
  Json json{{"command", command}, {"weights_sha256", inference.opened().sha256}, {"settings", settings}};
  const Json earlier = options.earlier.empty() ? Json() : read_earlier_report(options.earlier, json);
  record_plan(plan, options.out, options.novelty_maps);
  Results results = process_all(options, plan.jobs, inference, command, process, novelty);
  Json& images = results.images;
  note_channels(images, inference.channels());
  note_files(images);
  novelty.warn_of_unusual(images.size());
  if (images.empty() && plan.skipped.empty() && !results.interrupted) throw results.broken.failure().value();

  Json skipped = Json::array();
  for (const ImageJob& job : plan.skipped)
    skipped.push_back({{"name", job.name}, {"input", job.input.string()}, {"output", job.output.string()}});
  std::string text = images.empty() ? "" : table_of(images, columns);
  if (!skipped.empty())
    text += count_text(skipped.size(), "image") + " skipped, " +
            agreeing(skipped.size(), "its result was", "their results were") + " there\n";
  add_earlier_results(images, earlier, plan.skipped);
  json.update({{"weights", options.source.weights},
               {"model", inference.opened().experiment.options.model.name},
               {"compute", inference.text()},
               {"protocol", metrics::protocols().front().name},
               {"interrupted", results.interrupted},
               {"broken", results.broken.count()},
               {"skipped", std::move(skipped)},
               {"images", std::move(images)}});
  Report report = make_report(std::move(text), std::move(json));
  report.interrupted = results.interrupted;  // that ended the run; what was broken was named when it happened
  if (!report.interrupted) report.failure = results.broken.failure();
  return report;
}

void add_code(Item& item, const runtime::InferenceResult& result) {
  if (!result.code.empty()) item.json.update(to_json(result.code.value()));
  item.novelty.add(item.job.map, result, item.json);
  item.json["seconds"] = result.seconds;
}

/// Warns where weights are for denoising and the command is not, or the other way round.
void warn_of_other_task(const runtime::Inference& inference, const std::string& weights, bool denoises) {
  const experiments::Task trained = inference.opened().experiment.options.task;
  if ((trained == experiments::Task::kDenoise) != denoises)
    warn("'" + weights + "' was trained to " + choice_names<experiments::Task>().at(static_cast<size_t>(trained)) +
         ", not to " + (denoises ? "denoise" : "reconstruct"));
}

}  // namespace

Report reconstruct(const RestoreOptions& options) {
  const ImagePlan plan = plan_of(options);
  runtime::Inference inference(options.source, options.inference);
  warn_of_other_task(inference, options.source.weights, false);
  const Process process = [](Item& item, runtime::Inference& model) {
    const runtime::InferenceResult result = model.run(item.input);
    quality(item.json, "", item.input, result.reconstruction);
    add_code(item, result);
    return result.reconstruction;
  };
  return run_images(options, plan, inference, settings_of(options), "reconstruct", process,
                    {{"PSNR dB", "psnr_db", "%.2f"},
                     {"SSIM", "ssim", "%.4f"},
                     {"nnz", "nnz", "%.2f"},
                     {"codes used", "codes_used", "%.3f"},
                     {"KL bits", "kl_bits", "%.1f"},
                     {"zeros", "zero_fraction", "%.4f"},
                     {"Hoyer", "hoyer", "%.3f"},
                     {"unusual", "unusual_share", "%.3f"},
                     {"seconds", "seconds", "%.2f"}});
}

Report denoise(const DenoiseOptions& options) {
  const bool automatic = options.sigma_8bit == "auto";
  const double given = automatic ? 0 : runtime::parse_sigma(options.sigma_8bit);
  if (options.seed < 0 || options.seed > 0xffffffffLL) throw UsageError("--seed: expected 0 to 4294967295");
  if (!(options.add_noise_8bit >= 0) || options.add_noise_8bit > 255)
    throw UsageError("--add-noise: expected a number from 0 to 255, got " + to_text(options.add_noise_8bit));
  const auto added = parse_choice<image::Noise>("--noise", options.noise);
  const ImagePlan plan = plan_of(options);
  const ReferenceImages references(options.reference, plan.jobs);
  runtime::Inference inference(options.source, options.inference);
  warn_of_other_task(inference, options.source.weights, true);
  const runtime::NoiseRange range = runtime::trained_range(inference.opened());
  const bool told = inference.set_noise_level({}) && !automatic;
  if (!automatic && !range.contains(given))
    warn(format("'%s' was trained with noise of %s grey levels, not %g", options.source.weights.c_str(),
                range.text().c_str(), given));
  runtime::LevelCheck levels(options.source.weights, range);

  const Process process = [&](Item& item, runtime::Inference& model) {
    Array clean;
    if (!references.empty()) clean = references.of(item.job, item.file, item.input, options.reading);
    else if (options.add_noise_8bit > 0) clean = item.input;
    Array noisy = item.input;
    if (options.add_noise_8bit > 0)
      noisy = image::add_noise(added, item.input, options.add_noise_8bit, static_cast<uint32_t>(options.seed),
                               options.clip);
    const double sigma = automatic ? image::estimate_sigma_8bit(noisy) : given;
    const double level = runtime::level_for_weights(noisy, sigma),
                 factor = told ? 1 : runtime::contrast_factor(level, range);
    if (automatic || range.contains(sigma)) levels.add(item.job.name, sigma, level);
    if (!automatic) model.set_noise_level(sigma * factor);
    const double middle = mean(noisy);
    runtime::InferenceResult result = model.run(factor == 1 ? noisy : middle + (noisy - middle) * factor);
    if (factor != 1)
      result.reconstruction =
          image::temper(noisy, middle + (result.reconstruction - middle) / factor, sigma, automatic);
    item.json.update({{"sigma_8bit", sigma}, {"sigma_estimated", automatic}, {"contrast_factor", factor}});
    if (clean.defined()) quality(item.json, "noisy_", clean, noisy);
    if (clean.defined()) quality(item.json, "", clean, result.reconstruction);
    add_code(item, result);
    return result.reconstruction;
  };
  Report report = run_images(options, plan, inference, settings_of(options), "denoise", process,
                             {{automatic ? "sigma (estimated)" : "sigma", "sigma_8bit", "%.2f"},
                              {"noisy PSNR dB", "noisy_psnr_db", "%.2f"},
                              {"PSNR dB", "psnr_db", "%.2f"},
                              {"SSIM", "ssim", "%.4f"},
                              {"nnz", "nnz", "%.2f"},
                              {"codes used", "codes_used", "%.3f"},
                              {"unusual", "unusual_share", "%.3f"},
                              {"seconds", "seconds", "%.2f"}});
  if (const std::string warning = levels.warning(); !warning.empty()) warn(warning);
  return report;
}

}  // namespace sscvae::tasks
