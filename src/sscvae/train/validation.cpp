#include "sscvae/train/validation.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "sscvae/data/pairs.h"
#include "sscvae/image/noise.h"
#include "sscvae/image/patches.h"
#include "sscvae/metrics/code_usage.h"
#include "sscvae/metrics/protocol.h"
#include "sscvae/train/precision.h"

namespace sscvae::train {

namespace {

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();  // a figure that the model does not have
/// Only what costs little beside a training step: no perceptual metrics.
const std::vector<std::string> kFigures{"psnr", "ssim", "nnz", "hoyer", "fit_error"};

at::Tensor centre(const at::Tensor& image) { return image::middle_of(image, kValidationCrop).contiguous(); }

double validation_sigma(const data::NoiseOptions& noise) {
  return noise.sigma_8bit_max > noise.sigma_8bit ? (noise.sigma_8bit + noise.sigma_8bit_max) / 2 : noise.sigma_8bit;
}

/// Images first ... last - 1 as one batch.
struct Group {
  size_t first = 0, last = 0;
};

std::vector<Group> groups_of(const std::vector<ValidationImage>& images, int64_t largest) {
  std::vector<Group> groups;
  for (size_t i = 0; i < images.size(); ++i) {
    const bool joins = !groups.empty() && static_cast<int64_t>(i - groups.back().first) < largest &&
                       images[i].target.sizes() == images[groups.back().first].target.sizes();
    if (joins) ++groups.back().last;
    else groups.push_back({i, i + 1});
  }
  return groups;
}

at::Tensor stack(const std::vector<ValidationImage>& images, const Group& group, at::Tensor ValidationImage::*member,
                 c10::Device device) {
  std::vector<at::Tensor> tensors;
  for (size_t i = group.first; i < group.last; ++i) tensors.push_back(images[i].*member);
  return at::stack(tensors).to(device);
}

double number(const at::Tensor& scalar) { return scalar.defined() ? scalar.item<double>() : kMissing; }

at::Tensor part_of(const at::Tensor& batch, int64_t index) {
  return batch.defined() ? batch[index].cpu() : at::Tensor();
}

/// Adds the figures of each image of the group to the sums.
void add_validation_figures(const models::ForwardResult& result, const at::Tensor& target,
                            const ValidationSettings& settings, std::map<std::string, double>& sums) {
  const models::Losses losses = models::compute_losses(result, target, settings.train.loss, settings.sparsity_weight);
  const double count = static_cast<double>(target.size(0));
  sums["loss"] += count * number(losses.total);
  sums["reconstruction"] += count * number(losses.reconstruction);
  sums["latent"] += count * number(losses.latent);
  sums["sparsity"] += count * number(losses.sparsity);
  const metrics::Protocol& protocol = metrics::find_protocol("sound");
  for (int64_t i = 0; i < target.size(0); ++i) {
    const metrics::Sample sample{target[i].cpu(), part_of(result.reconstruction, i), part_of(result.sparse_code(), i),
                                 part_of(result.features, i), part_of(result.coded_features, i)};
    const auto figures = metrics::measure(sample, protocol, kFigures);
    for (const std::string& name : kFigures) {
      const auto found = figures.find(name);
      sums[name == "psnr" ? "psnr_db" : name] += found == figures.end() ? kMissing : found->second;
    }
  }
}

}  // namespace

const std::vector<std::string>& validation_columns() {
  static const std::vector<std::string> columns{"loss",      "reconstruction", "latent",    "sparsity",
                                                "psnr_db",   "ssim",           "nnz",       "hoyer",
                                                "fit_error", "codes_used",     "perplexity"};
  return columns;
}

std::vector<ValidationImage> validation_images(const data::SplitManifest& split, const std::string& part, int64_t count,
                                               const ExperimentOptions& options) {
  const std::vector<std::string> all = split.paths(part);
  if (count <= 0 || all.empty()) return {};
  const std::vector<std::string> chosen = data::spread_selection(all, count);
  std::vector<ValidationImage> images;
  if (options.task == Task::kEnhance) {
    const data::PairedStores pairs = data::open_pairs(options.data, chosen, options.model.in_channels, 0);
    for (int64_t i = 0; i < pairs.targets->size(); ++i)
      images.push_back({pairs.targets->name(i), centre(pairs.inputs->get(i)), centre(pairs.targets->get(i))});
    return images;
  }
  const data::ImageStore store(options.data.root, chosen, options.model.in_channels, 0, options.data.on_broken,
                               data::decoding_of(options.data));
  const double sigma = options.task == Task::kDenoise ? validation_sigma(options.data.noise) : 0;
  const data::NoiseOptions& noise = options.data.noise;
  for (int64_t i = 0; i < store.size(); ++i) {
    const at::Tensor target = centre(store.get(i));
    const at::Tensor input = sigma > 0 ? image::add_noise(noise.kind_of(i), target, sigma, 0, noise.clips(i)) : target;
    images.push_back({store.name(i), input, target});
  }
  return images;
}

std::map<std::string, double> validate(models::Autoencoder& model, const std::vector<ValidationImage>& images,
                                       const ValidationSettings& settings) {
  const at::NoGradGuard no_grad;
  const bool absorb = settings.train.validation_mode == ValidationMode::kTrain;
  model.train(absorb);
  std::map<std::string, double> figures;
  metrics::CodeUsage usage(model.num_codes());
  for (const Group& group : groups_of(images, absorb ? settings.train.batch_size : 1)) {
    const at::Tensor target = stack(images, group, &ValidationImage::target, settings.device);
    const at::Tensor input = stack(images, group, &ValidationImage::input, settings.device);
    models::ForwardResult result;
    {
      const AutocastScope autocast(settings.device, settings.bf16);
      result = models::forward_any_size(model, input);
    }
    add_validation_figures(result, target, settings, figures);
    if (result.indices.defined()) usage.add(result.indices);
  }
  model.train(true);
  for (auto& [name, sum] : figures) sum /= static_cast<double>(images.size());
  figures["codes_used"] = usage.used_share();
  figures["perplexity"] = usage.perplexity();
  return figures;
}

std::vector<at::Tensor> reconstruct_images(models::Autoencoder& model, const std::vector<ValidationImage>& images,
                                           const ValidationSettings& settings) {
  const at::NoGradGuard no_grad;
  const bool was_training = model.is_training();
  model.eval();
  std::vector<at::Tensor> reconstructions;
  for (const ValidationImage& image : images) {
    const AutocastScope autocast(settings.device, settings.bf16);
    const at::Tensor input = image.input.unsqueeze(0).to(settings.device);
    reconstructions.push_back(models::forward_any_size(model, input).reconstruction[0].cpu());
  }
  model.train(was_training);
  return reconstructions;
}

}  // namespace sscvae::train
