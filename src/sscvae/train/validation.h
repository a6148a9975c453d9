#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <map>
#include <string>
#include <vector>

#include "sscvae/data/split.h"
#include "sscvae/models/autoencoder.h"
#include "sscvae/train/experiment.h"

/// What a model under training achieves on images it does not see.
namespace sscvae::train {

/// float32 [C,H,W]; `input` is the clean `target` itself, its noisy copy, or its partner in a pair.
struct ValidationImage {
  std::string name;
  at::Tensor input, target;
};

inline constexpr int64_t kValidationCrop = 256;  ///< larger images are validated on their centre of this size, pixels

/// `count` images of `part`, evenly spread over the split; fewer if there are fewer, none if the part is empty. Noise:
/// the literature's rule (image::add_gaussian_noise, seed 0); where levels are drawn from a range, its middle.
std::vector<ValidationImage> validation_images(const data::SplitManifest& split, const std::string& part, int64_t count,
                                               const ExperimentOptions& options);

/// The columns of validation.csv after `step`: means over images of the losses (with the current weight of the sparsity
/// term) and of the metrics under protocol `sound`; the usage of a codebook over all images together.
const std::vector<std::string>& validation_columns();

struct ValidationSettings {
  TrainOptions train;
  double sparsity_weight = 0;
  c10::Device device = c10::Device(c10::kCPU);
  bool bf16 = false;
};

/// Figures by column. Eval mode: images one by one, the model is as before. Train mode: batches of up to
/// train.batch_size images of one size; BatchNorm statistics absorb them (the authors' habit). Leaves the model in
/// train mode.
std::map<std::string, double> validate(models::Autoencoder& model, const std::vector<ValidationImage>& images,
                                       const ValidationSettings& settings);

/// Reconstructions in eval mode, [C,H,W] each. Leaves the model in the mode it had.
std::vector<at::Tensor> reconstruct_images(models::Autoencoder& model, const std::vector<ValidationImage>& images,
                                           const ValidationSettings& settings);

}  // namespace sscvae::train
