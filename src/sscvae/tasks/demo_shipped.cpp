#include "sscvae/tasks/demo_shipped.h"

#include <nlohmann/json.hpp>

#include "sscvae/core/atomic_file.h"
#include "sscvae/core/text.h"
#include "sscvae/image/image.h"
#include "sscvae/image/noise.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/report/colormap.h"
#include "sscvae/tasks/demo_report.h"
#include "sscvae/tasks/inference.h"
#include "sscvae/tasks/interrupt.h"

namespace sscvae::tasks {

namespace {

/// One image through one model, with a row of pictures.
Json show(Inference& inference, const std::string& weights, const std::filesystem::path& path, double sigma_8bit,
          const std::filesystem::path& results, report::HtmlReport& html) {
  const bool denoises = inference.opened().experiment.options.task == train::Task::kDenoise;
  const at::Tensor clean = image::to_array(image::with_channels(image::read_image(path), inference.channels()));
  at::Tensor input = clean;
  if (denoises) input = image::add_gaussian_noise(clean, sigma_8bit, 0, false);
  const InferenceResult result = inference.run(input);
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
                   report::residual_image(clean, result.reconstruction.clamp(0, 1), 5)}});
  const std::filesystem::path folder = results / weights;
  create_folder(folder);
  image::write_image(folder / path.filename(), image::from_array(result.reconstruction));
  return json;
}

}  // namespace

Json show_shipped_weights(const std::filesystem::path& images, const std::vector<std::string>& names, double sigma_8bit,
                          const std::filesystem::path& results, const ComputeOptions& compute,
                          report::HtmlReport& html) {
  Json shown = Json::array();
  for (const auto& [weights, path] : shipped_weights()) {
    const std::string kind = weights.starts_with("ultrasound") ? "speckle" : "leaves";
    ModelSource source;
    source.weights = path;
    Inference inference(source, {.compute = compute});
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
