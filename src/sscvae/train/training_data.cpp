#include "sscvae/train/training_data.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "sscvae/core/error.h"
#include "sscvae/core/log.h"
#include "sscvae/data/pairs.h"
#include "sscvae/data/registry.h"

namespace sscvae::train {

std::string TrainingData::metadata(const data::DataOptions& options) const {
  nlohmann::ordered_json images;
  for (const char* part : {"train", "val", "test"}) images[part] = split.paths(part).size();
  const std::string rule = choice_names<data::SplitRule>().at(static_cast<size_t>(options.split));
  return nlohmann::ordered_json{{"name", options.dataset}, {"split", rule}, {"hash", split.hash()}, {"images", images}}
      .dump();
}

std::vector<std::string> TrainingData::left_out() const {
  std::set<std::string> used;
  for (int64_t i = 0; i < store->size(); ++i) used.insert(store->name(i));
  std::vector<std::string> names;
  for (const std::string& path : split.paths("train"))
    if (!used.contains(path)) names.push_back(path);
  return names;
}

TrainingData open_training_data(const ExperimentOptions& options, const std::filesystem::path& known_split,
                                const std::vector<std::string>* known_left_out) {
  TrainingData data;
  data.split = known_split.empty() ? data::make_manifest(options.data) : data::read_manifest(known_split);
  std::vector<std::string> paths = data::require_part(data.split, "train", options.data);
  if (known_left_out) {
    const std::set<std::string> names(known_left_out->begin(), known_left_out->end());
    std::erase_if(paths, [&](const std::string& path) { return names.contains(path); });
  }
  const int64_t channels = options.model.in_channels, batch_size = options.train.batch_size;
  const auto seed = static_cast<uint64_t>(options.train.seed);
  if (options.task == Task::kEnhance) {
    data::PairedStores pairs = data::open_pairs(options.data, paths, channels, options.data.cache_mb);
    data.inputs = std::move(pairs.inputs);
    data.store = std::move(pairs.targets);
    data.batches = std::make_unique<data::TrainingBatches>(*data.inputs, *data.store, options.data, batch_size, seed);
  } else {
    data.store = std::make_unique<data::ImageStore>(options.data.root, paths, channels, options.data.cache_mb,
                                                    options.data.on_broken, data::decoding_of(options.data),
                                                    known_left_out != nullptr);
    data.batches = std::make_unique<data::TrainingBatches>(*data.store, options.data, batch_size, seed,
                                                           options.task == Task::kDenoise);
  }
  data.validation = ValidationSet(data.split, "val", options.train.validation_images, options);
  if (data.validation.empty() && options.train.validation_images != 0)
    note("no images of part 'val': no validation, best.safetensors will be the last weights");
  const int64_t previews = options.train.preview_images;
  const ValidationSet shown =
      data.validation.empty() ? ValidationSet(data.split, "train", previews, options) : data.validation;
  for (int64_t i = 0; i < std::min(previews, shown.size()); ++i) data.previews.push_back(shown.get(i));
  return data;
}

void place_batches(TrainingData& data, const data::DataOptions& options, c10::Device device) {
  const bool asked = options.batches_on == data::BatchPlace::kDevice;
  if (!asked && (options.batches_on == data::BatchPlace::kCpu || device.is_cpu())) return;
  std::string obstacle = DeviceBatches::obstacle(*data.batches, device.type(), options.device_cache_mb);
  if (obstacle.empty()) {
    try {
      data.device_batches = std::make_unique<DeviceBatches>(*data.batches, device);
    } catch (const c10::OutOfMemoryError&) {
      obstacle = "the device has no memory left for the training images";
    }
  }
  if (obstacle.empty()) return;
  if (asked) throw UsageError("data.batches_on = \"device\": " + obstacle);
  note("batches are made on the CPU, by data.workers threads: " + obstacle);
}

}  // namespace sscvae::train
