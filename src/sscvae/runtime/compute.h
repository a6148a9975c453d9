#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "sscvae/runtime/runner.h"

/// Where and how a command computes.
namespace sscvae::runtime {

class Backend;

/// As given on the command line.
struct ComputeOptions {
  std::string device = "auto";  ///< auto | cpu | cuda | cuda:<i>
  std::string precision =
      "auto";                  ///< auto | fp32 | bf16; inference computes in fp32 under auto, so that figures are exact
  int64_t threads = 0;         ///< 0: as many as the processor has
  bool deterministic = false;  ///< one thread, whose order of sums is fixed; on CUDA deterministic algorithms
  bool tf32 = false;           ///< CUDA: products of float32 numbers may round them to 10 bits of mantissa first
  const Backend* backend = nullptr;  ///< what computes elsewhere than this library does; nullptr: nothing
};

/// What is used.
struct Compute {
  std::string device = "cpu";  ///< or "cuda:0"
  bool bf16 = false;
  bool tf32 = false;  ///< of what is not bf16
  const Backend* backend = nullptr;
  bool on_cpu() const { return device == "cpu"; }
  std::string text() const;  ///< "cpu fp32, 2 threads"
};

/// Passes that this library has no code for, by a library that is linked where it is wanted: on GPUs, and in train
/// mode.
class Backend {
 public:
  virtual ~Backend() = default;
  /// As resolve_compute, of any device; auto takes the first GPU if there is one.
  virtual Compute resolve(const ComputeOptions& options) const = 0;
  virtual std::unique_ptr<Runner> make_runner(const Model& model, const Compute& compute,
                                              const RunnerSettings& settings) const = 0;
};

/// Sets the number of threads and resolves the rest. Errors: UsageError for unknown names, for devices that are not
/// there, and for tf32 elsewhere than on a GPU.
Compute resolve_compute(const ComputeOptions& options);
/// The part of it that all devices share: checks precision and threads. Errors: UsageError.
Compute checked_compute(const ComputeOptions& options);

/// A runner for a model in eval mode on the CPU: steps of the engine, or ("plain") operation by operation; otherwise
/// the backend's. Errors: UsageError for an engine that is neither fast nor plain, for bf16 without the engine, and
/// without a backend where one is needed.
std::unique_ptr<Runner> make_runner(const Model& model, const Compute& compute, const RunnerSettings& settings);

/// Is there an engine for it? Errors: UsageError for a name that is neither fast nor plain.
bool has_engine(const RunnerSettings& settings, const Compute& compute);
/// What that engine computes in: bf16 that is asked for becomes fp32 on a processor without AVX512_BF16, where the fp32
/// engine is the faster one; a note says so. Errors as has_engine.
Compute engine_compute(const RunnerSettings& settings, Compute compute);

}  // namespace sscvae::runtime
