#pragma once

#include <set>
#include <string>

namespace sscvae {

/// What the processor says about itself.
struct CpuFeatures {
  std::string model;            ///< "Intel(R) Xeon(R) ...", "" if unknown
  std::set<std::string> flags;  ///< as the Linux kernel names them: "avx2", "avx512f", "avx512_bf16", "amx_bf16"
  std::string held_to;          ///< the instruction set that SSCVAE_ISA limited the flags to, "" if it is not set
  bool has(const std::string& flag) const { return flags.count(flag) > 0; }
  /// Are the instructions of a set there, those of the sets that it builds on included? Sets: see hold_to.
  bool runs(const std::string& instruction_set) const;
  /// Does it multiply bfloat16 matrices in hardware (AVX512_BF16 or AMX_BF16)?
  bool has_fast_bf16() const { return has("avx512_bf16") || has("amx_bf16"); }
};

/// The features of this machine, from /proc/cpuinfo; empty if that file is missing. The environment variable SSCVAE_ISA
/// limits them (see hold_to) and is read once. Errors: UsageError at every call if SSCVAE_ISA has an unknown value.
const CpuFeatures& cpu_features();

/// The same from the text of a /proc/cpuinfo: "model name" and "flags" (on ARM "Features") of the first processor.
CpuFeatures parse_cpuinfo(const std::string& text);

/// Removes all features above the given instruction set, so that none of our kernels uses them. The sets, in rising
/// order: "portable", "neon", "avx2", "avx512", "avx512_bf16", "amx". Features that the processor lacks are never
/// added. Errors: UsageError for any other name.
CpuFeatures hold_to(CpuFeatures features, const std::string& instruction_set);

}  // namespace sscvae
