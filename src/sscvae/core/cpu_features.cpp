#include "sscvae/core/cpu_features.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <vector>

#include "sscvae/core/error.h"
#include "sscvae/core/text.h"

namespace sscvae {
namespace {

/// What SSCVAE_ISA may say.
struct InstructionSet {
  std::string name;
  std::vector<std::string> needed;  ///< flags of a processor that has it
  std::string base;                 ///< the set that it builds on
  std::vector<std::string> flags;   ///< the beginnings of the flags that come with it
};
/// The table of instruction sets, in rising order. Those that inner loops are compiled for have a row in kernels/isa.h.
const std::vector<InstructionSet>& instruction_sets() {
  static const std::vector<InstructionSet> sets{
      {"portable", {}, "", {}},
      {"neon", {"asimd"}, "portable", {"asimd"}},
      {"avx2", {"avx2", "fma"}, "portable", {"avx", "avx2", "fma", "f16c"}},
      {"avx512", {"avx512f", "avx512bw", "avx512vl", "avx512dq"}, "avx2", {"avx512"}},
      {"avx512_bf16", {"avx512_bf16"}, "avx512", {"avx512_bf16", "avx512_fp16"}},
      {"amx", {"amx_bf16"}, "avx512_bf16", {"amx"}}};
  return sets;
}

/// The set that a flag belongs to: the last one that lists a beginning of it, the first one without any.
size_t level_of(const std::string& flag) {
  size_t level = 0;
  for (size_t i = 0; i < instruction_sets().size(); ++i)
    for (const std::string& beginning : instruction_sets()[i].flags)
      if (flag.starts_with(beginning)) level = i;
  return level;
}

}  // namespace

bool CpuFeatures::runs(const std::string& instruction_set) const {
  for (const InstructionSet& set : instruction_sets())
    if (set.name == instruction_set)
      return std::all_of(set.needed.begin(), set.needed.end(), [&](const std::string& flag) { return has(flag); }) &&
             (set.base.empty() || runs(set.base));
  return false;
}

CpuFeatures hold_to(CpuFeatures features, const std::string& instruction_set) {
  std::vector<std::string> names;
  for (const InstructionSet& set : instruction_sets()) names.push_back(set.name);
  const auto found = std::find(names.begin(), names.end(), instruction_set);
  if (found == names.end())
    throw UsageError("SSCVAE_ISA: expected " + join(names, ", ") + ", got '" + instruction_set + "'" +
                     suggestion(instruction_set, names));
  const auto highest = static_cast<size_t>(found - names.begin());
  std::erase_if(features.flags, [&](const std::string& flag) { return level_of(flag) > highest; });
  features.held_to = instruction_set;
  return features;
}

CpuFeatures parse_cpuinfo(const std::string& text) {
  CpuFeatures features;
  for (const std::string& line : split(text, '\n')) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::string key(trim(std::string_view(line).substr(0, colon)));
    const std::string value(trim(std::string_view(line).substr(colon + 1)));
    if (key == "model name" && features.model.empty()) features.model = value;
    if ((key == "flags" || key == "Features") && features.flags.empty())
      for (const std::string& flag : split(value, ' ')) features.flags.insert(flag);
  }
  return features;
}

const CpuFeatures& cpu_features() {
  static const CpuFeatures features = [] {
    std::ifstream in("/proc/cpuinfo");
    CpuFeatures found = parse_cpuinfo({std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()});
#ifdef __aarch64__
    found.flags.insert("asimd");  // part of every such processor, also where the file speaks of the host of an emulator
#endif
    const char* held_to = std::getenv("SSCVAE_ISA");
    return held_to && *held_to ? hold_to(std::move(found), held_to) : found;
  }();
  return features;
}

}  // namespace sscvae
