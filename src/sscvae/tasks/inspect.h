#pragma once

#include <string>

#include "sscvae/tasks/reading.h"
#include "sscvae/tasks/report.h"

namespace sscvae::tasks {

struct InspectOptions {
  std::string weights;
  ReadingOptions reading;
  bool tensors = true;           ///< statistics of every tensor
  std::string atoms;             ///< PNG: every dictionary atom as the decoder draws it
  std::string thresholds;        ///< image whose threshold maps are drawn
  std::string codes;             ///< image whose code maps are drawn
  std::string out;               ///< folder of the maps
  std::string diagram;           ///< SVG of the network
  std::string size = "256x256";  ///< HxW of the images that the diagram's sizes are of
  bool overwrite = false;
};

/// What a weights file is: metadata, and name, shape, dtype, minimum, maximum, mean and standard deviation of every
/// tensor, for .safetensors of any origin and .pt state dicts. The pictures need weights with a configuration:
///   atoms       decode(one code 1 at the middle of a 3x3 grid) - decode(0), all atoms in a mosaic;
///   thresholds  threshold_inference.png, threshold_refinement.png: mean over atoms, at latent resolution;
///   codes       nonzeros.png (per position), magnitude.png (sum of |z|);
///   diagram     the network, drawn (network_diagram.h).
/// The JSON says which value is the lowest and highest colour. Errors: UsageError, IoError, FormatError.
Report inspect(const InspectOptions& options);

}  // namespace sscvae::tasks
