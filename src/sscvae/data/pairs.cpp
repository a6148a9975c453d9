#include "sscvae/data/pairs.h"

#include <set>

#include "sscvae/core/error.h"
#include "sscvae/core/text.h"
#include "sscvae/core/wording.h"

namespace sscvae::data {
namespace {

namespace fs = std::filesystem;

/// <organ>/<quality>/rest -> <organ>/<input_quality>/rest.
std::string other_quality(const DataOptions& options, const std::string& path) {
  const std::string from = "/" + options.quality + "/", to = "/" + options.input_quality + "/";
  const size_t place = path.find(from);
  if (place == std::string::npos)
    throw UsageError("task \"enhance\": '" + path + "' does not lie in a folder '" + options.quality +
                     "', so that its partner of data.input_quality cannot be named; data.input_root can");
  return path.substr(0, place) + to + path.substr(place + from.size());
}

void check_sizes(const PairedStores& stores) {
  for (int64_t i = 0; i < stores.targets->size(); ++i) {
    const auto width = stores.targets->width(i), height = stores.targets->height(i);
    if (stores.inputs->width(i) != width || stores.inputs->height(i) != height)
      throw FormatError(format("%s and %s: a pair of unequal size, %lldx%lld and %lldx%lld",
                               stores.inputs->name(i).c_str(), stores.targets->name(i).c_str(),
                               static_cast<long long>(stores.inputs->width(i)),
                               static_cast<long long>(stores.inputs->height(i)), static_cast<long long>(width),
                               static_cast<long long>(height)));
  }
}

/// The pairs of which neither image was left out.
std::vector<std::string> readable_pairs(const std::vector<std::string>& targets, const std::vector<std::string>& inputs,
                                        const PairedStores& stores) {
  const auto names = [](const ImageStore& store) {
    return std::set<std::string>(store.left_out().begin(), store.left_out().end());
  };
  const std::set<std::string> bad_inputs = names(*stores.inputs), bad_targets = names(*stores.targets);
  std::vector<std::string> kept;
  for (size_t i = 0; i < targets.size(); ++i)
    if (!bad_inputs.count(inputs[i]) && !bad_targets.count(targets[i])) kept.push_back(targets[i]);
  if (kept.empty()) throw FormatError("none of the " + count_text(targets.size(), "pair") + " can be read");
  return kept;
}

}  // namespace

fs::path input_root(const DataOptions& options) {
  return options.input_root.empty() ? options.root : options.input_root;
}

std::vector<std::string> input_paths(const DataOptions& options, const std::vector<std::string>& targets) {
  const bool by_quality = options.input_root.empty();
  if (by_quality && options.dataset != "ultrasound")
    throw UsageError("task \"enhance\" needs data.input_root, the folder of the images to enhance, for dataset '" +
                     options.dataset + "'");
  if (by_quality && options.input_quality == options.quality)
    throw UsageError("task \"enhance\": data.input_quality and data.quality are both '" + options.quality + "'");
  std::vector<std::string> paths;
  size_t missing = 0;
  std::string first;
  for (const std::string& target : targets) {
    paths.push_back(by_quality ? other_quality(options, target) : target);
    std::error_code ignored;
    if (!fs::is_regular_file(input_root(options) / paths.back(), ignored) && missing++ == 0) first = paths.back();
  }
  if (missing)
    throw IoError(input_root(options).string() + ": " + share_text(missing, targets.size(), "image") + " to enhance" +
                  agreeing(missing, " is", " are") + " missing, the first is '" + first + "'");
  return paths;
}

PairedStores open_pairs(const DataOptions& options, const std::vector<std::string>& targets, int64_t channels,
                        int64_t cache_mb) {
  const auto open = [&](const std::vector<std::string>& right, const std::vector<std::string>& left) {
    const auto store = [&](const fs::path& root, const std::vector<std::string>& paths) {
      return std::make_unique<ImageStore>(root, paths, channels, cache_mb / 2, options.on_broken, decoding_of(options));
    };
    return PairedStores{store(input_root(options), left), store(options.root, right)};
  };
  const std::vector<std::string> inputs = input_paths(options, targets);
  PairedStores stores = open(targets, inputs);
  if (!stores.inputs->left_out().empty() || !stores.targets->left_out().empty()) {
    const std::vector<std::string> kept = readable_pairs(targets, inputs, stores);
    stores = open(kept, input_paths(options, kept));
  }
  stores.inputs->refuse_broken();
  stores.targets->refuse_broken();
  check_sizes(stores);
  return stores;
}

}  // namespace sscvae::data
