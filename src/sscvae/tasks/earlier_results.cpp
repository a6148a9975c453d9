#include "sscvae/tasks/earlier_results.h"

#include <nlohmann/json.hpp>

#include "sscvae/core/atomic_file.h"
#include "sscvae/core/error.h"

namespace sscvae::tasks {

Json earlier_results(const std::string& report, const std::string& command, const std::string& weights_sha256) {
  Json results = Json::object();
  if (report.empty()) return results;
  const Json earlier = Json::parse(read_file(report), nullptr, false);
  const auto says = [&](const char* key, const std::string& value) {
    return earlier.is_object() && earlier.contains(key) && earlier[key] == value;
  };
  if (!says("command", command) || !says("weights_sha256", weights_sha256) || !earlier.contains("images"))
    throw UsageError("--skip-existing: '" + report + "' is no report of " + command +
                     " with these weights: choose another file for --json");
  for (const Json& image : earlier["images"])
    if (image.is_object() && image.contains("output") && image["output"].is_string())
      results[image["output"].get<std::string>()] = image;
  return results;
}

void add_results(Json& images, const Json& earlier, const std::vector<ImageJob>& jobs) {
  for (const ImageJob& job : jobs)
    if (earlier.contains(job.output.string())) images.push_back(earlier[job.output.string()]);
}

}  // namespace sscvae::tasks
