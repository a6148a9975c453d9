#include "sscvae/tasks/code_json.h"

#include <nlohmann/json.hpp>

namespace sscvae::tasks {

Json to_json(const runtime::CodeStatistics& statistics) {
  Json json;
  for (const auto& [name, value] : runtime::figures_of(statistics)) json[name] = json_number(value);
  json["positions"] = statistics.positions;
  return json;
}

}  // namespace sscvae::tasks
