#include "sscvae/tables/figures.h"

#include <algorithm>
#include <map>

#include "sscvae/array/elementwise.h"
#include "sscvae/array/reductions.h"
#include "sscvae/array/selection.h"
#include "sscvae/core/log.h"
#include "sscvae/core/text.h"
#include "sscvae/data/registry.h"
#include "sscvae/graph/interpreter.h"
#include "sscvae/image/image.h"
#include "sscvae/image/noise.h"
#include "sscvae/image/padding.h"
#include "sscvae/metrics/metrics.h"
#include "sscvae/metrics/protocol.h"
#include "sscvae/networks/table.h"
#include "sscvae/report/colormap.h"
#include "sscvae/runtime/inference.h"
#include "sscvae/tasks/code_pictures.h"
#include "sscvae/tasks/interrupt.h"
#include "sscvae/tasks/network_diagram.h"

namespace sscvae::tables {

namespace {

constexpr int64_t kDetail = 64, kEnlarge = 4;  // pixels of a detail, and how often each is repeated
constexpr double kErrorGain = 5;
constexpr int64_t kNetworkSide = 256;  // pixels of the images that Figure 2 is about

const std::vector<std::string>& models_shown() {
  static const std::vector<std::string> models{"ssc-vae", "sc-vae-in", "sc-vae", "vq-vae", "vq-gan", "vae"};
  return models;
}

Array enlarged(const Array& image, int64_t times) {
  return repeat_interleave(repeat_interleave(image, times, 1), times, 2);
}

/// The square of kDetail pixels with the largest variance of values, on a grid of half its side.
std::pair<int64_t, int64_t> busiest_place(const Array& image) {
  std::pair<int64_t, int64_t> place{0, 0};
  double largest = -1;
  for (int64_t y = 0; y + kDetail <= image.size(1); y += kDetail / 2)
    for (int64_t x = 0; x + kDetail <= image.size(2); x += kDetail / 2) {
      const Array part = image.narrow(1, y, kDetail).narrow(2, x, kDetail);
      const double spread = mean(square(part - mean(part)));
      if (spread > largest) {
        largest = spread;
        place = {y, x};
      }
    }
  return place;
}

report::Figure detail(const std::string& caption, const Array& image, std::pair<int64_t, int64_t> place) {
  const int64_t height = std::min(kDetail, image.size(1)), width = std::min(kDetail, image.size(2));
  const Array part = image.narrow(1, place.first, height).narrow(2, place.second, width);
  return {caption, image::from_array(enlarged(part, kEnlarge)), "detail of " + caption};
}

class Gallery {
 public:
  Gallery(const TablesOptions& options, const std::vector<RunOutcome>& outcomes)
      : options_(options), protocol_(metrics::find_protocol(options.protocol)) {
    for (const RunOutcome& outcome : outcomes)
      if (outcome.failure.empty()) by_name_[outcome.spec->name] = &outcome;
  }

  const RunOutcome* find(const std::string& dataset, const std::string& task, const std::string& model) const {
    const auto found = by_name_.find(dataset + "-" + task + "-" + model);
    return found == by_name_.end() ? nullptr : found->second;
  }

  /// The first run there is of that dataset and task.
  const RunOutcome* any(const std::string& dataset, const std::string& task) const {
    for (const std::string& model : models_shown())
      if (const RunOutcome* outcome = find(dataset, task, model)) return outcome;
    return nullptr;
  }

  Array image_of(const RunOutcome& outcome) const {
    const experiments::ExperimentOptions& options = outcome.spec->experiment.options;
    const std::vector<std::string> paths = data::make_manifest(options.data).paths("test");
    const std::filesystem::path path = std::filesystem::path(options.data.root) / paths[paths.size() / 2];
    const image::Image image = image::with_channels(image::read_image(path), options.model.in_channels);
    return metrics::crop(protocol_, image::to_array(image)).contiguous();
  }

  runtime::Inference open(const RunOutcome& outcome) const {
    runtime::InferenceOptions inference;
    inference.compute = options_.compute;
    inference.compute.device = split(options_.compute.device, ',').front();
    return runtime::Inference({outcome.weights.string(), "", "", {}}, inference);
  }

  Array run(const RunOutcome& outcome, const Array& input) const { return open(outcome).run(input).reconstruction; }

  /// Three rows: images, details, errors.
  void compare(DrawnFigure& figure, const std::string& dataset, const std::string& task,
               const std::vector<std::string>& models) const {
    const RunOutcome* first = any(dataset, task);
    if (!first) return;
    const Array clean = image_of(*first);
    const double sigma = first->spec->sigma_8bit;
    Array input = clean;
    if (sigma > 0) input = image::add_gaussian_noise(clean, sigma, protocol_.noise_seed, protocol_.clip_noisy_input);
    const auto place = busiest_place(clean);
    std::vector<report::Figure> images{{dataset + ", original", image::from_array(clean)}};
    std::vector<report::Figure> details{detail("original", clean, place)}, errors;
    const auto show = [&](const std::string& name, const Array& image) {
      const Array seen = clamp(image, 0, 1);
      images.push_back({format("%s, %.2f dB", name.c_str(), metrics::psnr_db(clean, seen)), image::from_array(seen)});
      details.push_back(detail(name, seen, place));
      errors.push_back({format("error of %s, times %.0f", name.c_str(), kErrorGain),
                        report::residual_image(clean, seen, kErrorGain)});
    };
    if (sigma > 0) show("noisy, sigma " + to_text(sigma), input);
    for (const std::string& model : models)
      if (const RunOutcome* outcome = find(dataset, task, model)) show(model, run(*outcome, input));
    figure.rows.insert(figure.rows.end(), {images, details, errors});
  }

  void explain(DrawnFigure& figure, const std::string& dataset) const {
    const RunOutcome* outcome = find(dataset, "reconstruct", "ssc-vae");
    if (!outcome) return;
    const Array image = image_of(*outcome);
    const runtime::Inference inference = open(*outcome);
    const runtime::Model& model = inference.model();
    const int64_t times = model.size_multiple();
    const graph::PassValues result =
        graph::run_named(model.bound(), image::reflect_pad_to_multiple(image.unsqueeze(0), times));
    const Array features = mean(result.features.select(0, 0), {0});
    std::vector<report::Figure> row{
        {dataset, image::from_array(image)},
        {"features, mean over channels",
         report::apply_colormap(enlarged(features.unsqueeze(0), times).select(0, 0), "grey")}};
    for (tasks::CodeMap& map : tasks::code_maps(result, times))
      if (map.name.starts_with("threshold")) row.push_back({map.caption, std::move(map.image)});
    figure.rows.push_back(std::move(row));
  }

 private:
  const TablesOptions& options_;
  const metrics::Protocol& protocol_;
  std::map<std::string, const RunOutcome*> by_name_;
};

}  // namespace

std::vector<DrawnFigure> draw_figures(const TablesOptions& options, const std::vector<RunOutcome>& outcomes) {
  const Gallery gallery(options, outcomes);
  std::vector<DrawnFigure> figures;
  if (!outcomes.empty()) note("drawing figures");
  const auto draw = [&](const char* name, const char* title, const auto& fill) {
    if (!is_wanted(options, name)) return;
    DrawnFigure figure{name, title, {}, {}};
    const tasks::EndsAtOnce nothing_is_lost;  // the runs are complete, and pages are written when all are drawn
    fill(figure);
    if (!figure.rows.empty() || !figure.svg.empty()) figures.push_back(std::move(figure));
  };
  const std::vector<std::string> datasets{"ultrasound", "bsds500", "mini-imagenet"};
  draw("F1", "Figure 1: features and thresholds before and after refinement", [&](DrawnFigure& figure) {
    for (const std::string& dataset : datasets) gallery.explain(figure, dataset);
  });
  draw("F2", "Figure 2: the network of ssc-vae", [&](DrawnFigure& figure) {
    const experiments::Experiment published =
        experiments::resolve_experiment("", {"profile=\"reference\"", "model.name=\"ssc-vae\""});
    const networks::Network network = networks::find_model("ssc-vae").network(published.options.model);
    figure.svg = report::svg_of(tasks::diagram_of(network, "ssc-vae", kNetworkSide, kNetworkSide));
  });
  draw("F3", "Figure 3: reconstruction by different models", [&](DrawnFigure& figure) {
    for (const std::string& dataset : datasets)
      gallery.compare(figure, dataset, "reconstruct", {"ssc-vae", "sc-vae", "vq-vae", "vq-gan", "vae"});
  });
  draw("F4", "Figure 4: denoising of ultrasound images", [&](DrawnFigure& figure) {
    for (const char* task : {"denoise10", "denoise20", "denoise30"})
      gallery.compare(figure, "ultrasound", task, {"ssc-vae", "sc-vae", "vq-vae", "vq-gan", "vae"});
  });
  draw("F5", "Figure 5: ablation on BSDS500", [&](DrawnFigure& figure) {
    gallery.compare(figure, "bsds500", "reconstruct", {"sc-vae", "sc-vae-in", "ssc-vae"});
  });
  return figures;
}

}  // namespace sscvae::tables
