#include "sscvae/tables/pages.h"

#include <cmath>

#include "sscvae/core/atomic_file.h"
#include "sscvae/core/text.h"
#include "sscvae/core/version.h"
#include "sscvae/core/wording.h"
#include "sscvae/data/csv.h"

namespace sscvae::tables {

namespace fs = std::filesystem;

namespace {

using Rows = std::vector<std::vector<std::string>>;

const char* title_of(const std::string& table) {
  if (table == "T1") return "Table 1: reconstruction";
  if (table == "T2") return "Table 2: denoising of ultrasound images";
  if (table == "S1") return "Supplement: denoising of photographs (its figures are not in the paper)";
  return "Table 3: ablation, reconstruction";
}

const char* pattern_of(const std::string& metric) { return metric == "psnr" || metric == "fid" ? "%.2f" : "%.3f"; }

std::string difference_text(double difference, const std::string& metric) {
  return number_text(metric == "psnr" || metric == "fid" ? "%+.2f" : "%+.3f", difference);
}

std::string value_text(double value, const std::string& metric) {
  return std::isfinite(value) ? number_text(pattern_of(metric), value) : "-";
}

std::string cell_text(const Cell& cell) {
  if (!std::isfinite(cell.ours)) return "- (" + value_text(cell.paper, cell.metric) + "; " + cell.note + ")";
  if (!std::isfinite(cell.paper)) return value_text(cell.ours, cell.metric);
  return value_text(cell.ours, cell.metric) + " (" + value_text(cell.paper, cell.metric) + ", " +
         difference_text(cell.ours - cell.paper, cell.metric) + ")";
}

std::string metric_title(const std::string& metric) {
  if (metric == "ssim") return "SSIM (higher is better)";
  if (metric == "psnr") return "PSNR dB (higher)";
  return metric == "lpips" ? "LPIPS (lower)" : "FID (lower)";
}

std::vector<std::string> header_of(const std::string& table) {
  std::vector<std::string> header{"dataset"};
  if (table == "T2" || table == "S1") header.push_back("sigma");
  header.push_back("model");
  for (const std::string& metric : table_metrics()) header.push_back(metric_title(metric));
  header.insert(header.end(), {"images", "steps"});
  return header;
}

Rows rows_of(const Pages& pages, const std::string& table) {
  Rows result;
  for (const ResultRow& row : pages.rows) {
    if (row.published.table != table) continue;
    result.push_back({row.published.dataset});
    if (table == "T2" || table == "S1") result.back().push_back(to_text(row.published.sigma_8bit));
    result.back().push_back(row.published.model);
    for (const Cell& cell : row.cells) result.back().push_back(cell_text(cell));
    const std::string windows = row.windows > row.images ? " (" + count_text(row.windows, "window") + ")" : "";
    result.back().push_back(std::to_string(row.images) + windows);
    result.back().push_back(std::to_string(row.steps));
  }
  return result;
}

const std::vector<std::string>& cost_header() {
  static const std::vector<std::string> header{
      "model",   "parameters M", "GMac, exact",    "GMac, as published (ptflops)",
      "paper M", "paper GMac",   "difference GMac"};
  return header;
}

Rows cost_rows(const Pages& pages) {
  Rows rows;
  for (const CostRow& row : pages.costs)
    rows.push_back({row.published.model, format("%.2f", static_cast<double>(row.parameters) / 1e6),
                    format("%.2f", static_cast<double>(row.exact_macs) / 1e9),
                    format("%.2f", static_cast<double>(row.ptflops_macs) / 1e9),
                    format("%.2f", row.published.parameters_m), format("%.2f", row.published.gmacs),
                    number_text("%+.2f", static_cast<double>(row.ptflops_macs) / 1e9 - row.published.gmacs)});
  return rows;
}

std::string markdown_table(const std::vector<std::string>& header, const Rows& rows) {
  std::string text = "| " + join(header, " | ") + " |\n|";
  for (size_t i = 0; i < header.size(); ++i) text += " --- |";
  for (const auto& row : rows) text += "\n| " + join(row, " | ") + " |";
  return text + "\n";
}

std::string escape_latex(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (std::string("&%$#_{}").find(c) != std::string::npos) result += '\\';
    result += c;
  }
  return result;
}

std::string latex_table(const std::string& title, const std::vector<std::string>& header, const Rows& rows) {
  std::string text = "\\begin{table}\n\\centering\n\\caption{" + escape_latex(title) + "}\n\\begin{tabular}{" +
                     std::string(header.size(), 'l') + "}\n\\toprule\n";
  const auto line = [](const std::vector<std::string>& cells) {
    std::vector<std::string> escaped;
    for (const std::string& cell : cells) escaped.push_back(escape_latex(cell));
    return join(escaped, " & ") + " \\\\\n";
  };
  text += line(header) + "\\midrule\n";
  for (const auto& row : rows) text += line(row);
  return text + "\\bottomrule\n\\end{tabular}\n\\end{table}\n";
}

constexpr char kCostTitle[] = "Table 4: cost for one grey image of 256x256";
constexpr char kLegend[] = "Each cell: ours (the paper's, difference).";

template <class Section>
void for_each_table(const Pages& pages, const Section& section) {
  for (const char* table : {"T1", "T2", "T3", "S1"})
    if (const Rows rows = rows_of(pages, table); is_wanted(pages.options, table) && !rows.empty())
      section(title_of(table), header_of(table), rows);
  if (!pages.costs.empty()) section(kCostTitle, cost_header(), cost_rows(pages));
}

void write_images(const Pages& pages) {
  const fs::path folder = fs::path(pages.options.out) / "figures";
  if (!pages.figures.empty()) create_folder(folder);
  for (const DrawnFigure& figure : pages.figures) {
    if (!figure.svg.empty()) write_atomically(folder / (figure.name + ".svg"), figure.svg);
    for (size_t row = 0; row < figure.rows.size(); ++row)
      for (size_t i = 0; i < figure.rows[row].size(); ++i)
        image::write_image(folder / format("%s_%zu_%zu.png", figure.name.c_str(), row + 1, i + 1),
                           figure.rows[row][i].image);
  }
}

report::HtmlReport html(const Pages& pages) {
  report::HtmlReport page("The tables and figures of the SSC-VAE paper", "sscvae " + version());
  page.callout(conditions(pages));
  for (const std::string& line : ordering_remarks(pages.rows)) page.paragraph(line + ".");
  for_each_table(pages, [&](const std::string& title, const auto& header, const Rows& rows) {
    page.heading(title);
    page.table(header, rows, title == kCostTitle ? "" : kLegend);
  });
  for (const DrawnFigure& figure : pages.figures) {
    page.heading(figure.title);
    if (!figure.svg.empty()) page.drawing(figure.svg, figure.title);
    for (const auto& row : figure.rows) page.image_row(row);
  }
  return page;
}

}  // namespace

std::string conditions(const Pages& pages) {
  const TablesOptions& options = pages.options;
  if (pages.rows.empty()) return "Nothing was trained: the networks of profile reference, as published.";
  const std::string length = !options.budget.empty() ? "a budget of " + options.budget + " for all runs"
                             : options.steps > 0     ? count_text(options.steps, "step") + " for each run"
                             : options.epochs > 0    ? count_text(options.epochs, "epoch") + " for each run"
                                                     : "as many epochs as configured";
  std::string text = "Scale " + options.scale +
                     (options.scale == "lite" ? " (profile sound, small network, 64-pixel crops)"
                                              : " (profile reference, the published network and patches)") +
                     ", " + length + ", protocol " + options.protocol + ", seed " + std::to_string(options.seed) + ". ";
  text +=
      "The paper trained its own network for 200 to 400 epochs on its own images: a run of another length, size or "
      "image set is no reproduction, and the differences say so.";
  if (const std::vector<std::string> missing = missing_datasets(options); !missing.empty())
    text += " Datasets left out, no folder given: " + join(missing, ", ") + ".";
  return text;
}

std::string markdown(const Pages& pages) {
  std::string text = "# The tables of the SSC-VAE paper\n\n" + conditions(pages) + "\n";
  for (const std::string& line : ordering_remarks(pages.rows)) text += "\n- " + line;
  text += "\n";
  for_each_table(pages, [&](const std::string& title, const auto& header, const Rows& rows) {
    text += "\n## " + title + "\n\n" + (title == kCostTitle ? "" : std::string(kLegend) + "\n\n") +
            markdown_table(header, rows);
  });
  return text;
}

std::string csv(const Pages& pages) {
  std::string text =
      "table,dataset,sigma_8bit,model,metric,ours,low,high,paper,difference,images,windows,steps,seconds,weights_"
      "sha256,note\n";
  const auto number = [](double value) { return std::isfinite(value) ? to_text(value) : std::string(); };
  for (const ResultRow& row : pages.rows)
    for (const Cell& cell : row.cells) {
      const PublishedRow& published = row.published;
      const std::vector<std::string> cells{published.table,
                                           published.dataset,
                                           number(published.sigma_8bit),
                                           published.model,
                                           cell.metric,
                                           number(cell.ours),
                                           number(cell.low),
                                           number(cell.high),
                                           number(cell.paper),
                                           number(cell.ours - cell.paper),
                                           std::to_string(row.images),
                                           std::to_string(row.windows),
                                           std::to_string(row.steps),
                                           number(row.seconds),
                                           row.weights_sha256,
                                           data::csv_cell(cell.note)};
      text += join(cells, ",") + "\n";
    }
  return text;
}

std::string latex(const Pages& pages) {
  std::string text = "% " + conditions(pages) + "\n% needs \\usepackage{booktabs}\n";
  for_each_table(pages, [&](const std::string& title, const auto& header, const Rows& rows) {
    text += "\n" + latex_table(title, header, rows);
  });
  return text;
}

void write_pages(const Pages& pages) {
  const fs::path out(pages.options.out);
  create_folder(out);
  write_atomically(out / "tables.md", markdown(pages));
  write_atomically(out / "tables.csv", csv(pages));
  write_atomically(out / "tables.tex", latex(pages));
  write_images(pages);
  html(pages).write(out / "index.html");
}

}  // namespace sscvae::tables
