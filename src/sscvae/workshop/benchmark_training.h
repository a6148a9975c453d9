#pragma once

#include "sscvae/tasks/benchmark_stages.h"
#include "sscvae/workshop/mac_counter.h"

/// The stages of `sscvae benchmark` that run what training runs.
namespace sscvae::workshop {

/// One optimizer step (train/training_step.h) on one batch, in the model's configuration, whose precision is used
/// unless the options name one. Results: loss of the first step. Errors: UsageError for models that are trained against
/// a discriminator or with a perceptual distance.
tasks::Stage training_stage(const tasks::BenchmarkOptions& options, const runtime::Compute& compute);
/// The sparse coder's iterations alone (nn/lista.h, projected start), with a threshold for each position and atom;
/// forward, and forward with the gradients of <code, cotangent> towards all four inputs. Results: non-zeros. Outputs:
/// code, gradient.features, gradient.dictionary, gradient.lipschitz, gradient.threshold.
tasks::Stage lista_stage(const tasks::BenchmarkOptions& options, const runtime::Compute& compute);

/// A pass whose operations LibTorch runs: counted as they run unless `macs` says how many they are; `names` are those
/// of the parameters in use.
tasks::TimedPass libtorch_pass(const std::string& name, const std::function<void()>& run, const std::string& item,
                               int64_t items, const runtime::Compute& compute, const ParameterNames& names = {},
                               int64_t macs = 0);
/// A stage on the device, with its arithmetic limit: LibTorch's products of matrices.
tasks::Stage libtorch_stage(const runtime::Compute& compute);

}  // namespace sscvae::workshop
