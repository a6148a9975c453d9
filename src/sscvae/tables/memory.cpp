#include "sscvae/tables/memory.h"

#include <nlohmann/json.hpp>

#include "sscvae/core/atomic_file.h"
#include "sscvae/core/error.h"

namespace sscvae::tables {

Memory Memory::from_file(const std::filesystem::path& path) {
  Memory memory;
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return memory;
  try {
    const nlohmann::json stored = nlohmann::json::parse(read_file(path));
    memory.used_seconds = stored.at("used_seconds");
    memory.planned_steps = stored.at("planned_steps");
    memory.image_seconds = stored.at("image_seconds");
    memory.rates = stored.at("rates").get<std::map<std::string, double>>();
    memory.steps = stored.at("steps").get<std::map<std::string, int64_t>>();
  } catch (const nlohmann::json::exception&) {
    throw FormatError("'" + path.string() + "' is damaged; remove it to plan anew");
  }
  return memory;
}

void Memory::write(const std::filesystem::path& path) const {
  const nlohmann::json stored{{"used_seconds", used_seconds},
                              {"planned_steps", planned_steps},
                              {"image_seconds", image_seconds},
                              {"rates", rates},
                              {"steps", steps}};
  write_atomically(path, stored.dump(2) + "\n");
}

}  // namespace sscvae::tables
