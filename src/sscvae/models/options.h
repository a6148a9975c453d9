#pragma once

#include "sscvae/networks/model_options.h"

/// The options of networks, under the names that code outside of networks/ uses.
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
