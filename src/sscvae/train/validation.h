#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <map>
#include <string>
#include <vector>

#include "sscvae/models/autoencoder.h"
#include "sscvae/train/options.h"
#include "sscvae/train/validation_set.h"

/// What a model under training achieves on images it does not see.
namespace sscvae::train {

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
std::map<std::string, double> validate(models::Autoencoder& model, const ValidationSet& images,
                                       const ValidationSettings& settings);

/// How good a validation is by train.best_by, higher being better: its mean PSNR in dB, or its mean loss negated.
double validation_score(const std::map<std::string, double>& figures, BestBy best_by);

/// Reconstructions in eval mode, [C,H,W] each. Leaves the model in the mode it had.
std::vector<at::Tensor> reconstruct_images(models::Autoencoder& model, const std::vector<ValidationImage>& images,
                                           const ValidationSettings& settings);

}  // namespace sscvae::train
