#pragma once

#include <c10/core/Device.h>

#include <memory>

#include "sscvae/runtime/compute.h"
#include "sscvae/tasks/report.h"

/// What LibTorch adds to the library that runs models: GPUs, and passes in train mode.
namespace sscvae::workshop {

const runtime::Backend& libtorch_backend();

c10::Device device_of(const runtime::Compute& compute);

/// On CUDA convolutions are from now on chosen by trial, which takes a moment for each new shape: for passes that
/// repeat a few shapes. Not where algorithms are to be deterministic.
void expect_repeated_shapes(const runtime::Compute& compute);
/// Returns when the device has done what it was given.
void finish_work(c10::Device device);

/// Mixed precision and no gradients while it lives: convolutions and matrix products in bfloat16 if asked for.
class InferenceScope {
 public:
  explicit InferenceScope(const runtime::Compute& compute);
  ~InferenceScope();
  InferenceScope(const InferenceScope&) = delete;
  InferenceScope& operator=(const InferenceScope&) = delete;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Version and abilities, for `doctor`; version and path, for `benchmark`.
tasks::Json libtorch_abilities();
tasks::Json libtorch_version();

}  // namespace sscvae::workshop
