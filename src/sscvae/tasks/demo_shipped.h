#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "sscvae/array/array.h"
#include "sscvae/report/html.h"
#include "sscvae/runtime/compute.h"
#include "sscvae/tasks/report.h"

namespace sscvae::tasks {

/// PSNR and SSIM of a result on the demonstration's page.
std::map<std::string, double> demo_figures(const Array& original, const Array& result);

/// The demonstration's first part: the weights that come with the program, each on made-up images of its kind (leaves_*
/// for photographs, speckle_* for ultrasound), with noise of sigma_8bit for denoisers. Adds a section to the page,
/// stores what comes out under `results`, and returns a list of {weights, task, image, figures}; empty, and no section,
/// where no weights are shipped.
Json show_shipped_weights(const std::filesystem::path& images, const std::vector<std::string>& names, double sigma_8bit,
                          const std::filesystem::path& results, const runtime::ComputeOptions& compute,
                          report::HtmlReport& html);

}  // namespace sscvae::tasks
