#pragma once

#include "sscvae/experiments/experiment.h"

/// What is to be trained and how, under the names that code outside of experiments/ uses.
namespace sscvae::train {

using experiments::AdversarialOptions;
using experiments::BestBy;
using experiments::Experiment;
using experiments::ExperimentOptions;
using experiments::NoiseLevels;
using experiments::OptimizerKind;
using experiments::Precision;
using experiments::Schedule;
using experiments::Task;
using experiments::TrainOptions;
using experiments::ValidationMode;

}  // namespace sscvae::train
