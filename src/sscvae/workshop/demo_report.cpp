#include "sscvae/workshop/demo_report.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "sscvae/array/elementwise.h"
#include "sscvae/core/atomic_file.h"
#include "sscvae/core/progress.h"
#include "sscvae/core/text.h"
#include "sscvae/core/wording.h"
#include "sscvae/graph/interpreter.h"
#include "sscvae/image/image.h"
#include "sscvae/image/noise.h"
#include "sscvae/image/padding.h"
#include "sscvae/report/colormap.h"
#include "sscvae/tasks/code_pictures.h"
#include "sscvae/tasks/demo_shipped.h"
#include "sscvae/train/csv_log.h"
#include "sscvae/train/run_folder.h"

namespace sscvae::workshop {

namespace {

constexpr double kResidualGain = 5;

std::string dB(double value) { return format("%.2f dB", value); }

/// Both models and the rows of the table of figures.
class Page {
 public:
  Page(const DemoPage& page, report::HtmlReport& html)
      : page_(page),
        html_(html),
        reconstruct_({page.reconstruct.summary.last.string(), "", "", {}}, {page.compute, -1, 1}),
        denoise_({page.denoise.summary.last.string(), "", "", {}}, {page.compute, -1, 1}) {}

  void show_image(const std::string& name) {
    const Array clean = image::to_array(image::with_channels(image::read_image(page_.images / name), 1));
    const runtime::InferenceResult result = reconstruct_.run(clean);
    const runtime::CodeStatistics code = result.code.value();
    const auto figures = tasks::demo_figures(clean, result.reconstruction);
    html_.heading(name, 3);
    html_.image_row({{"input", image::from_array(clean)},
                     {"reconstruction, " + dB(figures.at("psnr")), image::from_array(result.reconstruction)},
                     {format("residual, times %.0f (red: too bright)", kResidualGain),
                      report::residual_image(clean, clamp(result.reconstruction, 0, 1), kResidualGain)}});
    html_.image_row(map_figures(clean));
    store("reconstruct", name, result.reconstruction);

    const Array noisy = image::add_gaussian_noise(clean, page_.sigma_8bit, 0, false);
    const Array cleaned = denoise_.run(noisy).reconstruction;
    const auto before = tasks::demo_figures(clean, noisy), after = tasks::demo_figures(clean, cleaned);
    html_.image_row(
        {{format("noisy, sigma %.0f, ", page_.sigma_8bit) + dB(before.at("psnr")), image::from_array(noisy)},
         {"denoised, " + dB(after.at("psnr")), image::from_array(cleaned)},
         {"what is left: denoised - clean, times 5",
          report::residual_image(clean, clamp(cleaned, 0, 1), kResidualGain)}});
    store("denoise", name, cleaned);
    add_row(name, figures, code, before, after);
  }

  void show_atoms() {
    html_.image_row(
        {{format("%lld dictionary atoms, each as the decoder draws it",
                 static_cast<long long>(reconstruct_.opened().experiment.options.model.sparse_coder.num_atoms)),
          report::atoms_mosaic(tasks::decoded_atoms(reconstruct_.model()))}});
  }

  void show_table() {
    html_.table({"image", "PSNR dB", "SSIM", "non-zeros per position", "zeros", "Hoyer", "noisy PSNR dB",
                 "denoised PSNR dB", "denoised SSIM"},
                rows_);
  }

  tasks::Json json() const {
    tasks::Json json{{"images", images_}, {"mean", tasks::Json::object()}};
    for (const auto& [key, value] : images_.front().items()) {
      if (!value.is_number()) continue;
      double sum = 0;
      for (const tasks::Json& image : images_) sum += image[key].get<double>();
      json["mean"][key] = sum / static_cast<double>(images_.size());
    }
    return json;
  }

 private:
  std::vector<report::Figure> map_figures(const Array& clean) {
    const runtime::Model& model = reconstruct_.model();
    const Array padded = image::reflect_pad_to_multiple(clean.unsqueeze(0), model.size_multiple());
    const graph::PassValues forward = graph::run_named(model.bound(), padded);
    std::vector<report::Figure> figures;
    for (tasks::CodeMap& map : tasks::code_maps(forward, model.size_multiple()))
      if (map.name != "magnitude") figures.push_back({map.caption, std::move(map.image)});
    return figures;
  }

  void store(const std::string& task, const std::string& name, const Array& result) {
    create_folder(page_.results / task);
    image::write_image(page_.results / task / name, image::from_array(result));
  }

  void add_row(const std::string& name, const std::map<std::string, double>& figures,
               const runtime::CodeStatistics& code, const std::map<std::string, double>& before,
               const std::map<std::string, double>& after) {
    images_.push_back({{"name", name},
                       {"psnr_db", figures.at("psnr")},
                       {"ssim", figures.at("ssim")},
                       {"nnz", code.nnz},
                       {"zero_fraction", code.zero_fraction},
                       {"hoyer", code.hoyer},
                       {"fit_error", code.fit_error},
                       {"noisy_psnr_db", before.at("psnr")},
                       {"denoised_psnr_db", after.at("psnr")},
                       {"denoised_ssim", after.at("ssim")}});
    rows_.push_back({name, format("%.2f", figures.at("psnr")), format("%.4f", figures.at("ssim")),
                     format("%.2f", code.nnz), format("%.4f", code.zero_fraction), format("%.3f", code.hoyer),
                     format("%.2f", before.at("psnr")), format("%.2f", after.at("psnr")),
                     format("%.4f", after.at("ssim"))});
  }

  const DemoPage& page_;
  report::HtmlReport& html_;
  runtime::Inference reconstruct_, denoise_;
  tasks::Json images_ = tasks::Json::array();
  std::vector<std::vector<std::string>> rows_;
};

void show_curves(report::HtmlReport& html, const DemoRun& run, const std::string& task) {
  const train::RunFolder folder(run.folder);
  const auto log = train::read_csv_log(folder.log()), validation = train::read_csv_log(folder.validation_log());
  const auto column = [](const auto& table, const std::string& name) {
    const auto found = table.find(name);
    return found == table.end() ? std::vector<double>{} : found->second;
  };
  html.line_chart(task + ": training loss", "step", "loss", {{"loss", column(log, "step"), column(log, "loss")}}, true);
  html.line_chart(task + ": non-zeros per position", "step", "non-zeros",
                  {{"training batches", column(log, "step"), column(log, "nnz")}});
  if (!column(validation, "psnr_db").empty())
    html.line_chart(task + ": validation PSNR", "step", "dB",
                    {{"PSNR", column(validation, "step"), column(validation, "psnr_db")}});
}

std::string run_text(const DemoRun& run) {
  return count_text(run.summary.steps, "step") + " in " + duration_text(run.summary.seconds);
}

}  // namespace

tasks::Json show_demo_runs(const DemoPage& page, report::HtmlReport& html) {
  html.heading("Trained here");
  html.paragraph(
      "A small SSC-VAE was trained twice on synthetic ultrasound speckle and dead-leaves textures: to reconstruct (" +
      run_text(page.reconstruct) + ") and to remove noise of unknown strength (" + run_text(page.denoise) +
      "). The images below were not used for training. Every 8x8 block of an image is described by a few atoms of a "
      "learned dictionary; thresholds, inferred from the image and refined by attention, decide which.");
  html.callout("Minutes of training show how it works, not how good it gets.");
  Page body(page, html);
  for (const std::string& name : page.test_images) body.show_image(name);
  html.heading("Figures");
  body.show_table();
  html.heading("Dictionary");
  body.show_atoms();
  html.heading("Training");
  show_curves(html, page.reconstruct, "reconstruction");
  show_curves(html, page.denoise, "denoising");
  return body.json();
}

}  // namespace sscvae::workshop
