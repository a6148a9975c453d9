#include "sscvae/tasks/demo_shipped.h"

#include <nlohmann/json.hpp>

#include "sscvae/array/array.h"
#include "sscvae/array/elementwise.h"
#include "sscvae/core/atomic_file.h"
#include "sscvae/core/text.h"
#include "sscvae/image/image.h"
#include "sscvae/image/noise.h"
#include "sscvae/metrics/protocol.h"
#include "sscvae/report/colormap.h"
#include "sscvae/runtime/inference.h"
#include "sscvae/tasks/interrupt.h"

namespace sscvae::tasks {

namespace {

/// One image through one model, with a row of pictures.
Json show(runtime::Inference& inference, const std::string& weights, const std::filesystem::path& path,
          double sigma_8bit, const std::filesystem::path& results, report::HtmlReport& html) {
  const bool denoises = inference.opened().experiment.options.task == experiments::Task::kDenoise;
  const Array clean = image::to_array(image::with_channels(image::read_image(path), inference.channels()));
  Array input = clean;
  if (denoises) input = image::add_gaussian_noise(clean, sigma_8bit, 0, false);
  const runtime::InferenceResult result = inference.run(input);
  const auto figures = demo_figures(clean, result.reconstruction);
  Json json{{"weights", weights},
            {"task", denoises ? "denoise" : "reconstruct"},
            {"image", path.filename().string()},
            {"psnr_db", figures.at("psnr")},
            {"ssim", figures.at("ssim")},
            {"nnz", result.code.value().nnz},
            {"zero_fraction", result.code.value().zero_fraction},
            {"seconds", result.seconds}};
  std::string caption = format("input, sigma %.0f", sigma_8bit);
  if (denoises) {
    json["noisy_psnr_db"] = demo_figures(clean, input).at("psnr");
    caption += format(", %.2f dB", json["noisy_psnr_db"].get<double>());
  } else {
    caption = "input";
  }
  html.image_row({{caption, image::from_array(input)},
                  {format("%s, %.2f dB, %.0f %% of the code zero", denoises ? "denoised" : "reconstruction",
                          figures.at("psnr"), 100 * json["zero_fraction"].get<double>()),
                   image::from_array(result.reconstruction)},
                  {"difference to the clean image, times 5",
                   report::residual_image(clean, clamp(result.reconstruction, 0, 1), 5)}});
  const std::filesystem::path folder = results / weights;
  create_folder(folder);
  image::write_image(folder / path.filename(), image::from_array(result.reconstruction));
  return json;
}

}  // namespace

std::map<std::string, double> demo_figures(const Array& original, const Array& result) {
  return metrics::compare_images(original, result, metrics::protocols().front(), {"psnr", "ssim"});
}

Json show_shipped_weights(const std::filesystem::path& images, const std::vector<std::string>& names, double sigma_8bit,
                          const std::filesystem::path& results, const runtime::ComputeOptions& compute,
                          report::HtmlReport& html) {
  Json shown = Json::array();
  for (const auto& [weights, path] : runtime::shipped_weights()) {
    const std::string kind = weights.starts_with("ultrasound") ? "speckle" : "leaves";
    runtime::ModelSource source;
    source.weights = path;
    runtime::Inference inference(source, {.compute = compute});
    if (shown.empty()) html.heading("With the weights that come with the program");
    html.heading(weights, 3);
    for (const std::string& name : names) {
      stop_if_interrupted();
      if (name.starts_with(kind)) shown.push_back(show(inference, weights, images / name, sigma_8bit, results, html));
    }
  }
  return shown;
}

}  // namespace sscvae::tasks
