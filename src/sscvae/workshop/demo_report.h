#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "sscvae/report/html.h"
#include "sscvae/runtime/inference.h"
#include "sscvae/tasks/report.h"
#include "sscvae/train/trainer.h"

/// The page that the demonstration leaves.
namespace sscvae::workshop {

/// One training of the demonstration.
struct DemoRun {
  std::filesystem::path folder;
  train::TrainSummary summary;
};

struct DemoPage {
  std::filesystem::path images;          ///< root of the made-up images
  std::vector<std::string> test_images;  ///< relative to it
  DemoRun reconstruct, denoise;
  double sigma_8bit = 25;         ///< of the noise that is removed
  std::filesystem::path results;  ///< the output images go here
  runtime::ComputeOptions compute;
};

/// Runs both models on the test images, stores what comes out and adds it to the report. Returns the figures, also in
/// the JSON.
tasks::Json show_demo_runs(const DemoPage& page, report::HtmlReport& html);

}  // namespace sscvae::workshop
