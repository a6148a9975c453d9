#include "sscvae/metrics/protocol.h"

#include <algorithm>

#include "sscvae/array/elementwise.h"
#include "sscvae/array/selection.h"
#include "sscvae/array/shape.h"
#include "sscvae/core/error.h"
#include "sscvae/core/text.h"
#include "sscvae/image/patches.h"

namespace sscvae::metrics {

namespace {

Protocol sound() {
  return {.name = "sound",
          .summary = "all channels of the whole image as an 8-bit file would hold it, Gaussian-window SSIM",
          .source = "Wang et al. 2004; practice of the image restoration literature"};
}

Protocol authors() {
  return {.name = "authors",
          .summary = "as the SSC-VAE release measures: first channel only, unrounded output, 7x7 SSIM, clipped noise",
          .source = "the release's test programs, commit bd1db25",
          .channels = ChannelRule::kFirst,
          .round_to_8bit = false,
          .ssim = SsimKind::kUniform7,
          .noise = NoiseRule::kTorchOnce,
          .noise_seed = 42,
          .clip_noisy_input = true,
          .windows = WindowRule::kStitched,
          .lpips_centred = false};
}

Protocol paper() {
  return {
      .name = "paper",
      .summary = "what the SSC-VAE paper's text says: windows of 256x256, all channels, added Gaussian noise unclipped",
      .source = "SSC-VAE (AAAI 2025), sections 4.3 to 4.5; where it is silent: unrounded output, Gaussian-window SSIM",
      .round_to_8bit = false,
      .windows = WindowRule::kEach};
}

Protocol literature_denoise() {
  return {.name = "literature-denoise",
          .summary = "denoising as published since DnCNN: whole image, NumPy noise of seed 0, output rounded to 8 bit",
          .source = "evaluation programs of KAIR, SwinIR and Restormer"};
}

std::vector<std::string> names_of(const auto& table) {
  std::vector<std::string> names;
  for (const auto& entry : table) names.push_back(entry.name);
  return names;
}

const auto& find_in(const auto& table, const std::string& name, const char* what) {
  for (const auto& entry : table)
    if (entry.name == name) return entry;
  const std::vector<std::string> names = names_of(table);
  throw UsageError(std::string("unknown ") + what + " '" + name + "'" + suggestion(name, names) +
                   "; known: " + join(names, ", "));
}

std::string noise_text(const Protocol& protocol) {
  const std::string seed = std::to_string(protocol.noise_seed);
  const std::string drawn = protocol.noise == NoiseRule::kNumpyPerImage
                                ? "NumPy generator, seed " + seed + " for each image, drawn by row, column, channel"
                                : "LibTorch CPU generator, seed " + seed + " once";
  return drawn + (protocol.clip_noisy_input ? ", noisy image clipped to [0,1]" : ", not clipped");
}

std::string window_text(const Protocol& protocol) {
  if (protocol.windows == WindowRule::kNone) return "none, whole images";
  const std::string grid = "windows of " + std::to_string(protocol.window) + "x" + std::to_string(protocol.window) +
                           " by a stride of " + std::to_string(protocol.window_stride);
  return grid + (protocol.windows == WindowRule::kEach ? ", an image's figures are their means"
                                                       : ", put together, later ones over earlier ones");
}

bool has_windows(const Protocol& protocol, int64_t height, int64_t width) {
  return protocol.windows != WindowRule::kNone && std::min(height, width) >= protocol.window;
}

std::vector<image::PatchPosition> grid_of(const Protocol& protocol, int64_t height, int64_t width) {
  return image::test_grid(height, width, protocol.window, protocol.window_stride);
}

}  // namespace

const std::vector<Protocol>& protocols() {
  static const std::vector<Protocol> table{sound(), authors(), paper(), literature_denoise()};
  return table;
}

const Protocol& find_protocol(const std::string& name) { return find_in(protocols(), name, "protocol"); }
const MetricEntry& find_metric(const std::string& name) { return find_in(metric_entries(), name, "metric"); }

std::vector<std::pair<std::string, std::string>> Protocol::describe() const {
  return {
      {"protocol", name},
      {"summary", summary},
      {"source", source},
      {"channels",
       channels == ChannelRule::kAll ? "all (SSIM and NMI: mean over channels; PSNR: one MSE)" : "first only"},
      {"output", round_to_8bit ? "clipped to [0,1] and rounded to 8 bit" : "as computed, neither clipped nor rounded"},
      {"ssim",
       ssim == SsimKind::kGaussian11 ? "11x11 Gaussian window, sigma 1.5" : "7x7 flat window, sample covariance"},
      {"lpips", std::string("version 0.1, all channels, input ") + (lpips_centred ? "2x - 1" : "x, not centred")},
      {"noise", noise_text(*this)},
      {"windows", window_text(*this)},
      {"data_range", to_text(data_range)}};
}

std::pair<int64_t, int64_t> cropped_size(const Protocol& protocol, int64_t height, int64_t width) {
  if (!has_windows(protocol, height, width)) return {height, width};
  const image::GridSize covered = image::covered_size(height, width, protocol.window, protocol.window_stride);
  return {covered.height, covered.width};
}

Array crop(const Protocol& protocol, const Array& image) {
  if (!image.defined() || image.dim() < 2) throw ShapeError("image: expected [..., H, W], got " + shape_text(image));
  const auto [height, width] = cropped_size(protocol, image.size(-2), image.size(-1));
  return image.narrow(-2, 0, height).narrow(-1, 0, width);
}

std::vector<Array> windows_of(const Protocol& protocol, const Array& image) {
  const int64_t height = image.size(-2), width = image.size(-1), side = protocol.window;
  if (!has_windows(protocol, height, width)) return {image};
  const Array patches = image::extract_patches(image, grid_of(protocol, height, width), side);
  std::vector<Array> windows;
  for (int64_t i = 0; i < patches.size(0); ++i) windows.push_back(patches.select(0, i));
  return windows;
}

std::vector<Array> measured_parts(const Protocol& protocol, std::vector<Array> windows, int64_t height, int64_t width) {
  if (protocol.windows != WindowRule::kStitched || !has_windows(protocol, height, width)) return windows;
  return {image::stitch_patches(stack(windows), grid_of(protocol, height, width), height, width)};
}

Array measured_image(const Protocol& protocol, const Array& image) {
  if (!image.defined() || (image.dim() != 3 && image.dim() != 4) || image.numel() == 0)
    throw ShapeError("image: expected [C, H, W] or [N, C, H, W] and not empty, got " + shape_text(image));
  const Array seen = protocol.channels == ChannelRule::kFirst ? image.narrow(-3, 0, 1) : image;
  if (!protocol.round_to_8bit) return seen;
  const Array levels = round(clamp(seen, 0, 1) * 255.0).to(kFloat64);
  return levels /= 255.0;
}

}  // namespace sscvae::metrics
