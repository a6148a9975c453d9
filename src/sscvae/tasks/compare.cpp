#include "sscvae/tasks/compare.h"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "sscvae/array/array.h"
#include "sscvae/core/error.h"
#include "sscvae/core/log.h"
#include "sscvae/core/progress.h"
#include "sscvae/core/text.h"
#include "sscvae/core/wording.h"
#include "sscvae/image/file_list.h"
#include "sscvae/image/image.h"
#include "sscvae/metrics/bootstrap.h"
#include "sscvae/metrics/protocol.h"
#include "sscvae/metrics/set_metrics.h"
#include "sscvae/runtime/compute.h"
#include "sscvae/tasks/compare_runs.h"
#include "sscvae/tasks/interrupt.h"
#include "sscvae/tasks/outputs.h"
#include "sscvae/tasks/reading.h"
#include "sscvae/tasks/summary.h"
#include "sscvae/tasks/window_runs.h"

namespace sscvae::tasks {

namespace fs = std::filesystem;

namespace {

struct Pair {
  std::string name;
  fs::path a, b;
};

std::map<std::string, fs::path> by_stem(const std::string& folder) {
  std::map<std::string, fs::path> files;
  for (const image::InputFile& file : image::expand_inputs({folder})) {
    const std::string stem = fs::path(file.relative).replace_extension().generic_string();
    const auto [other, fresh] = files.emplace(stem, file.path);
    if (!fresh)
      throw UsageError("'" + other->second.string() + "' and '" + file.path.string() +
                       "' have one name without extension");
  }
  return files;
}

std::vector<Pair> match(const std::string& a, const std::string& b) {
  std::error_code error;
  for (const std::string& path : {a, b})
    if (!fs::exists(path, error)) throw IoError("no such file or folder '" + path + "'");
  const bool folders = fs::is_directory(a, error);
  if (folders != fs::is_directory(b, error)) throw UsageError("compare: expected two images or two folders");
  if (!folders) return {{fs::path(a).filename().string(), a, b}};
  const auto left = by_stem(a), right = by_stem(b);
  for (const auto& [stem, path] : left)
    if (!right.count(stem)) throw UsageError("'" + path.string() + "' has no partner in '" + b + "'");
  for (const auto& [stem, path] : right)
    if (!left.count(stem)) throw UsageError("'" + path.string() + "' has no partner in '" + a + "'");
  std::vector<Pair> pairs;
  for (const auto& [stem, path] : left) pairs.push_back({stem, path, right.at(stem)});
  return pairs;
}

std::vector<std::string> image_metrics(const std::vector<std::string>& wanted) {
  std::vector<std::string> names;
  for (const std::string& name : wanted) {
    for (const metrics::SetMetricEntry& entry : metrics::set_metric_entries())
      if (entry.name == name)
        throw UsageError("--metrics: " + name + " is measured between sets: --sets --inception FILE");
    if (metrics::find_metric(name).needs != metrics::Needs::kImages)
      throw UsageError("--metrics: " + name + " is measured on sparse codes, not between images");
    names.push_back(name);
  }
  if (names.empty())
    for (const metrics::MetricEntry& entry : metrics::metric_entries())
      if (entry.needs == metrics::Needs::kImages) names.push_back(entry.name);
  return names;
}

/// The features of all images of a folder, as the protocol sees them.
void add_folder(FeatureSet& set, const std::vector<image::InputFile>& files, InputReader& reader,
                const metrics::Protocol& protocol, BrokenImages& broken) {
  if (set.is_complete()) return;
  Progress progress("features", static_cast<int64_t>(files.size()), "image");
  for (size_t i = 0; i < files.size(); ++i) {
    stop_if_interrupted();
    try {
      for (const Array& part : parts_of(protocol, metrics::crop(protocol, image::to_array(reader.read(files[i].path)))))
        set.add(seen_in_set(protocol, part));
    } catch (const Error& error) {
      if (error.code() == ExitCode::kUsage) throw;
      broken.add(files[i].path.string(), error);
      set.leave_one_out();
    }
    progress.update(static_cast<int64_t>(i + 1));
  }
}

Report compare_sets(const CompareOptions& options, const metrics::Protocol& protocol) {
  if (options.features.inception.empty())
    throw UsageError("--sets: --inception is missing, the weights file of the network that sees the images");
  for (const std::string& name : options.metrics) metrics::find_set_metric(name);
  const auto files_a = image::expand_inputs({options.a}), files_b = image::expand_inputs({options.b});
  FeatureNetwork network(options.features);
  const auto open = [&](const std::vector<image::InputFile>& files) {
    std::vector<std::string> paths;
    for (const image::InputFile& file : files) paths.push_back(file.path.string());
    const bool kept = !options.features.cache.empty();
    return FeatureSet(network, kept ? hash_of_images(paths, "protocol " + protocol.name + " by " +
                                                                std::to_string(protocol.window_stride))
                                    : "");
  };
  FeatureSet a = open(files_a), b = open(files_b);
  InputReader reader(options.reading);
  BrokenImages broken(files_a.size() + files_b.size());
  add_folder(a, files_a, reader, protocol, broken);
  add_folder(b, files_b, reader, protocol, broken);
  Json json{{"a", options.a}, {"b", options.b}, {"protocol", protocol_json(protocol)}};
  json.update(compare_feature_sets(a, b, network, options.metrics));
  json["broken"] = broken.count();
  const std::string text = feature_sets_text(json);
  Report report = make_report(text, std::move(json));
  report.failure = broken.failure();
  return report;
}

/// What was done to images before they could be compared.
class Conversions {
 public:
  explicit Conversions(const metrics::Protocol& protocol) : rounds_(protocol.round_to_8bit) {}

  void add(const image::Image& a, const image::Image& b) {
    ++pairs_;
    converted_ += a.channels != b.channels;
    with_opacity_ += !a.alpha.empty() || !b.alpha.empty();
    rounded_ += rounds_ && (a.bit_depth == 16 || b.bit_depth == 16);
  }
  /// Notes it, and adds it to the JSON.
  void report(Json& json) const {
    json["converted"] = converted_;
    json["with_opacity"] = with_opacity_;
    json["rounded_from_16bit"] = rounded_;
    say(converted_, " is", " are", " colour against grey: B is compared with the channels of A");
    say(with_opacity_, " has", " have", " opacity, which is blended over black and not compared");
    say(rounded_, " has", " have", " 16 bits, which the protocol rounds to 8");
  }

 private:
  void say(size_t count, const char* of_one, const char* of_many, const char* what) const {
    if (count > 0) note(share_text(count, pairs_, "pair") + agreeing(count, of_one, of_many) + what);
  }
  bool rounds_;
  size_t pairs_ = 0, converted_ = 0, with_opacity_ = 0, rounded_ = 0;
};

/// Two images of one size, as the protocol wants them.
struct Compared {
  Array original, other;
};

Compared read_pair(const Pair& pair, InputReader& reader, const metrics::Protocol& protocol, Conversions& conversions) {
  StoredImage a = reader.read_stored(pair.a, image::Alpha::kKeep);
  StoredImage b = reader.read_stored(pair.b, image::Alpha::kKeep, &a);
  if (a.stored.width != b.stored.width || a.stored.height != b.stored.height)
    throw ShapeError(format("'%s' has %lldx%lld pixels, '%s' %lldx%lld", pair.a.c_str(),
                            static_cast<long long>(a.stored.width), static_cast<long long>(a.stored.height),
                            pair.b.c_str(), static_cast<long long>(b.stored.width),
                            static_cast<long long>(b.stored.height)));
  conversions.add(a.stored, b.stored);
  for (image::Image* image : {&a.stored, &b.stored}) image::blend_over_black(*image);
  const auto prepared = [&](const StoredImage& image) {
    return metrics::crop(protocol, image::to_array(image::with_channels(image.picture(), a.stored.channels)));
  };
  return {prepared(a), prepared(b)};
}

Report compare_pairs(const CompareOptions& options, const metrics::Protocol& protocol) {
  const std::vector<std::string> names = image_metrics(options.metrics), measured = measurable_metrics(names);
  const std::vector<Pair> pairs = match(options.a, options.b);
  ImageTable table(names);
  InputReader reader(options.reading);
  Conversions conversions(protocol);
  BrokenImages broken(pairs.size());
  for (const Pair& pair : pairs) {
    stop_if_interrupted();
    try {
      const auto [original, other] = read_pair(pair, reader, protocol, conversions);
      std::vector<std::string> notes;
      table.add(pair.name,
                compare_parts(parts_of(protocol, original), parts_of(protocol, other), protocol, measured, &notes));
      for (const std::string& line : notes) note(pair.name + ": " + line);
    } catch (const Error& error) {
      if (error.code() == ExitCode::kUsage) throw;
      broken.add(pair.name, error);
    }
  }
  if (table.size() == 0) throw broken.failure().value();
  Json json{{"a", options.a}, {"b", options.b}, {"protocol", protocol_json(protocol)}};
  conversions.report(json);
  json["broken"] = broken.count();
  json.update(table.json());
  Report report = make_report(table.text(true), std::move(json));
  report.failure = broken.failure();
  return report;
}

}  // namespace

Report compare(const CompareOptions& options) {
  const metrics::Protocol protocol = protocol_with_stride(options.protocol, options.stride, "folder");
  if (options.runs && (options.sets || !options.metrics.empty()))
    throw UsageError("--runs compares all figures of two tables: neither --sets nor --metrics belong to it");
  if (!options.sets && (!options.features.inception.empty() || !options.features.cache.empty()))
    throw UsageError("--inception and --feature-cache belong to --sets");
  if (options.runs) return compare_runs(options.a, options.b);
  return options.sets ? compare_sets(options, protocol) : compare_pairs(options, protocol);
}

}  // namespace sscvae::tasks
