#pragma once

#include <string>
#include <vector>

#include "sscvae/core/options.h"

/// The JSON configurations of the authors' release, accepted unchanged.
namespace sscvae::experiments {

/// What such a file says, as options of ours. Four sections, each optional: data, model, train, test.
struct AuthorsConfig {
  Assignments values;              ///< "model.name", "model.in_channels", "data.dataset", ... in a fixed order
  std::vector<std::string> notes;  ///< keys that mean nothing here, in words
  std::string save_path;           ///< where their training would have written: the default output; "" if not given
};

/// `model` where the caller was told which it is. Else model kind and task come from the file's name
/// ("sscvae_recon_ultrasound.json", "scvae_denoise_gray_10.json"); `sigma` in the data section also means denoising,
/// `beta` in the model section also means VQ-VAE. The profile is `reference`, with grid patches for "gray" (BSDS500),
/// random crops for "imagenet", whole images for "ultrasound", and the authors' shuffled split. Errors: UsageError for
/// bad JSON, unknown keys (with the nearest name), wrong types, num_dims != out_channels.
AuthorsConfig read_authors_config(const std::string& json, const std::string& source, const std::string& model = "");

/// Is this JSON one of the authors' (rather than our own configuration written as JSON)?
bool is_authors_config(const Assignments& parsed);

}  // namespace sscvae::experiments
