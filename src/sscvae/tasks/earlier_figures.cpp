#include "sscvae/tasks/earlier_figures.h"

#include <nlohmann/json.hpp>

#include "sscvae/core/atomic_file.h"
#include "sscvae/core/numbers.h"

namespace sscvae::tasks {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void refuse_earlier(const fs::path& report, const std::string& why) {
  throw UsageError("--skip-existing: '" + report.string() + "' is " + why);
}

}  // namespace

Json read_earlier_report(const fs::path& report, const Json& settings) {
  Json earlier = Json::parse(read_file(report), nullptr, false);
  if (!earlier.is_object() || !earlier.contains("images") || !earlier["images"].is_array())
    refuse_earlier(report, "no report of such a call");
  for (const auto& [key, value] : settings.items())
    if (!earlier.contains(key) || nlohmann::json(earlier[key]) != nlohmann::json(value))  // in whatever order
      refuse_earlier(report, "the report of another call: " + key + " is " + value.dump() + " now, there " +
                                 (earlier.contains(key) ? earlier[key].dump() : "nothing") + "; choose another file");
  return earlier;
}

void add_earlier_results(Json& images, const Json& report, const std::vector<ImageJob>& results) {
  if (results.empty() || !report.contains("images")) return;
  std::map<std::string, const Json*> known;
  for (const Json& image : report["images"])
    if (image.is_object() && image.contains("output")) known.emplace(image["output"].dump(), &image);
  for (const ImageJob& job : results)
    if (const auto found = known.find(Json(job.output.string()).dump()); found != known.end())
      images.push_back(*found->second);
}

EarlierFigures::EarlierFigures(const fs::path& report, const Json& settings) {
  std::error_code error;
  if (!fs::is_regular_file(report, error)) return;
  const Json earlier = read_earlier_report(report, settings);
  time_ = fs::last_write_time(report, error);
  per_image_ = earlier.value("per_image", "");
  for (const Json& row : earlier["images"]) {
    if (!row.is_object() || !row.contains("name")) refuse_earlier(report, "no report of such a call");
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
