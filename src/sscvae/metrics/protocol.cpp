#include "sscvae/metrics/protocol.h"

#include <ATen/TensorOperators.h>

#include <algorithm>

#include "sscvae/core/error.h"
#include "sscvae/core/shape.h"
#include "sscvae/core/text.h"

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
          .crop = Crop::kTopLeftMultiple,
          .crop_multiple = 256,
          .lpips_centred = false};
}

Protocol paper() {
  return {
      .name = "paper",
      .summary = "what the SSC-VAE paper's text says: its 256x256 images, all channels, added Gaussian noise unclipped",
      .source = "SSC-VAE (AAAI 2025), sections 4.3 to 4.5; where it is silent: unrounded output, Gaussian-window SSIM",
      .round_to_8bit = false,
      .crop = Crop::kTopLeftMultiple,
      .crop_multiple = 256};
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

}  // namespace

const std::vector<Protocol>& protocols() {
  static const std::vector<Protocol> table{sound(), authors(), paper(), literature_denoise()};
  return table;
}

const Protocol& find_protocol(const std::string& name) { return find_in(protocols(), name, "protocol"); }
const MetricEntry& find_metric(const std::string& name) { return find_in(metric_entries(), name, "metric"); }

std::vector<std::pair<std::string, std::string>> Protocol::describe() const {
  const std::string multiple = std::to_string(crop_multiple);
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
      {"crop", crop == Crop::kWhole ? "none, whole images" : "top-left part whose sides are multiples of " + multiple},
      {"data_range", to_text(data_range)}};
}

std::pair<int64_t, int64_t> cropped_size(const Protocol& protocol, int64_t height, int64_t width) {
  if (protocol.crop == Crop::kWhole) return {height, width};
  const auto cut = [&](int64_t side) {
    return side < protocol.crop_multiple ? side : side / protocol.crop_multiple * protocol.crop_multiple;
  };
  return {cut(height), cut(width)};
}

at::Tensor crop(const Protocol& protocol, const at::Tensor& image) {
  if (!image.defined() || image.dim() < 2) throw ShapeError("image: expected [..., H, W], got " + shape_text(image));
  const auto [height, width] = cropped_size(protocol, image.size(-2), image.size(-1));
  return image.narrow(-2, 0, height).narrow(-1, 0, width);
}

at::Tensor measured_image(const Protocol& protocol, const at::Tensor& image) {
  if (!image.defined() || (image.dim() != 3 && image.dim() != 4) || image.numel() == 0)
    throw ShapeError("image: expected [C, H, W] or [N, C, H, W] and not empty, got " + shape_text(image));
  at::Tensor seen = image.detach();
  if (protocol.channels == ChannelRule::kFirst) seen = seen.narrow(-3, 0, 1);
  if (protocol.round_to_8bit) seen = seen.clamp(0, 1).mul_(255).round_().to(at::kDouble).div_(255);
  return seen;
}

}  // namespace sscvae::metrics
