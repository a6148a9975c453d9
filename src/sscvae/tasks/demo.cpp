#include "sscvae/tasks/demo.h"

#include <nlohmann/json.hpp>

#include "sscvae/core/atomic_file.h"
#include "sscvae/core/error.h"
#include "sscvae/core/log.h"
#include "sscvae/core/output_files.h"
#include "sscvae/core/random.h"
#include "sscvae/core/text.h"
#include "sscvae/core/wording.h"
#include "sscvae/image/image.h"
#include "sscvae/image/synthetic.h"
#include "sscvae/tasks/demo_shipped.h"
#include "sscvae/tasks/interrupt.h"

namespace sscvae::tasks {

namespace fs = std::filesystem;

namespace {

constexpr int64_t kSide = 256, kTrainImages = 48, kValidationImages = 4, kTestImages = 6;

bool holds_nothing(const fs::path& folder) {
  std::error_code error;
  return !fs::exists(folder, error) || fs::is_empty(folder, error);
}

/// Speckle and dead leaves alternating, and the manifest that says which is for what.
data::SplitManifest make_images(const fs::path& root) {
  data::SplitManifest manifest;
  create_folder(root);
  for (int64_t i = 0; i < kTrainImages + kValidationImages + kTestImages; ++i) {
    stop_if_interrupted();
    const uint64_t seed = derive_seed(1, "demo", static_cast<uint64_t>(i));
    const bool speckle = i % 2 == 0;
    const std::string name = format("%s_%02d.png", speckle ? "speckle" : "leaves", static_cast<int>(i));
    image::write_image(
        root / name, speckle ? image::speckle_phantom(seed, kSide, kSide) : image::dead_leaves(seed, kSide, kSide, 1));
    const std::string part = i < kTrainImages ? "train" : i < kTrainImages + kValidationImages ? "val" : "test";
    manifest.rows.push_back({name, part, speckle ? "speckle" : "leaves"});
  }
  manifest.sort();
  return manifest;
}

void note_shipped(const Json& shipped, const fs::path& path) {
  for (const Json& row : shipped)
    note(format("%s, %s: PSNR %.2f dB, %.0f %% of the code zero, %.2f s", row["weights"].get<std::string>().c_str(),
                row["image"].get<std::string>().c_str(), row["psnr_db"].get<double>(),
                100 * row["zero_fraction"].get<double>(), row["seconds"].get<double>()));
  if (!shipped.empty()) note("a first report with the weights that come with the program: " + path.string());
}

}  // namespace

report::HtmlReport demo_page() {
  return report::HtmlReport("SSC-VAE in two minutes", "sparse coding of images that this program made itself");
}

DemoStart start_demo(const DemoOptions& options, report::HtmlReport& html) {
  if (!(options.minutes > 0) || options.minutes > 1440)
    throw UsageError("--minutes: expected a number above 0, at most 1440");
  const fs::path root(options.out);
  if (!options.overwrite && !holds_nothing(root))
    throw UsageError("--out '" + options.out + "' is not empty; --overwrite replaces what it holds");
  check_folder_writable(root);
  refuse_links("--out", root, {"images", "speed", "reconstruct", "denoise"});
  create_folder(root);
  note("making " + count_text(kTrainImages + kValidationImages + kTestImages, "image") + " in " +
       (root / "images").string());
  DemoStart start{make_images(root / "images"), {}, root / "report.html"};
  data::write_manifest(root / "split.csv", start.manifest);
  start.shipped = show_shipped_weights(root / "images", start.manifest.paths("test"), kDemoSigma, root / "results",
                                       options.compute, html);
  html.write(start.report);
  note_shipped(start.shipped, start.report);
  return start;
}

Report demo_of_shipped_weights(const DemoOptions& options) {
  report::HtmlReport html = demo_page();
  const DemoStart start = start_demo(options, html);
  note("training, the second part, needs the training half of the program, which is not installed here");
  return make_report(start.report.string(), {{"shipped", start.shipped}, {"report", start.report.string()}});
}

}  // namespace sscvae::tasks
