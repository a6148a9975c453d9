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
  bool tf32 = false;           ///< CUDA: products of float32 numbers may round them to 10 bits of mantissa first
};

/// What is used.
struct Compute {
  c10::Device device = c10::Device(c10::kCPU);
  bool bf16 = false;
  bool tf32 = false;         ///< of what is not bf16
  std::string text() const;  ///< "cpu fp32, 2 threads"
};

/// Sets the number of threads and, on CUDA, how float32 is multiplied, and resolves the rest; auto takes the first CUDA
/// device if there is one. Errors: UsageError for unknown names, for cuda where this LibTorch or this machine has none,
/// and for tf32 elsewhere.
Compute resolve_compute(const ComputeOptions& options);

/// On CUDA convolutions are from now on chosen by trial, which takes a moment for each new shape: for passes that
/// repeat a few shapes. Not where algorithms are to be deterministic.
void expect_repeated_shapes(const Compute& compute);

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
