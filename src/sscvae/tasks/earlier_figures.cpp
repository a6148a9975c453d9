#include "sscvae/tasks/earlier_figures.h"

#include <nlohmann/json.hpp>

#include "sscvae/core/atomic_file.h"
#include "sscvae/core/numbers.h"

namespace sscvae::tasks {

namespace fs = std::filesystem;

EarlierFigures::EarlierFigures(const fs::path& report, const Json& settings) {
  std::error_code error;
  if (!fs::is_regular_file(report, error)) return;
  const std::string name = "--skip-existing: '" + report.string() + "'";
  const Json earlier = Json::parse(read_file(report), nullptr, false);
  if (!earlier.is_object() || !earlier.contains("images") || !earlier["images"].is_array())
    throw UsageError(name + " is no report of an evaluation");
  for (const auto& [key, value] : settings.items())
    if (!earlier.contains(key) || nlohmann::json(earlier[key]) != nlohmann::json(value))  // in whatever order
      throw UsageError(name + " is of another evaluation: " + key + " is " + value.dump() + " now, there " +
                       (earlier.contains(key) ? earlier[key].dump() : "nothing") + "; choose another file");
  time_ = fs::last_write_time(report, error);
  per_image_ = earlier.value("per_image", "");
  for (const Json& row : earlier["images"]) {
    if (!row.is_object() || !row.contains("name")) throw UsageError(name + " is no report of an evaluation");
    for (const auto& [key, value] : row.items()) {
      if (key == "name") continue;
      std::optional<double> number;
      if (value.is_number()) number = value.get<double>();
      if (value.is_string()) number = parse_real(value.get<std::string>());  // "inf", "nan"
      if (number.has_value()) figures_[row["name"].get<std::string>()][key] = number.value();
    }
  }
}

std::optional<std::map<std::string, double>> EarlierFigures::of(const std::string& name, const fs::path& image) const {
  const auto found = figures_.find(name);
  std::error_code error;
  if (found == figures_.end() || fs::last_write_time(image, error) > time_ || error) return std::nullopt;
  return found->second;
}

}  // namespace sscvae::tasks
