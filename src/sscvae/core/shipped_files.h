#pragma once

#include <string>
#include <vector>

/// Files that come with the program: weights of models and of perceptual metrics, splits of datasets.
namespace sscvae {

/// Where they may lie: SSCVAE_MODELS, then share/sscvae/models beside the program's bin, then models/ beside the
/// program's build folder; those that exist. Empty for a program of somebody else that does not set SSCVAE_MODELS.
std::vector<std::string> shipped_folders();

/// The first of these folders' file `relative` ("lpips/lpips_alex_v0.1.safetensors"); "" if none has it.
std::string find_shipped_file(const std::string& relative);

}  // namespace sscvae
