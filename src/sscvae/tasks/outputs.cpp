#include "sscvae/tasks/outputs.h"

#include <algorithm>
#include <set>

#include "sscvae/core/atomic_file.h"
#include "sscvae/core/log.h"
#include "sscvae/core/output_files.h"
#include "sscvae/core/text.h"
#include "sscvae/core/wording.h"
#include "sscvae/image/file_list.h"
#include "sscvae/image/image.h"

namespace sscvae::tasks {

namespace fs = std::filesystem;

namespace {

/// The folder that a file was found in: its path without the part below it.
fs::path base_of(const image::InputFile& file) {
  fs::path base = file.path;
  for (auto part = file.relative.begin(); part != file.relative.end(); ++part) base = base.parent_path();
  return base;
}

std::vector<image::InputFile> find_inputs(const std::vector<std::string>& inputs,
                                          const std::vector<OutputFolder>& outputs) {
  std::vector<image::InputFile> files = image::expand_inputs(inputs);
  const size_t left_out = std::erase_if(files, [&](const image::InputFile& file) {
    return std::any_of(outputs.begin(), outputs.end(),
                       [&](const OutputFolder& folder) { return folder.holds_result(file.path, base_of(file)); });
  });
  if (outputs.empty()) return files;
  const std::string folder = "'" + outputs.front().root().string() + "'";
  if (files.empty()) throw IoError("no images but those in the output folder " + folder);
  if (left_out > 0) note(count_text(left_out, "image") + " in the output folder " + folder + " left out");
  return files;
}

/// Can the result be read, and is it not older than its input?
bool is_done(const fs::path& input, const fs::path& output) {
  std::error_code error;
  const fs::file_time_type of_output = fs::last_write_time(output, error);
  if (error || of_output < fs::last_write_time(input, error) || error) return false;
  try {
    image::read_image(output);
    return true;
  } catch (const Error&) {
    return false;
  }
}

/// One image whose result goes to standard output, its map to a folder.
ImagePlan plan_pipe(const std::vector<std::string>& inputs, const ImageOutputs& outputs) {
  if (outputs.skip_existing)
    throw UsageError("--skip-existing: --out - is standard output, where no result exists yet");
  std::vector<OutputFolder> folders;
  if (!outputs.maps.empty()) folders.emplace_back("--novelty-maps", outputs.maps, outputs.overwrite);
  const std::vector<image::InputFile> files = find_inputs(inputs, folders);
  if (files.size() != 1)
    throw UsageError(
        format("--out -: standard output takes the result of one image, not of %zu: name a folder", files.size()));
  ImageJob job{files[0].path, "/dev/stdout", {}, files[0].relative.generic_string()};
  if (!folders.empty()) job.map = folders[0].add(result_names({files[0].relative}, {".png"})[0]);
  return {{job}, {}};
}

}  // namespace

ImagePlan plan_images(const std::vector<std::string>& inputs, const ImageOutputs& outputs) {
  if (is_standard_output(outputs.folder)) return plan_pipe(inputs, outputs);
  std::vector<OutputFolder> folders{OutputFolder("--out", outputs.folder, outputs.overwrite)};
  if (!outputs.maps.empty()) folders.emplace_back("--novelty-maps", outputs.maps, outputs.overwrite);
  const std::vector<image::InputFile> files = find_inputs(inputs, folders);
  std::vector<fs::path> relative;
  std::vector<std::string> extensions;
  for (const image::InputFile& file : files) {
    relative.push_back(file.relative);
    const bool kept = outputs.extension.empty() && image::has_image_extension(file.relative);
    extensions.push_back(kept || !outputs.extension.empty() ? outputs.extension : ".png");
    for (OutputFolder& folder : folders) folder.protect(file.path);
  }
  const std::vector<fs::path> names = result_names(relative, extensions),
                              maps = result_names(relative, std::vector<std::string>(files.size(), ".png"));
  ImagePlan plan;
  std::set<fs::path> results;
  for (size_t i = 0; i < files.size(); ++i) {
    ImageJob job{files[i].path, (outputs.folder / names[i]).lexically_normal(), {}, relative[i].generic_string()};
    if (outputs.skip_existing && is_done(job.input, job.output)) {
      plan.skipped.push_back(std::move(job));
      continue;
    }
    results.insert(folders[0].add(names[i]));
    if (folders.size() > 1) job.map = folders[1].add(maps[i]);
    plan.jobs.push_back(std::move(job));
  }
  for (const ImageJob& job : plan.jobs)
    if (results.contains(job.map))
      throw UsageError("--out and --novelty-maps would both write '" + job.map.string() + "': choose another folder");
  return plan;
}

void record_plan(const ImagePlan& plan, const fs::path& folder, const fs::path& maps) {
  std::vector<fs::path> results, pictures;
  for (const std::vector<ImageJob>* jobs : {&plan.jobs, &plan.skipped})
    for (const ImageJob& job : *jobs) {
      results.push_back(job.output.lexically_relative(folder.lexically_normal()));
      if (!job.map.empty()) pictures.push_back(job.map.lexically_relative(maps.lexically_normal()));
    }
  if (!is_standard_output(folder)) {
    create_folder(folder);
    record_results(folder, results);
  }
  if (pictures.empty()) return;
  create_folder(maps);
  record_results(maps, pictures);
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
               share_text(lines_.size(), total_, "image") + " could not be processed, the first: " + lines_.front());
}

}  // namespace sscvae::tasks
