#include "sscvae/train/training_report.h"

#include <algorithm>
#include <cmath>

#include "sscvae/core/atomic_file.h"
#include "sscvae/core/progress.h"
#include "sscvae/core/text.h"
#include "sscvae/core/wording.h"
#include "sscvae/report/html.h"
#include "sscvae/train/csv_log.h"

namespace sscvae::train {

namespace fs = std::filesystem;

namespace {

using Table = std::map<std::string, std::vector<double>>;

std::vector<report::Series> series_of(const std::vector<std::pair<std::string, const Table*>>& wanted,
                                      const std::string& column) {
  std::vector<report::Series> series;
  for (const auto& [name, table] : wanted) {
    const auto values = table->find(column);
    if (values != table->end()) series.push_back({name, table->at("step"), values->second});
  }
  return series;
}

bool has_points(const std::vector<report::Series>& series) {
  return std::any_of(series.begin(), series.end(), [](const report::Series& line) {
    return std::any_of(line.y.begin(), line.y.end(), [](double value) { return std::isfinite(value); });
  });
}

/// What a model does not have gets no chart.
void add_curves(report::HtmlReport& page, const Table& log, const Table& validation) {
  const std::vector<std::pair<std::string, const Table*>> both{{"training batch", &log}, {"validation", &validation}};
  const auto chart = [&](const char* title, const char* label, const std::vector<report::Series>& series,
                         bool log_y = false) {
    if (has_points(series)) page.line_chart(title, "step", label, series, log_y);
  };
  chart("Total loss", "loss", series_of(both, "loss"), true);
  chart("Pixel error", "reconstruction loss", series_of(both, "reconstruction"), true);
  chart("Quality", "PSNR, dB", series_of(both, "psnr_db"));
  chart("Non-zeros of the code at a position", "nnz", series_of(both, "nnz"));
  chart("Share of the codebook in use", "share", series_of(both, "codes_used"));
  std::vector<report::Series> adversarial = series_of({{"autoencoder", &log}}, "adversarial");
  const std::vector<report::Series> opponent = series_of({{"discriminator", &log}}, "discriminator");
  adversarial.insert(adversarial.end(), opponent.begin(), opponent.end());
  chart("Adversarial training", "hinge loss", adversarial);
  chart("Learning rate", "learning rate", series_of({{"learning rate", &log}}, "lr"));
  chart("Gradient norm before clipping", "norm", series_of({{"training batch", &log}}, "grad_norm"), true);
  chart("Weight of the sparsity term", "weight", series_of({{"weight", &log}}, "sparsity_weight"), true);
}

}  // namespace

void write_training_report(const RunFolder& folder, const TrainSummary& summary,
                           const std::vector<std::pair<std::string, std::string>>& facts) {
  report::HtmlReport page("Training report", folder.root().filename().string());
  if (!summary.finished)
    page.callout("Stopped after " + share_text(summary.steps, summary.total_steps, "step") +
                 "; the run can be resumed.");
  page.heading("What was trained");
  page.key_values(facts);
  if (!summary.validation.empty()) {
    page.heading("Last validation");
    std::vector<std::pair<std::string, std::string>> figures;
    for (const auto& [name, value] : summary.validation)
      if (!std::isnan(value)) figures.emplace_back(name, report::number_text(value));
    page.key_values(figures, "means over the validation images");
  }
  if (const fs::path preview = folder.last_preview(); !preview.empty()) {
    page.heading("Preview");
    page.image_row(
        {{"input, reconstruction, residual (" + preview.stem().string() + ")", image::read_image(preview), ""}});
  }
  page.heading("Curves");
  add_curves(page, read_csv_log(folder.log()), read_csv_log(folder.validation_log()));
  page.heading("Configuration");
  page.preformatted(read_file(folder.config()));
  page.write(folder.report());
}

}  // namespace sscvae::train
