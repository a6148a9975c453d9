#include "sscvae/train/circumstances.h"

#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <torch/headeronly/version.h>

#include <nlohmann/json.hpp>

#include "sscvae/core/error.h"
#include "sscvae/core/log.h"
#include "sscvae/core/sha256.h"
#include "sscvae/core/text.h"
#include "sscvae/core/utf8.h"
#include "sscvae/kernels/bfloat16_unit.h"
#include "sscvae/kernels/isa.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/runtime/weights_file.h"
#include "sscvae/serialization/safetensors.h"

namespace sscvae::train {

namespace {

constexpr const char* kUnitNames[] = {"", " with bf16 vectors", " with bf16 tiles"};

std::string instructions(bool bf16) {
  std::string text = kernels::name_of(kernels::best_isa());
  if (bf16) text += kUnitNames[static_cast<size_t>(kernels::best_bfloat16_unit())];
  return text + ", LibTorch " + at::get_cpu_capability();
}

std::string hash_of_used_images(const TrainingData& data) {
  Sha256 hash;
  const auto add = [&hash](const std::string& name, int64_t height, int64_t width) {
    hash.update(name + format("\n%lld %lld\n", static_cast<long long>(height), static_cast<long long>(width)));
  };
  for (const data::ImageStore* store : {data.store.get(), data.inputs.get()})
    for (int64_t i = 0; store && i < store->size(); ++i) add(store->name(i), store->height(i), store->width(i));
  for (int64_t i = 0; i < data.validation.size(); ++i) {
    const std::vector<int64_t> sides = data.validation.sides(i);
    add("validation " + data.validation.name(i), sides[0], sides[1]);
  }
  return hash.hex();
}

void note_other(const char* what, const std::string& before, const std::string& now) {
  if (before == now) return;
  warn(format("the run goes on with %s in place of %s (%s): results then differ in their last bits", now.c_str(),
              before.c_str(), what));
}

template <class Value>
void take(const nlohmann::json& object, const char* key, Value& value, const std::string& source) {
  try {
    object.at(key).get_to(value);
  } catch (const nlohmann::json::exception&) {
    throw FormatError(source + ": circumstances: '" + key + "' is missing or of another type");
  }
}

}  // namespace

Circumstances circumstances_of(const TrainingData& data, c10::Device device, bool bf16) {
  Circumstances now;
  now.split = data.split.hash();
  now.images = hash_of_used_images(data);
  now.left_out = data.left_out();
  now.precision = bf16 ? "bf16" : "fp32";
  now.device = c10::DeviceTypeName(device.type(), true);
  now.instructions = instructions(bf16);
  now.libtorch = TORCH_VERSION;
  now.threads = at::get_num_threads();
  return now;
}

std::string to_json(const Circumstances& c) {
  std::vector<std::string> left_out;
  for (const std::string& name : c.left_out) left_out.push_back(utf8_of(name));
  return nlohmann::ordered_json{{"split", c.split},         {"images", c.images},  {"left_out", left_out},
                                {"precision", c.precision}, {"device", c.device},  {"instructions", c.instructions},
                                {"libtorch", c.libtorch},   {"threads", c.threads}}
      .dump();
}

Circumstances circumstances_from_json(const std::string& json, const std::string& source) {
  const nlohmann::json object = nlohmann::json::parse(json, nullptr, false);
  if (!object.is_object()) throw FormatError(source + ": circumstances: expected a JSON object");
  Circumstances c;
  take(object, "split", c.split, source);
  take(object, "images", c.images, source);
  take(object, "left_out", c.left_out, source);
  take(object, "precision", c.precision, source);
  take(object, "device", c.device, source);
  take(object, "instructions", c.instructions, source);
  take(object, "libtorch", c.libtorch, source);
  take(object, "threads", c.threads, source);
  for (std::string& name : c.left_out) name = bytes_of_utf8(name);
  return c;
}

std::optional<Circumstances> read_circumstances(const std::filesystem::path& checkpoint) {
  const auto metadata = serialization::read_safetensors_header(checkpoint).metadata;
  const auto found = metadata.find(runtime::kCircumstancesKey);
  if (found == metadata.end()) return std::nullopt;
  return circumstances_from_json(found->second, "'" + checkpoint.string() + "'");
}

TrainingData open_data_of_run(const ExperimentOptions& options, const std::filesystem::path& known_split,
                              const std::optional<Circumstances>& before) {
  const bool same = before && !known_split.empty() && before->split == data::read_manifest(known_split).hash();
  if (!same) return open_training_data(options, known_split);
  const std::string hint =
      ". The run was trained with it: bring it back (--set data.root=FOLDER says where the images lie now), or go on "
      "without it by taking its row out of '" +
      known_split.string() + "'";
  try {
    return open_training_data(options, known_split, &before->left_out);
  } catch (const IoError& error) {
    throw IoError(error.what() + hint);
  } catch (const FormatError& error) {
    throw FormatError(error.what() + hint);
  }
}

void compare_circumstances(const Circumstances& before, const Circumstances& now, Precision precision) {
  const bool asked_for =
      precision != Precision::kAuto && choice_names<Precision>().at(static_cast<size_t>(precision)) == now.precision;
  if (before.precision != now.precision && !asked_for)
    throw UsageError("the run computed its networks in " + before.precision + ", and here it would go on in " +
                     now.precision + ": --precision " + now.precision + " asks for that");
  if (before.precision != now.precision)
    warn("the run goes on in " + now.precision + " in place of " + before.precision + ", as asked for");
  if (before.split != now.split) {
    warn("split.csv has changed: the run goes on with other images");
  } else if (before.images != now.images) {
    throw UsageError(
        "the training and validation images have not the names and sizes that the run began with: bring them back, or "
        "take the rows of those that have changed out of split.csv");
  }
  note_other("device", before.device, now.device);
  note_other("instructions", before.instructions, now.instructions);
  note_other("LibTorch", before.libtorch, now.libtorch);
  note_other("threads", std::to_string(before.threads), std::to_string(now.threads));
}

}  // namespace sscvae::train
