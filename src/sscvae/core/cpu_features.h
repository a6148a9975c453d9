#pragma once

#include <set>
#include <string>

namespace sscvae {

/// What the processor says about itself.
struct CpuFeatures {
  std::string model;            ///< "Intel(R) Xeon(R) ...", "" if unknown
  std::set<std::string> flags;  ///< as the Linux kernel names them: "avx2", "avx512f", "avx512_bf16", "amx_bf16"
  std::string held_to;          ///< the value of SSCVAE_ISA that flags were taken out for, "" without it
  bool has(const std::string& flag) const { return flags.count(flag) > 0; }
  /// Does it multiply bfloat16 matrices in hardware (AVX512_BF16 or AMX_BF16)?
  bool has_fast_bf16() const { return has("avx512_bf16") || has("amx_bf16"); }
};

/// Of this machine, from /proc/cpuinfo; empty where there is none. The environment variable SSCVAE_ISA (see hold_to) is
/// read once. Errors: UsageError for an unknown value of it, at every call.
const CpuFeatures& cpu_features();

/// The same from the text of a /proc/cpuinfo: "model name" and "flags" of the first processor.
CpuFeatures parse_cpuinfo(const std::string& text);

/// Takes out what lies above an instruction set, so that no kernel of ours uses it. In rising order: "portable", "avx2",
/// "avx512", "avx512_bf16", "amx". A set that the processor lacks is not added. Errors: UsageError for another name.
CpuFeatures hold_to(CpuFeatures features, const std::string& instruction_set);

}  // namespace sscvae
