#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <memory>
#include <string>

/// Where and how a command computes.
namespace sscvae::tasks {

/// As given on the command line.
struct ComputeOptions {
  std::string device = "auto";  ///< auto | cpu | cuda | cuda:<i>
  std::string precision =
      "auto";                  ///< auto | fp32 | bf16; inference computes in fp32 under auto, so that figures are exact
  int64_t threads = 0;         ///< 0: LibTorch's choice
  bool deterministic = false;  ///< one thread, whose order of sums is fixed; on CUDA deterministic algorithms
};

/// What is used.
struct Compute {
  c10::Device device = c10::Device(c10::kCPU);
  bool bf16 = false;
  std::string text() const;  ///< "cpu fp32, 2 threads"
};

/// Sets the number of threads and resolves the rest; auto takes the first CUDA device if there is one.
/// Errors: UsageError for unknown names, and for cuda where this LibTorch or this machine has none.
Compute resolve_compute(const ComputeOptions& options);

/// Mixed precision and no gradients while it lives: convolutions and matrix products in bfloat16 if asked for.
class InferenceScope {
 public:
  explicit InferenceScope(const Compute& compute);
  ~InferenceScope();
  InferenceScope(const InferenceScope&) = delete;
  InferenceScope& operator=(const InferenceScope&) = delete;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sscvae::tasks
