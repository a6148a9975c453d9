#include "sscvae/tasks/calibrate.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "sscvae/array/array.h"
#include "sscvae/core/error.h"
#include "sscvae/core/progress.h"
#include "sscvae/core/text.h"
#include "sscvae/core/wording.h"
#include "sscvae/image/image.h"
#include "sscvae/image/noise.h"
#include "sscvae/image/patches.h"
#include "sscvae/runtime/novelty.h"
#include "sscvae/runtime/weights_file.h"
#include "sscvae/serialization/safetensors.h"
#include "sscvae/tasks/interrupt.h"
#include "sscvae/tasks/outputs.h"

namespace sscvae::tasks {

namespace {

constexpr int64_t kCalibrationSide = 512;
constexpr double kGoldenRatio = 0.6180339887498949;

/// Levels spread over the trained range, low ones closer together (there codes are densest and differ most), so that
/// neighbours in the list get different ones.
double level_of(size_t index, const data::NoiseOptions& noise) {
  if (noise.sigma_8bit_max <= noise.sigma_8bit) return noise.sigma_8bit;
  const double turns = static_cast<double>(index) * kGoldenRatio, position = turns - std::floor(turns);
  return noise.sigma_8bit + (noise.sigma_8bit_max - noise.sigma_8bit) * position * position;
}

/// The codes of the middles of the images, with the noise that the weights were trained with.
std::vector<Array> codes_of(const SelectedImages& images, const ReadingOptions& reading, runtime::Inference& inference,
                            BrokenImages& broken) {
  const experiments::ExperimentOptions& trained = inference.opened().experiment.options;
  const data::NoiseOptions& noise = trained.data.noise;
  InputReader reader(reading, images.data);
  std::vector<Array> codes;
  Progress progress("calibrate", static_cast<int64_t>(images.paths.size()), "image");
  for (size_t i = 0; i < images.paths.size(); ++i) {
    stop_if_interrupted();
    const auto index = static_cast<int64_t>(i);
    Array image;
    try {
      image = image::to_array(image::with_channels(reader.read(images.path(i)), inference.channels()));
    } catch (const Error& error) {
      broken.add(images.paths[i], error);
      continue;
    }
    image = image::middle_of(image, kCalibrationSide).contiguous();
    if (trained.task == experiments::Task::kDenoise)
      image = image::add_noise(noise.kind_of(index), image, level_of(i, noise), 0, noise.clips(index));
    codes.push_back(inference.code(image));
    progress.update(static_cast<int64_t>(i + 1));
  }
  return codes;
}

}  // namespace

Report calibrate(const CalibrateOptions& options) {
  runtime::Inference inference(options.source, {.compute = options.compute});
  if (inference.model().code_kind() != runtime::CodeKind::kSparse)
    throw UsageError("calibrate: model " + inference.model().options().name + " has no sparse code");
  SelectedImages images = select_images(options.images, inference.opened().experiment.options.data, "val");
  take_spread(images, options.images.limit);
  BrokenImages broken(images.paths.size());
  const std::vector<Array> codes = codes_of(images, options.reading, inference, broken);
  if (codes.empty()) throw broken.failure().value();
  const metrics::CodeModel learned = metrics::fit_code_model(codes);
  const std::string path = runtime::find_weights(options.source.weights);
  serialization::TensorFile file = serialization::read_safetensors(path);  // with what a checkpoint needs to go on
  file.metadata[runtime::kConfigKey] = runtime::metadata_for_others(inference.opened()).at(runtime::kConfigKey);
  file.metadata[runtime::kNoveltyKey] = runtime::text_of(learned);
  serialization::write_safetensors(options.out, file.tensors, file.metadata);
  Json json{{"weights", path},
            {"out", options.out},
            {"images", codes.size()},
            {"broken", broken.count()},
            {"root", images.data.root},
            {"part", images.part},
            {"split_sha256", images.manifest.hash()},
            {"position_limit_bits", learned.position_limit},
            {"image_limit", learned.image_limit}};
  Report report =
      make_report(options.out + ": learned from " + count_text(codes.size(), "image") +
                      format("; one is unusual where more than %.1f %% of its code costs more than %.0f bits\n",
                             100 * learned.image_limit, learned.position_limit),
                  std::move(json));
  report.failure = broken.failure();
  return report;
}

}  // namespace sscvae::tasks
