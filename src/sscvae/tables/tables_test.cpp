#include "sscvae/tables/tables.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "sscvae/core/atomic_file.h"
#include "sscvae/core/error.h"
#include "sscvae/core/text.h"
#include "sscvae/image/synthetic.h"
#include "sscvae/networks/table.h"
#include "sscvae/tables/costs.h"
#include "sscvae/tables/pages.h"
#include "sscvae/tables/results.h"
#include "support/paths.h"

namespace sscvae::tables {
namespace {

using testing::TemporaryFolder;

/// Twelve small images in the ultrasound layout.
std::string make_ultrasound(const std::filesystem::path& root) {
  for (int i = 0; i < 12; ++i) {
    const auto path = root / "us" / (i % 2 ? "breast" : "liver") / "high_quality" / format("%02d.png", i);
    create_folder(path.parent_path());
    image::write_image(path, image::dead_leaves(static_cast<uint64_t>(i), 32, 32, 1));
  }
  return (root / "us").string();
}

TablesOptions options_for(const TemporaryFolder& folder) {
  TablesOptions options;
  options.out = (folder / "out").string();
  options.ultrasound = make_ultrasound(folder.path());
  options.steps = 20;
  return options;
}

/// What `evaluate` would have left of a run.
RunOutcome pretend(const TemporaryFolder& folder, const RunSpec& spec, double psnr) {
  const auto path = folder / (spec.name + ".json");
  const nlohmann::json evaluation{
      {"count", 2},
      {"weights_sha256", "abc"},
      {"mean", {{"psnr_db", psnr}, {"ssim", 0.5}, {"lpips", "nan"}}},
      {"interval95", {{"psnr_db", {psnr - 1, psnr + 1}}, {"ssim", {0.4, 0.6}}, {"lpips", nullptr}}}};
  write_atomically(path, evaluation.dump());
  return {&spec, "", 20, 1.5, false, "best.safetensors", path};
}

TEST(Published, EveryModelOfTheTablesIsInTheRegistry) {
  for (const PublishedRow& row : published_rows()) EXPECT_NO_THROW(networks::find_model(row.model));
  for (const PublishedCost& cost : published_costs()) EXPECT_NO_THROW(networks::find_model(cost.model));
  EXPECT_EQ(published_rows().size(), 36U + 30U) << "printed, and the supplement's";
}

TEST(Duration, HasAUnit) {
  EXPECT_EQ(parse_duration("90s"), 90);
  EXPECT_EQ(parse_duration("1.5h"), 5400);
  EXPECT_EQ(parse_duration("30m"), 1800);
  for (const char* wrong : {"", "30", "m", "-5m", "0s", "5 m", "1e400h", "nanm"})
    EXPECT_THROW(parse_duration(wrong), UsageError) << wrong;
}

TEST(Plan, SharedRunsAreMadeOnce) {
  const TemporaryFolder folder;
  const std::vector<RunSpec> runs = plan_runs(options_for(folder));
  std::set<std::string> names;
  for (const RunSpec& run : runs) EXPECT_TRUE(names.insert(run.name).second) << run.name;
  EXPECT_EQ(runs.size(), 5U + 15U + 1U);  // T1, T2, and what T3 has beyond T1
  EXPECT_TRUE(names.count("ultrasound-denoise20-vq-gan"));
  EXPECT_EQ(runs.front().test_images, 2);
}

TEST(Plan, TheSupplementIsMadeWhenAskedFor) {
  TemporaryFolder folder;
  for (const char* part : {"train", "val", "test"}) {
    create_folder(folder / "bsds" / part);
    image::write_image(folder / "bsds" / part / "a.png", image::dead_leaves(1, 300, 280, 1));
  }
  TablesOptions options;
  options.bsds500 = (folder / "bsds").string();
  options.scale = "paper";
  for (const RunSpec& run : plan_runs(options)) EXPECT_EQ(run.sigma_8bit, 0) << run.name;
  options.only = {"S1"};
  options.set = {"data.split=official"};
  const std::vector<RunSpec> runs = plan_runs(options);
  ASSERT_EQ(runs.size(), 15U);
  EXPECT_EQ(runs.front().name, "bsds500-denoise10-vae");
  EXPECT_EQ(runs.front().experiment.options.train.epochs, 150) << "the paper's section 4.5";
}

TEST(Plan, FiguresAskForTheRunsOfTheirTables) {
  const TemporaryFolder folder;
  TablesOptions options = options_for(folder);
  options.only = {"F4"};
  EXPECT_EQ(plan_runs(options).size(), 15U);
  options.only = {"T4"};
  EXPECT_TRUE(plan_runs(options).empty());
}

TEST(Plan, TheKeyTellsConfigurationsAndBudgetsApart) {
  const TemporaryFolder folder;
  TablesOptions options = options_for(folder);
  const std::string key = plan_runs(options).front().key;
  EXPECT_EQ(plan_runs(options).front().key, key);
  options.set = {"model.lite.width=16"};
  EXPECT_NE(plan_runs(options).front().key, key);
  options.set.clear();
  options.steps = 0;
  options.budget = "1m";
  EXPECT_NE(plan_runs(options).front().key, key);
}

TEST(Plan, MistakesShowBeforeAnythingRuns) {
  const TemporaryFolder folder;
  const TablesOptions good = options_for(folder);
  const auto refuses = [&](const auto& change) {
    TablesOptions options = good;
    change(options);
    EXPECT_THROW(plan_runs(options), Error);
  };
  refuses([](TablesOptions& o) { o.only = {"T5"}; });
  refuses([](TablesOptions& o) { o.set = {"model.csc.kernel=3"}; });  // no table has it
  refuses([](TablesOptions& o) { o.set = {"model.name=csc"}; });
  refuses([](TablesOptions& o) { o.only = {"T4"}, o.set = {"model.lite.width=8"}; });
  refuses([](TablesOptions& o) { o.models = {"vqvae"}; });
  refuses([](TablesOptions& o) { o.scale = "full"; });
  refuses([](TablesOptions& o) { o.budget = "10m"; });  // and steps
  refuses([](TablesOptions& o) { o.ultrasound = "/nowhere"; });
  refuses([](TablesOptions& o) { o.ultrasound.clear(); });
  refuses([](TablesOptions& o) { o.set = {"train.stepps=3"}; });
}

TEST(Pages, CellsHoldOursThePapersAndTheDifference) {
  const TemporaryFolder folder;
  TablesOptions options = options_for(folder);
  options.only = {"T1"};
  const std::vector<RunSpec> runs = plan_runs(options);
  std::vector<RunOutcome> outcomes;
  for (const RunSpec& run : runs) outcomes.push_back(pretend(folder, run, run.model == "vq-vae" ? 35 : 30));
  outcomes[2] = {&runs[2], "train: diverged", 0, 0, false, {}, {}};
  const Pages pages{options, collect(options, runs, outcomes), {}, {}};
  const std::string text = markdown(pages);
  EXPECT_NE(
      text.find("| ultrasound | vq-vae | 0.500 (0.770, -0.270) | 35.00 (29.20, +5.80) | - (0.290; not measured) | "
                "- (101.88; no Inception file was given) | 2 | 20 |"),
      std::string::npos)
      << text;
  EXPECT_NE(text.find("train: diverged"), std::string::npos);
  EXPECT_NE(csv(pages).find("T1,ultrasound,0,vq-vae,psnr,35,34,36,29.2,"), std::string::npos) << csv(pages);
  EXPECT_NE(latex(pages).find("ultrasound & vq-vae & 0.500 (0.770, -0.270)"), std::string::npos) << latex(pages);
  write_pages(pages);
  for (const char* name : {"tables.md", "tables.csv", "tables.tex", "index.html"})
    EXPECT_TRUE(std::filesystem::exists(folder / "out" / name)) << name;
}

TEST(Pages, TheOrderIsJudged) {
  const TemporaryFolder folder;
  TablesOptions options = options_for(folder);
  options.only = {"T1"};
  const std::vector<RunSpec> runs = plan_runs(options);
  std::vector<RunOutcome> outcomes;
  const std::map<std::string, double> rising{
      {"vae", 20}, {"vq-vae", 22}, {"vq-gan", 21}, {"sc-vae", 25}, {"ssc-vae", 27}};
  for (const RunSpec& run : runs) outcomes.push_back(pretend(folder, run, rising.at(run.model)));
  std::vector<std::string> remarks = ordering_remarks(collect(options, runs, outcomes));
  ASSERT_EQ(remarks.size(), 1U);
  EXPECT_NE(remarks[0].find("holds"), std::string::npos) << remarks[0];
  outcomes[1] = pretend(folder, runs[1], 26);
  remarks = ordering_remarks(collect(options, runs, outcomes));
  EXPECT_NE(remarks.at(0).find("does not hold: sc-vae is not above vq-vae (after 20 steps)"), std::string::npos)
      << remarks[0];
}

TEST(Pages, WhyTheOrderDoesNotHold) {
  const TemporaryFolder folder;
  TablesOptions options = options_for(folder);
  options.only = {"T1"};
  const std::vector<RunSpec> runs = plan_runs(options);
  std::vector<RunOutcome> outcomes;
  for (const RunSpec& run : runs) outcomes.push_back(pretend(folder, run, 30 - static_cast<double>(outcomes.size())));
  std::vector<ResultRow> rows = collect(options, runs, outcomes);
  for (ResultRow& row : rows) {
    if (row.published.model == "vae") row.kl_bits = 61.7;
    if (row.published.model == "vq-vae") row.codebook_size = 512;
    if (row.published.model == "ssc-vae") row.steps = 5;
  }
  const std::string remark = ordering_remarks(rows).at(0);
  EXPECT_NE(remark.find("vq-vae is not above vae (its code carries 62 bits at a position, that of vq-vae at most 9; "
                        "the paper's, 14.49 dB"),
            std::string::npos)
      << remark;
  EXPECT_NE(remark.find("(after 5 steps against 20: not comparable)"), std::string::npos) << remark;
}

TEST(Costs, ParametersAreThePublishedOnes) {
  for (const CostRow& row : measure_costs()) {
    if (row.published.model == "vq-gan") continue;  // the paper's row lacks the codebook: docs/reproduction.md
    EXPECT_NEAR(static_cast<double>(row.parameters) / 1e6, row.published.parameters_m, 0.005) << row.published.model;
    EXPECT_GT(row.ptflops_macs, row.exact_macs);
  }
}

}  // namespace
}  // namespace sscvae::tables
