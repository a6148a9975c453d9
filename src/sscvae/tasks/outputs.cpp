#include "sscvae/tasks/outputs.h"

#include <map>

#include "sscvae/core/log.h"
#include "sscvae/core/text.h"
#include "sscvae/image/file_list.h"
#include "sscvae/image/image.h"

namespace sscvae::tasks {

namespace fs = std::filesystem;

std::vector<ImageJob> plan_images(const std::vector<std::string>& inputs, const fs::path& out,
                                  const std::string& extension, bool overwrite) {
  if (out.empty()) throw UsageError("--out: expected a folder");
  std::error_code error;
  if (fs::exists(out, error) && !fs::is_directory(out, error))
    throw UsageError("--out '" + out.string() + "' is a file, expected a folder");
  std::vector<ImageJob> jobs;
  std::map<fs::path, fs::path> taken;
  for (const image::InputFile& file : image::expand_inputs(inputs)) {
    fs::path relative = file.relative;
    if (!extension.empty()) relative.replace_extension(extension);
    else if (!image::has_image_extension(relative)) relative.replace_extension(".png");
    const fs::path output = (out / relative).lexically_normal();
    const auto [other, fresh] = taken.emplace(output, file.path);
    if (!fresh)
      throw UsageError("'" + other->second.string() + "' and '" + file.path.string() + "' would both become '" +
                       output.string() + "'");
    if (!overwrite && fs::exists(output, error))
      throw UsageError("'" + output.string() + "' exists; --overwrite replaces it");
    jobs.push_back({file.path, output, file.relative.generic_string()});
  }
  return jobs;
}

std::string extension_of_format(const std::string& format) {
  if (format == "keep") return "";
  if (format == "png") return ".png";
  if (format == "jpg") return ".jpg";
  throw UsageError("--format: expected keep, png or jpg, got '" + format + "'" +
                   suggestion(format, {"keep", "png", "jpg"}));
}

void BrokenImages::add(const std::string& name, const std::exception& error) {
  const Failure failure = describe_failure(error);
  if (failure.code == ExitCode::kInternal) throw InternalError(name + ": " + failure.line);
  if (lines_.empty()) code_ = failure.code;
  lines_.push_back(failure.line);
  if (total_ > 1) warn(name + " left out: " + failure.line);
}

std::optional<Error> BrokenImages::failure() const {
  if (lines_.empty()) return std::nullopt;
  if (total_ == 1) return Error(code_, lines_.front());
  return Error(code_,
               format("%zu of %zu images could not be processed, the first: ", lines_.size(), total_) + lines_.front());
}

}  // namespace sscvae::tasks
