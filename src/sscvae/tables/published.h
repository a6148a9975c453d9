#pragma once

#include <limits>
#include <string>
#include <vector>

/// The numbers printed in the SSC-VAE paper (AAAI 2025), Tables 1 to 4.
namespace sscvae::tables {

inline constexpr double kNotPublished = std::numeric_limits<double>::quiet_NaN();

struct PublishedRow {
  std::string table;      ///< "T1" (reconstruction), "T2" (denoising), "T3" (ablation), "S1" (denoising of
                          ///< photographs as the supplement trains it; its figures are not in the paper)
  std::string dataset;    ///< registry name
  double sigma_8bit = 0;  ///< of the noise, T2 only
  std::string model;      ///< registry name
  double ssim = kNotPublished, psnr_db = kNotPublished, lpips = kNotPublished, fid = kNotPublished;
};
/// In the order of the paper, where the first row of a block is its weakest model.
const std::vector<PublishedRow>& published_rows();

/// Table 4: multiply-adds in G and parameters in millions, for one grey image of 256x256.
struct PublishedCost {
  std::string model;
  double gmacs = 0, parameters_m = 0;
};
const std::vector<PublishedCost>& published_costs();

/// The value of "ssim", "psnr", "lpips" or "fid" in a row.
double published_value(const PublishedRow& row, const std::string& metric);

}  // namespace sscvae::tables
