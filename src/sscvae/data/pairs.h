#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "sscvae/data/image_store.h"

/// Pairs of registered images of one scene: what the network sees (a low-quality device) and what it should make of it.
namespace sscvae::data {

/// Folder of the inputs: data.input_root, or data.root where that is empty.
std::filesystem::path input_root(const DataOptions& options);

/// The input of each target path, relative to input_root(). With data.input_root they have the targets' paths; without
/// it the dataset is `ultrasound` and <organ>/<quality>/x.png belongs to <organ>/<input_quality>/x.png.
/// Errors: UsageError if the options name no inputs, or if inputs and targets would be the same files; IoError naming
/// the first input that is not there and how many are missing.
std::vector<std::string> input_paths(const DataOptions& options, const std::vector<std::string>& targets);

/// Two stores of equal length: image i of one belongs to image i of the other. Under kSkip a pair is left out if either
/// image is broken; one beyond the cache that turns out to be damaged later is an error (its replacement would be no
/// partner).
struct PairedStores {
  std::unique_ptr<ImageStore> inputs, targets;
};

/// Errors: as ImageStore; FormatError naming the first pair whose sizes differ.
PairedStores open_pairs(const DataOptions& options, const std::vector<std::string>& targets, int64_t channels,
                        int64_t cache_mb);

}  // namespace sscvae::data
