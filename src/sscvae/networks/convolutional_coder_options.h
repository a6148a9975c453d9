#pragma once

#include "sscvae/networks/sparse_coder_options.h"

namespace sscvae::networks {

/// Whether an entry of the code passes by itself, or by the energy of its group.
enum class Shrinkage { kSeparate, kGrouped };

/// The convolutional sparse coder `csc`.
struct ConvolutionalCoderOptions {
  int64_t num_atoms = 100;
  int64_t stride = 2;
  int64_t kernel = 5;
  int64_t num_iterations = 7;
  ThresholdKind threshold = ThresholdKind::kInferred;
  ThresholdRefinement threshold_refinement = ThresholdRefinement::kCbam;
  int64_t attention_width = 64;
  int64_t attention_blocks = 2;
  int64_t attention_scales = 1;
  Shrinkage shrinkage = Shrinkage::kSeparate;
  int64_t group_rank = 16;
  int64_t group_window = 5;
  bool unit_ball = false;
  void describe(FieldList& fields);
};

}  // namespace sscvae::networks

template <>
inline const std::vector<std::string>& sscvae::choice_names<sscvae::networks::Shrinkage>() {
  static const std::vector<std::string> names{"separate", "grouped"};
  return names;
}
