#include "sscvae/train/validation.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "sscvae/metrics/code_usage.h"
#include "sscvae/metrics/protocol.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/train/precision.h"

namespace sscvae::train {

namespace {

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();  // a figure that the model does not have
/// Only what costs little beside a training step: no perceptual metrics.
const std::vector<std::string> kFigures{"psnr", "ssim", "nnz", "hoyer", "fit_error"};

/// Images first ... last - 1, which have one size.
struct Group {
  int64_t first = 0, last = 0;
};

std::vector<Group> groups_of(const ValidationSet& images, int64_t largest) {
  std::vector<Group> groups;
  for (int64_t i = 0; i < images.size(); ++i) {
    const bool joins =
        !groups.empty() && i - groups.back().first < largest && images.sides(i) == images.sides(groups.back().first);
    if (joins) ++groups.back().last;
    else groups.push_back({i, i + 1});
  }
  return groups;
}

/// One batch; both are the same tensor where input and target are.
struct ValidationBatch {
  at::Tensor input, target;
};

ValidationBatch batch_of(const ValidationSet& images, const Group& group, c10::Device device) {
  std::vector<at::Tensor> inputs, targets;
  for (int64_t i = group.first; i < group.last; ++i) {
    const ValidationImage image = images.get(i);
    inputs.push_back(image.input);
    targets.push_back(image.target);
  }
  return {at::stack(inputs).to(device), at::stack(targets).to(device)};
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

std::map<std::string, double> validate(models::Autoencoder& model, const ValidationSet& images,
                                       const ValidationSettings& settings) {
  const at::NoGradGuard no_grad;
  const bool absorb = settings.train.validation_mode == ValidationMode::kTrain;
  model.train(absorb);
  std::map<std::string, double> figures;
  metrics::CodeUsage usage(model.num_codes());
  for (const Group& group : groups_of(images, absorb ? settings.train.batch_size : 1)) {
    const ValidationBatch batch = batch_of(images, group, settings.device);
    models::ForwardResult result;
    {
      const AutocastScope autocast(settings.device, settings.bf16);
      result = models::forward_any_size(model, batch.input);
    }
    add_validation_figures(result, batch.target, settings, figures);
    if (result.indices.defined()) usage.add(result.indices.cpu());
  }
  model.train(true);
  for (auto& [name, sum] : figures) sum /= static_cast<double>(images.size());
  figures["codes_used"] = usage.used_share();
  figures["perplexity"] = usage.perplexity();
  return figures;
}

double validation_score(const std::map<std::string, double>& figures, BestBy best_by) {
  return best_by == BestBy::kLoss ? -figures.at("loss") : figures.at("psnr_db");
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
