#include "sscvae/core/process_memory.h"

#include <fstream>
#include <iterator>
#include <optional>
#include <string_view>

#include "sscvae/core/numbers.h"
#include "sscvae/core/text.h"

namespace sscvae {

int64_t parse_peak_resident(const std::string& status) {
  const std::string key = "VmHWM:";
  const size_t at = status.find(key);
  if (at == std::string::npos) return -1;
  const std::string_view line = trim(std::string_view(status).substr(at + key.size()));
  const std::optional<int64_t> number = parse_whole(line.substr(0, line.find(' ')));
  return number ? *number * 1024 : -1;  // the kernel writes kB and means KiB
}

int64_t peak_resident_bytes() {
  std::ifstream in("/proc/self/status");
  return parse_peak_resident({std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()});
}

}  // namespace sscvae
