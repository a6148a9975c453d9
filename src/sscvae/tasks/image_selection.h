#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "sscvae/data/data_options.h"
#include "sscvae/data/split.h"

/// Which images of a dataset a command works on.
namespace sscvae::tasks {

struct ImageSelection {
  std::string data;         ///< root of the dataset; "": the one of the configuration
  std::string dataset;      ///< registry name; "": the configuration's
  std::string data_config;  ///< an experiment whose data part is used instead of the weights' own
  std::string part;         ///< train | val | test | all; "": the command's own, or all where `dataset` is folder
  std::string split;        ///< a manifest
  int64_t limit = 0;        ///< so many images (take_spread); 0: all
};

struct SelectedImages {
  data::DataOptions data;
  data::SplitManifest manifest;
  std::string part;
  std::vector<std::string> paths;  ///< all of the part, relative to data.root

  std::filesystem::path path(size_t index) const { return std::filesystem::path(data.root) / paths[index]; }
};

/// Leaves so many images, at even distances over the list sorted by group (organ, class, folder) and path; 0: all.
void take_spread(SelectedImages& images, int64_t limit);

/// `configured` is what the weights were trained on; the selection's limit is left to the command. Where `data` is
/// given and nothing else, and has not the layout that the weights remember, it is taken as dataset `folder`, with a
/// note. Errors: UsageError; IoError for a missing root.
SelectedImages select_images(const ImageSelection& selection, const data::DataOptions& configured,
                             const std::string& usual_part);

}  // namespace sscvae::tasks
