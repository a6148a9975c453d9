#include "sscvae/core/cpu_features.h"

#include <fstream>
#include <iterator>

#include "sscvae/core/text.h"

namespace sscvae {

CpuFeatures parse_cpuinfo(const std::string& text) {
  CpuFeatures features;
  for (const std::string& line : split(text, '\n')) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::string key(trim(std::string_view(line).substr(0, colon)));
    const std::string value(trim(std::string_view(line).substr(colon + 1)));
    if (key == "model name" && features.model.empty()) features.model = value;
    if (key == "flags" && features.flags.empty())
      for (const std::string& flag : split(value, ' ')) features.flags.insert(flag);
  }
  return features;
}

const CpuFeatures& cpu_features() {
  static const CpuFeatures features = [] {
    std::ifstream in("/proc/cpuinfo");
    return parse_cpuinfo({std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()});
  }();
  return features;
}

}  // namespace sscvae
