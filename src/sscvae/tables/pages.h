#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "sscvae/report/html.h"
#include "sscvae/tables/costs.h"
#include "sscvae/tables/results.h"

/// The tables as files.
namespace sscvae::tables {

/// A figure of the paper, drawn anew: rows of captioned images, or a drawing.
struct DrawnFigure {
  std::string name, title;  ///< "F3", "Figure 3: ..."
  std::vector<std::vector<report::Figure>> rows;
  std::string svg = {};
};

struct Pages {
  const TablesOptions& options;
  std::vector<ResultRow> rows;
  std::vector<CostRow> costs;  ///< empty: Table 4 was not asked for
  std::vector<DrawnFigure> figures;
};

/// What was run, in one paragraph: scale, budget, protocol, that a short run is no reproduction.
std::string conditions(const Pages& pages);

/// Tables 1 to 4. Each cell: ours (the paper's, difference); columns for images and steps.
std::string markdown(const Pages& pages);
/// One line for each figure: table,dataset,sigma_8bit,model,metric,ours,low,high,paper,difference,images,steps,seconds,
/// weights_sha256,note.
std::string csv(const Pages& pages);
/// The same tables for a paper (booktabs).
std::string latex(const Pages& pages);

/// tables.md, tables.csv, tables.tex, figures/<figure>_<row>_<image>.png or <figure>.svg, and index.html in
/// options.out, whole or not at all. Errors: IoError.
void write_pages(const Pages& pages);

}  // namespace sscvae::tables
