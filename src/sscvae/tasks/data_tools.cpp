#include "sscvae/tasks/data_tools.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "sscvae/array/array.h"
#include "sscvae/core/atomic_file.h"
#include "sscvae/core/error.h"
#include "sscvae/core/printable.h"
#include "sscvae/core/progress.h"
#include "sscvae/core/random.h"
#include "sscvae/core/text.h"
#include "sscvae/core/wording.h"
#include "sscvae/data/registry.h"
#include "sscvae/image/image.h"
#include "sscvae/image/noise.h"
#include "sscvae/image/synthetic.h"
#include "sscvae/serialization/safetensors.h"
#include "sscvae/tasks/interrupt.h"
#include "sscvae/tasks/outputs.h"
#include "sscvae/tasks/reading.h"
#include "sscvae/tasks/size_option.h"

namespace sscvae::tasks {

namespace fs = std::filesystem;

namespace {

constexpr int64_t kLargestSynthetic = 8192;

bool is_speckle(const std::string& kind, int64_t index) {
  return kind == "speckle" || (kind == "mixed" && index % 2 == 0);
}

void write_noisy_copy(const NoiseCopyOptions& options, image::Noise kind, const StoredImage& input,
                      const fs::path& out) {
  const image::Image picture = input.picture();
  const Array clean = image::to_array(picture);
  const Array noisy =
      image::add_noise(kind, clean, options.sigma_8bit, static_cast<uint32_t>(options.seed), options.clip);
  if (options.format == "png") {
    const int stored = input.stored.bit_depth;
    const int depth = options.bit_depth > 0 ? static_cast<int>(options.bit_depth) : stored;
    const image::ValueRange range = depth == stored ? input.range : image::full_range(depth);
    image::write_image(out, image::in_units_of(image::from_array(noisy, picture.bit_depth), range, depth),
                       image::FileFormat::kPng);
    return;
  }
  serialization::StateDict tensors;
  tensors.add("input", noisy.unsqueeze(0));
  tensors.add("target", clean.unsqueeze(0));
  serialization::write_safetensors(
      out, tensors,
      {{"sscvae.noise",
        format("%s, sigma %s / 255, seed %lld", kind == image::Noise::kGaussian ? "numpy gaussian" : "speckle",
               to_text(options.sigma_8bit).c_str(), static_cast<long long>(options.seed))}});
}

using Sizes = std::map<std::pair<int64_t, int64_t>, int64_t>;

/// The most frequent size first.
std::vector<std::pair<std::pair<int64_t, int64_t>, int64_t>> by_count(const Sizes& sizes) {
  std::vector<std::pair<std::pair<int64_t, int64_t>, int64_t>> sorted(sizes.begin(), sizes.end());
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  return sorted;
}

std::string text_of_sizes(const Sizes& sizes) {
  std::string text;
  size_t left = 10;
  for (const auto& [size, count] : by_count(sizes)) {
    if (left-- == 0) break;
    text += format("%lldx%lld (width x height): %lld\n", static_cast<long long>(size.second),
                   static_cast<long long>(size.first), static_cast<long long>(count));
  }
  if (sizes.size() > 10) text += "and " + count_text(sizes.size() - 10, "further size") + "\n";
  return text;
}

}  // namespace

Report synthesise(const SynthOptions& options) {
  const std::vector<std::string> kinds{"speckle", "leaves", "mixed"};
  if (std::find(kinds.begin(), kinds.end(), options.kind) == kinds.end())
    throw UsageError("--kind: expected speckle, leaves or mixed, got '" + options.kind + "'" +
                     suggestion(options.kind, kinds));
  if (options.count < 1 || options.count > 99999) throw UsageError("--count: expected 1 to 99999");
  if (options.channels != 1 && options.channels != 3) throw UsageError("--channels: expected 1 or 3");
  if (options.seed < 0) throw UsageError("--seed: expected a number >= 0");
  const auto [height, width] = parse_size(options.size, kLargestSynthetic);
  OutputFolder folder("--out", options.out, options.overwrite);
  std::vector<fs::path> files;
  for (int64_t i = 0; i < options.count; ++i)
    files.push_back(
        folder.add(format("%s_%05d.png", is_speckle(options.kind, i) ? "speckle" : "leaves", static_cast<int>(i))));
  create_folder(options.out);
  Progress progress("data synth", options.count, "image");
  for (int64_t i = 0; i < options.count; ++i) {
    stop_if_interrupted();
    const uint64_t seed = derive_seed(static_cast<uint64_t>(options.seed), "synth", static_cast<uint64_t>(i));
    const image::Image picture = is_speckle(options.kind, i)
                                     ? image::speckle_phantom(seed, width, height)
                                     : image::dead_leaves(seed, width, height, options.channels);
    image::write_image(files[static_cast<size_t>(i)], image::with_channels(picture, options.channels));
    progress.update(i + 1);
  }
  progress.finish();
  return make_report(
      count_text(options.count, "image") +
          format(" of %lldx%lld pixels in ", static_cast<long long>(width), static_cast<long long>(height)) +
          options.out,
      {{"out", options.out},
       {"count", options.count},
       {"height", height},
       {"width", width},
       {"kind", options.kind},
       {"channels", options.channels},
       {"seed", options.seed}});
}

Report make_noisy_copies(const NoiseCopyOptions& options) {
  if (options.format != "png" && options.format != "safetensors")
    throw UsageError("--format: expected png or safetensors, got '" + options.format + "'");
  if (options.bit_depth != 0 && options.bit_depth != 8 && options.bit_depth != 16)
    throw UsageError("--bit-depth: expected 8 or 16");
  if (options.seed < 0 || options.seed > 0xffffffffLL) throw UsageError("--seed: expected 0 to 4294967295");
  const auto kind = parse_choice<image::Noise>("--noise", options.noise);
  const std::vector<ImageJob> jobs =
      plan_images(options.inputs, {options.out, "." + options.format, options.overwrite, false, {}}).jobs;
  InputReader reader(options.reading);
  BrokenImages broken(jobs.size());
  Json images = Json::array();
  for (const ImageJob& job : jobs) {
    stop_if_interrupted();
    try {
      const StoredImage input = reader.read_stored(job.input);
      create_folder(job.output.parent_path());
      write_noisy_copy(options, kind, input, job.output);
      images.push_back({{"input", job.input.string()}, {"output", job.output.string()}});
    } catch (const FormatError& error) {
      broken.add(job.name, error);
    }
  }
  if (images.empty()) throw broken.failure().value();
  Report report = make_report(count_text(images.size(), "noisy copy", "noisy copies") + " in " + options.out,
                              {{"noise", options.noise},
                               {"sigma_8bit", options.sigma_8bit},
                               {"seed", options.seed},
                               {"clip", options.clip},
                               {"images", images}});
  report.failure = broken.failure();
  return report;
}

Report make_split(const data::DataOptions& options, const std::string& out, bool overwrite) {
  check_writable(out, overwrite);
  const data::SplitManifest manifest = data::make_manifest(options);
  data::write_manifest(out, manifest);
  return make_report(out + ": " + manifest.counts() + ", sha256 " + manifest.hash(),
                     {{"out", out}, {"counts", manifest.counts()}, {"sha256", manifest.hash()}});
}

Report describe_data(const data::DataOptions& options) {
  const data::SplitManifest manifest = data::make_manifest(options);
  std::map<std::string, int64_t> parts, groups;
  Sizes sizes;
  Json broken = Json::array();
  int64_t pixels = 0;
  for (const data::ManifestRow& row : manifest.rows) {
    ++parts[row.part];
    ++groups[row.group];
    try {
      const image::ImageSize size = image::read_image_size(fs::path(options.root) / row.path, options.max_pixels);
      ++sizes[{size.height, size.width}];
      pixels += size.height * size.width;
    } catch (const Error& error) {
      broken.push_back({{"path", row.path}, {"error", error.what()}});
    }
  }
  Json json{{"dataset", options.dataset},
            {"root", options.root},
            {"images", manifest.rows.size()},
            {"pixels", pixels},
            {"split_sha256", manifest.hash()},
            {"parts", parts},
            {"groups", groups},
            {"broken", broken}};
  for (const auto& [size, count] : by_count(sizes))
    json["sizes"].push_back({{"height", size.first}, {"width", size.second}, {"count", count}});
  std::string text = options.root + " (" + options.dataset + "): " + count_text(manifest.rows.size(), "image") +
                     format(", %.1f megapixels, ", static_cast<double>(pixels) / 1e6) + manifest.counts() +
                     "\nsplit sha256 " + manifest.hash() + "\n";
  for (const auto& [name, count] : groups)
    if (!name.empty()) text += format("group %s: %lld\n", printable(name).c_str(), static_cast<long long>(count));
  text += text_of_sizes(sizes);
  for (const Json& entry : broken)
    text += "broken: " + printable(entry["path"].get<std::string>() + ": " + entry["error"].get<std::string>()) + "\n";
  return make_report(std::move(text), std::move(json));
}

}  // namespace sscvae::tasks
