#pragma once

#include <cstdint>
#include <string>

namespace sscvae {

/// Largest amount of memory that this process ever held at once (VmHWM of /proc/self/status), in bytes; -1 where the
/// system does not say.
int64_t peak_resident_bytes();

/// The same from the text of a /proc/<pid>/status.
int64_t parse_peak_resident(const std::string& status);

}  // namespace sscvae
