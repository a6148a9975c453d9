#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "sscvae/data/split.h"
#include "sscvae/report/html.h"
#include "sscvae/runtime/compute.h"
#include "sscvae/tasks/report.h"

/// The demonstration without training, which also is the first part of the whole one (workshop/demo.h).
namespace sscvae::tasks {

inline constexpr double kDemoSigma = 25;  ///< of the noise that is removed, 8-bit grey levels

struct DemoOptions {
  std::string out;     ///< folder of images, runs, results and report.html
  double minutes = 2;  ///< of training in all
  bool overwrite = false;
  runtime::ComputeOptions compute;
};

/// What the first part left.
struct DemoStart {
  data::SplitManifest manifest;  ///< of the made-up images
  Json shipped;                  ///< figures of the weights that come with the program
  std::filesystem::path report;  ///< out/report.html, written
};

report::HtmlReport demo_page();
/// Makes images (speckle phantoms and dead leaves: out/images, with a split) and runs the weights that come with the
/// program on those of part test. Errors: UsageError if `out` holds something and `overwrite` is false; IoError.
DemoStart start_demo(const DemoOptions& options, report::HtmlReport& html);
/// That alone.
Report demo_of_shipped_weights(const DemoOptions& options);

}  // namespace sscvae::tasks
