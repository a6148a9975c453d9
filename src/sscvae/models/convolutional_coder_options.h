#pragma once

#include "sscvae/nn/sparse_coder_options.h"

namespace sscvae::models {

/// The convolutional sparse coder `csc`.
struct ConvolutionalCoderOptions {
  int64_t num_atoms = 100;
  int64_t stride = 2;
  int64_t kernel = 5;
  int64_t num_iterations = 7;
  nn::ThresholdKind threshold = nn::ThresholdKind::kInferred;
  nn::ThresholdRefinement threshold_refinement = nn::ThresholdRefinement::kCbam;
  int64_t attention_width = 64;
  int64_t attention_blocks = 2;
  int64_t attention_scales = 1;
  void describe(FieldList& fields);
};

}  // namespace sscvae::models
