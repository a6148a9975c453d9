#include "sscvae/tables/results.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "sscvae/core/atomic_file.h"
#include "sscvae/core/error.h"
#include "sscvae/core/text.h"

namespace sscvae::tables {

namespace {

using nlohmann::json;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

std::string key_of(const std::string& metric) { return metric == "psnr" ? "psnr_db" : metric; }

double number(const json& value) { return value.is_number() ? value.get<double>() : kNaN; }

Cell read_cell(const json& evaluation, const PublishedRow& published, const std::string& metric) {
  Cell cell{metric, kNaN, kNaN, kNaN, published_value(published, metric), ""};
  const std::string key = key_of(metric);
  if (const json& mean = evaluation.at("mean"); mean.contains(key)) {
    cell.ours = number(mean.at(key));
    const json& interval = evaluation.at("interval95").at(key);
    cell.low = number(interval.at(0));
    cell.high = number(interval.at(1));
  } else if (evaluation.contains("sets") && evaluation.at("sets").contains(key)) {
    cell.ours = number(evaluation.at("sets").at(key));
  }
  if (std::isnan(cell.ours)) cell.note = metric == "fid" ? "no Inception file was given" : "not measured";
  return cell;
}

ResultRow read_row(const PublishedRow& published, const RunOutcome& outcome) {
  ResultRow row{published, {}, 0, outcome.steps, outcome.seconds, "", outcome.failure};
  if (!outcome.failure.empty()) {
    for (const std::string& metric : table_metrics())
      row.cells.push_back({metric, kNaN, kNaN, kNaN, published_value(published, metric), outcome.failure});
    return row;
  }
  try {
    const json evaluation = json::parse(read_file(outcome.evaluation));
    row.images = evaluation.at("count");
    row.weights_sha256 = evaluation.at("weights_sha256");
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

std::string remark(const std::string& block, const std::string& table, const std::map<std::string, double>& psnr) {
  const std::vector<std::string> order = claimed_order(table);
  std::vector<std::string> chain, broken;
  for (size_t i = 0; i < order.size(); ++i) {
    chain.push_back(format("%s %.2f", order[i].c_str(), psnr.at(order[i])));
    if (i > 0 && psnr.at(order[i]) <= psnr.at(order[i - 1]))
      broken.push_back(order[i] + " is not above " + order[i - 1]);
  }
  return block + ": PSNR " + join(chain, ", ") + " dB; the paper's order " +
         (broken.empty() ? "holds" : "does not hold: " + join(broken, ", "));
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
  std::map<std::string, std::map<std::string, double>> psnr;
  std::map<std::string, std::string> tables;
  for (const ResultRow& row : rows) {
    const std::string block = block_name(row.published);
    if (!psnr.count(block)) blocks.push_back(block);
    tables[block] = row.published.table;
    const double value = cell_of(row, "psnr").ours;
    if (std::isfinite(value)) psnr[block][row.published.model] = value;
    else psnr[block];
  }
  for (const std::string& block : blocks) {
    bool complete = true;
    for (const std::string& model : claimed_order(tables[block])) complete = complete && psnr[block].count(model) > 0;
    if (complete) remarks.push_back(remark(block, tables[block], psnr[block]));
  }
  return remarks;
}

}  // namespace sscvae::tables
