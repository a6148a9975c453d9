#include "sscvae/core/process_memory.h"

#include <cstdlib>
#include <fstream>
#include <iterator>

namespace sscvae {

int64_t parse_peak_resident(const std::string& status) {
  const std::string key = "VmHWM:";
  const size_t at = status.find(key);
  if (at == std::string::npos) return -1;
  return std::atoll(status.c_str() + at + key.size()) * 1024;  // the kernel writes kB and means KiB
}

int64_t peak_resident_bytes() {
  std::ifstream in("/proc/self/status");
  return parse_peak_resident({std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()});
}

}  // namespace sscvae
