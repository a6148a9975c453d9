#include "sscvae/tasks/reference_images.h"

#include "sscvae/array/array.h"
#include "sscvae/core/error.h"
#include "sscvae/core/text.h"
#include "sscvae/image/file_list.h"
#include "sscvae/image/image.h"

namespace sscvae::tasks {

namespace fs = std::filesystem;

namespace {

std::string without_extension(const fs::path& name) { return fs::path(name).replace_extension().generic_string(); }

}  // namespace

ReferenceImages::ReferenceImages(const std::string& root, const std::vector<ImageJob>& jobs) {
  if (root.empty()) return;
  const std::vector<image::InputFile> files = image::expand_inputs({root});
  std::error_code error;
  if (jobs.size() == 1 && files.size() == 1 && !fs::is_directory(root, error)) {
    files_[jobs[0].name] = files[0].path;
    return;
  }
  std::map<std::string, fs::path> index;
  for (const image::InputFile& file : files) {
    const auto [other, fresh] = index.emplace(without_extension(file.relative), file.path);
    if (!fresh)
      throw UsageError("--reference: '" + other->second.string() + "' and '" + file.path.string() +
                       "' have one name without extension: which is meant cannot be told");
  }
  for (const ImageJob& job : jobs) {
    const auto found = index.find(without_extension(job.name));
    if (found == index.end())
      throw UsageError("--reference '" + root + "': no image named '" + without_extension(job.name) + "'");
    files_[job.name] = found->second;
  }
}

Array ReferenceImages::of(const ImageJob& job, const StoredImage& file, const Array& input,
                          const ReadingOptions& reading) const {
  const fs::path& path = files_.at(job.name);
  const StoredImage clean_file = InputReader(reading).read_stored(path, image::Alpha::kBlend, &file);
  const Array clean = image::to_array(image::with_channels(clean_file.picture(), input.size(0)));
  if (clean.sizes() != input.sizes())
    throw ShapeError(format("--reference '%s': expected %lldx%lld pixels, got %lldx%lld", path.c_str(),
                            static_cast<long long>(input.size(2)), static_cast<long long>(input.size(1)),
                            static_cast<long long>(clean.size(2)), static_cast<long long>(clean.size(1))));
  return clean;
}

}  // namespace sscvae::tasks
