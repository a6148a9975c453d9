#pragma once

#include "sscvae/networks/model_options.h"

/// The options of networks, by the names that those who use models know.
namespace sscvae::models {

using networks::Attention;
using networks::Backbone;
using networks::ConvolutionalCoderOptions;
using networks::FeatureNorm;
using networks::GaussianOptions;
using networks::LiteBackboneOptions;
using networks::ModelOptions;
using networks::Normalization;
using networks::OutputActivation;
using networks::ReferenceBackboneOptions;
using networks::Shrinkage;

}  // namespace sscvae::models
