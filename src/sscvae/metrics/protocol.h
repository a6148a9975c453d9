#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "sscvae/array/array.h"

/// A quality figure means nothing without the rule behind it. Each rule is a row of a table; figures are printed and
/// stored together with the row. Beside the rules stands the table of what is measured.
namespace sscvae::metrics {

enum class ChannelRule { kAll, kFirst };
enum class SsimKind { kUniform7, kGaussian11 };
/// kNumpyPerImage: image::add_gaussian_noise, the generator seeded anew for each image.
/// kTorchOnce, the rule of the SSC-VAE release: clip(clean + sigma_8bit * randn / 255, 0, 1), one float32 draw for each
/// image from LibTorch's CPU generator, which is seeded once at the start of the evaluation.
enum class NoiseRule { kNumpyPerImage, kTorchOnce };
/// What is measured of an image: all of it, or square windows on a grid, the way the paper cuts its test images
/// (section 4.4). kStitched: the model sees window by window, its results are put together, later ones over earlier
/// ones, and measured as one image. kEach: each window is an image of its own; an image's figures are the means of its
/// windows'. An image with a side shorter than a window is measured whole.
enum class WindowRule { kNone, kStitched, kEach };

/// How a figure is made: what is cut, which noise is added, what is rounded, which SSIM.
struct Protocol {
  std::string name;
  std::string summary;
  std::string source;  ///< where the rule is written or practised
  ChannelRule channels = ChannelRule::kAll;
  bool round_to_8bit = true;  ///< both images clipped to [0,1] and rounded to k/255 before anything is measured
  SsimKind ssim = SsimKind::kGaussian11;
  NoiseRule noise = NoiseRule::kNumpyPerImage;  ///< of the denoising task
  uint32_t noise_seed = 0;
  bool clip_noisy_input = false;  ///< noisy = clip(clean + noise, 0, 1)
  WindowRule windows = WindowRule::kNone;
  int64_t window = 256;         ///< side, pixels
  int64_t window_stride = 256;  ///< pixels; data::DatasetEntry has that of the paper's datasets
  double data_range = 1.0;
  bool lpips_centred = true;  ///< LPIPS is fed 2x - 1, as it was made for; else the image in [0,1]

  /// Every choice in words: {"channels", "all"}, {"output", "clipped and rounded to 8 bit"}, ... for JSON and reports.
  std::vector<std::pair<std::string, std::string>> describe() const;
};

/// sound (the default, first), authors, paper, literature-denoise.
const std::vector<Protocol>& protocols();
/// Errors: UsageError with the nearest known name.
const Protocol& find_protocol(const std::string& name);

/// Height and width of the top-left part of an image that the protocol looks at: all of it, or what whole windows
/// cover.
std::pair<int64_t, int64_t> cropped_size(const Protocol& protocol, int64_t height, int64_t width);
/// That part of an image [...,H,W], a view.
Array crop(const Protocol& protocol, const Array& image);
/// What the model sees of a cropped image [C,H,W], one after the other: the image, or its windows row by row; views.
std::vector<Array> windows_of(const Protocol& protocol, const Array& image);
/// What is measured of the results for windows_of an image of `height` x `width`: all of them, or one put together.
std::vector<Array> measured_parts(const Protocol& protocol, std::vector<Array> windows, int64_t height, int64_t width);

/// What the protocol measures of an image [C,H,W] or [N,C,H,W]: channel rule and rounding applied. Rounded images are
/// float64 k/255 (ties to even), others keep their precision.
Array measured_image(const Protocol& protocol, const Array& image);

/// Everything that can be known of one image. Undefined arrays are left out of the measuring.
struct Sample {
  Array original, reconstruction;  ///< [C,H,W] or [N,C,H,W]
  Array code;                      ///< z [K,h,w] or [N,K,h,w]
  Array features, coded_features;  ///< E and Dz, same shape
};

enum class Direction { kHigher, kLower, kNeither };
enum class Needs { kImages, kCode, kFeatures };

struct MetricEntry {
  std::string name;
  std::string unit;  ///< "dB" or ""
  std::string summary;
  std::string source;
  Direction better = Direction::kHigher;
  Needs needs = Needs::kImages;
  double (*compute)(const Sample& sample, const Protocol& protocol) = nullptr;
  bool all_channels = false;  ///< looks at all channels whatever the protocol's rule
  std::string weights = {};   ///< file it needs, see core/shipped_files.h; "": none
};

/// psnr, ssim (the protocol's kind), ssim_gaussian11, ssim_uniform7, nmi, mse, lpips, lpips_squeeze, nnz,
/// zero_fraction, hoyer, fit_error. The images in `sample` given to `compute` are those of measured_image.
const std::vector<MetricEntry>& metric_entries();
/// Errors: UsageError with the nearest known name.
const MetricEntry& find_metric(const std::string& name);
/// Why the metric cannot be had on this machine, in one line: its weights file is not there. "" if it can.
std::string missing_weights(const MetricEntry& entry);
/// "higher", "lower", "neither".
std::string direction_text(Direction direction);

/// Measures whatever the sample allows, by metric name; only `names` if any are given. A metric that cannot be had for
/// this image (smaller than the SSIM window) or on this machine (missing_weights) is NaN and leaves a line in `notes`,
/// so that one odd image does not end an evaluation; values that are not finite in the reconstruction leave a note,
/// too. Errors: ShapeError if the images differ in shape or are no images; UsageError for unknown names.
std::map<std::string, double> measure(const Sample& sample, const Protocol& protocol,
                                      const std::vector<std::string>& names = {},
                                      std::vector<std::string>* notes = nullptr);

/// measure() of two images alone.
std::map<std::string, double> compare_images(const Array& original, const Array& reconstruction,
                                             const Protocol& protocol, const std::vector<std::string>& names = {},
                                             std::vector<std::string>* notes = nullptr);

}  // namespace sscvae::metrics
