#pragma once

#include <set>
#include <string>

namespace sscvae {

/// What the processor says about itself.
struct CpuFeatures {
  std::string model;            ///< "Intel(R) Xeon(R) ...", "" if unknown
  std::set<std::string> flags;  ///< as the Linux kernel names them: "avx2", "avx512f", "avx512_bf16", "amx_bf16"
  bool has(const std::string& flag) const { return flags.count(flag) > 0; }
  /// Does it multiply bfloat16 matrices in hardware (AVX512_BF16 or AMX_BF16)?
  bool has_fast_bf16() const { return has("avx512_bf16") || has("amx_bf16"); }
};

/// Of this machine, from /proc/cpuinfo; empty where there is none.
const CpuFeatures& cpu_features();

/// The same from the text of a /proc/cpuinfo: "model name" and "flags" of the first processor.
CpuFeatures parse_cpuinfo(const std::string& text);

}  // namespace sscvae
