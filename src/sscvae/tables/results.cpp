#include "sscvae/tables/results.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "sscvae/core/atomic_file.h"
#include "sscvae/core/error.h"
#include "sscvae/core/text.h"
#include "sscvae/core/wording.h"

namespace sscvae::tables {

namespace {

using nlohmann::json;

constexpr double kComparableSteps = 0.9;  // of the other run's
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

std::string key_of(const std::string& metric) { return metric == "psnr" ? "psnr_db" : metric; }

double number(const json& value) { return value.is_number() ? value.get<double>() : kNaN; }

Cell read_cell(const json& evaluation, const PublishedRow& published, const std::string& metric) {
  Cell cell{metric, kNaN, kNaN, kNaN, published_value(published, metric), ""};
  const std::string key = key_of(metric);
  if (const json& mean = evaluation.at("mean"); mean.contains(key)) {
    cell.ours = number(mean.at(key));
    const json& interval = evaluation.at("interval95").at(key);
    if (!interval.is_null()) cell.low = number(interval.at(0)), cell.high = number(interval.at(1));
  } else if (evaluation.contains("sets") && evaluation.at("sets").contains(key)) {
    cell.ours = number(evaluation.at("sets").at(key));
  }
  if (std::isnan(cell.ours)) cell.note = metric == "fid" ? "no Inception file was given" : "not measured";
  return cell;
}

ResultRow read_row(const PublishedRow& published, const RunOutcome& outcome) {
  ResultRow row;
  row.published = published;
  row.steps = outcome.steps;
  row.seconds = outcome.seconds;
  row.failure = outcome.failure;
  if (!outcome.failure.empty()) {
    for (const std::string& metric : table_metrics())
      row.cells.push_back({metric, kNaN, kNaN, kNaN, published_value(published, metric), outcome.failure});
    return row;
  }
  try {
    const json evaluation = json::parse(read_file(outcome.evaluation));
    row.images = evaluation.at("count");
    row.windows = evaluation.value("windows", row.images);
    row.weights_sha256 = evaluation.at("weights_sha256");
    row.kl_bits = evaluation.at("mean").value("kl_bits", 0.0);
    if (evaluation.contains("code_usage")) row.codebook_size = evaluation.at("code_usage").at("num_codes");
    for (const std::string& metric : table_metrics()) row.cells.push_back(read_cell(evaluation, published, metric));
  } catch (const json::exception& error) {
    throw FormatError("'" + outcome.evaluation.string() + "' is damaged; remove it to evaluate again");
  }
  return row;
}

/// The models that the paper puts in this order, weakest first.
std::vector<std::string> claimed_order(const std::string& table) {
  if (table == "T3") return {"sc-vae", "sc-vae-in", "ssc-vae"};
  return {"vae", "vq-vae", "sc-vae", "ssc-vae"};
}

std::string block_name(const PublishedRow& row) {
  return row.table + " " + row.dataset + (row.sigma_8bit > 0 ? " sigma " + to_text(row.sigma_8bit) : "");
}

/// What may explain that `weaker` is not behind `stronger`: facts of the two runs.
std::string explain(const ResultRow& weaker, const ResultRow& stronger) {
  std::string text = stronger.published.model + " is not above " + weaker.published.model;
  const double steps = static_cast<double>(stronger.steps), others = static_cast<double>(weaker.steps);
  if (weaker.kl_bits > 0 && stronger.codebook_size > 0 && std::isfinite(cell_of(weaker, "psnr").paper))
    text += format(
        " (its code carries %.0f bits at a position, that of %s at most %.0f; the paper's, %.2f dB, is where a VAE's "
        "code "
        "ends that carries nothing)",
        weaker.kl_bits, stronger.published.model.c_str(), std::log2(static_cast<double>(stronger.codebook_size)),
        cell_of(weaker, "psnr").paper);
  if (steps < kComparableSteps * others)
    return text + " (after " + count_text(stronger.steps, "step") + " against " + std::to_string(weaker.steps) +
           ": not comparable)";
  return text + " (after " + count_text(stronger.steps, "step") + ")";
}

std::string remark(const std::string& block, const std::map<std::string, const ResultRow*>& rows,
                   const std::vector<std::string>& order) {
  std::vector<std::string> chain, broken;
  for (size_t i = 0; i < order.size(); ++i) {
    const ResultRow& row = *rows.at(order[i]);
    chain.push_back(format("%s %.2f", order[i].c_str(), cell_of(row, "psnr").ours));
    if (i == 0) continue;
    const ResultRow& before = *rows.at(order[i - 1]);
    if (cell_of(row, "psnr").ours <= cell_of(before, "psnr").ours) broken.push_back(explain(before, row));
  }
  return block + ": PSNR " + join(chain, ", ") + " dB; the paper's order " +
         (broken.empty() ? "holds" : "does not hold: " + join(broken, "; "));
}

}  // namespace

const std::vector<std::string>& table_metrics() {
  static const std::vector<std::string> metrics{"ssim", "psnr", "lpips", "fid"};
  return metrics;
}

std::vector<ResultRow> collect(const TablesOptions& options, const std::vector<RunSpec>& runs,
                               const std::vector<RunOutcome>& outcomes) {
  std::vector<ResultRow> rows;
  for (const PublishedRow& published : wanted_rows(options)) {
    const RunSpec* spec = run_of(runs, published);
    for (const RunOutcome& outcome : outcomes)
      if (outcome.spec == spec) rows.push_back(read_row(published, outcome));
  }
  return rows;
}

const Cell& cell_of(const ResultRow& row, const std::string& metric) {
  for (const Cell& cell : row.cells)
    if (cell.metric == metric) return cell;
  SSCVAE_ASSERT(false);
  return row.cells.front();
}

std::vector<std::string> ordering_remarks(const std::vector<ResultRow>& rows) {
  std::vector<std::string> blocks, remarks;
  std::map<std::string, std::map<std::string, const ResultRow*>> measured;
  for (const ResultRow& row : rows) {
    const std::string block = block_name(row.published);
    if (!measured.count(block)) blocks.push_back(block);
    auto& models = measured[block];
    if (std::isfinite(cell_of(row, "psnr").ours)) models[row.published.model] = &row;
  }
  for (const std::string& block : blocks) {
    const std::vector<std::string> order = claimed_order(block.substr(0, 2));
    const auto is_there = [&](const std::string& model) { return measured[block].count(model) > 0; };
    if (std::all_of(order.begin(), order.end(), is_there)) remarks.push_back(remark(block, measured[block], order));
  }
  return remarks;
}

}  // namespace sscvae::tables
