#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

namespace sscvae::tables {

/// What plan.json remembers between calls.
struct Memory {
  double used_seconds = 0;
  int64_t planned_steps = 0;
  double image_seconds = 0;              ///< of evaluation; 0: not measured
  std::map<std::string, double> rates;   ///< steps a second by speed class
  std::map<std::string, int64_t> steps;  ///< by run key

  /// Nothing where there is no such file. Errors: FormatError.
  static Memory from_file(const std::filesystem::path& path);
  /// Errors: IoError.
  void write(const std::filesystem::path& path) const;
};

}  // namespace sscvae::tables
