#include "sscvae/experiments/authors_config.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>

#include "sscvae/core/error.h"
#include "sscvae/core/numbers.h"
#include "sscvae/core/text.h"
#include "sscvae/networks/table.h"

namespace sscvae::experiments {

namespace {

/// Their keys. `ours` are the options that take the value over unchanged; none where more is to be done or nothing.
/// Sizes of the code go to every kind of model, so that `--set model.name=...` compares models of equal size.
struct AuthorsKey {
  const char* name;
  std::vector<const char*> ours;
};

const std::vector<AuthorsKey> kAuthorsKeys{
    {"data.dataset", {}},
    {"data.root_dir", {"data.root"}},
    {"data.quality", {"data.quality"}},
    {"data.seed", {"data.seed"}},
    {"data.train_ratio", {"data.train_ratio"}},
    {"data.val_ratio", {"data.val_ratio"}},
    {"data.patch_size", {"data.patch_size"}},
    {"data.stride_size", {"data.stride"}},
    {"data.batch_size", {"train.batch_size"}},
    {"data.sigma", {"data.noise.sigma_8bit"}},
    {"model.in_channels", {"model.in_channels"}},
    {"model.hid_channels_1", {"model.reference.hidden_channels_1"}},
    {"model.hid_channels_2", {"model.reference.hidden_channels_2"}},
    {"model.out_channels", {}},
    {"model.down_samples", {"model.down_samples"}},
    {"model.num_groups", {"model.reference.num_groups"}},
    {"model.num_atoms", {"model.sparse_coder.num_atoms", "model.quantizer.num_codes"}},
    {"model.num_dims", {"model.sparse_coder.atom_dim", "model.quantizer.code_dim", "model.vae.latent_dim"}},
    {"model.num_iters", {"model.sparse_coder.num_iterations"}},
    {"model.beta", {"model.quantizer.commitment"}},
    {"train.lr", {"train.learning_rate"}},
    {"train.epochs", {"train.epochs"}},
    {"train.save_frequency", {}},
    {"train.save_path", {}},
    {"test.model_id", {}},
};

struct AuthorsDataset {
  const char* theirs;
  const char* ours;
  const char* sampling;
};

constexpr AuthorsDataset kAuthorsDatasets[] = {
    {"ultrasound", "ultrasound", "whole-images"},
    {"gray", "bsds500", "grid"},
    {"imagenet", "mini-imagenet", "random-crops"},
};

constexpr int64_t kAuthorsImageSize = 256;  // their SC-VAE has one threshold per position of this image's code

/// The parsed file with look-ups by type.
class Reader {
 public:
  Reader(const Assignments& values, const std::string& source) : source_(source) {
    std::vector<std::string> known;
    for (const AuthorsKey& key : kAuthorsKeys) known.push_back(key.name);
    for (const auto& [key, value] : values) {
      if (std::find(known.begin(), known.end(), key) == known.end())
        throw UsageError(source + ": unknown key '" + key + "'" + suggestion(key, known));
      values_[key] = value;
    }
  }
  const OptionValue* find(const std::string& key) const {
    const auto found = values_.find(key);
    return found == values_.end() ? nullptr : &found->second;
  }
  template <class T>
  std::optional<T> get(const std::string& key, const char* expected) const {
    const OptionValue* value = find(key);
    if (!value) return std::nullopt;
    if (const T* typed = std::get_if<T>(value)) return *typed;
    throw UsageError(source_ + ": " + key + ": expected " + expected + ", got " + to_toml(*value));
  }
  std::optional<std::string> text(const std::string& key) const { return get<std::string>(key, "a text"); }
  std::optional<int64_t> integer(const std::string& key) const { return get<int64_t>(key, "an integer"); }

 private:
  std::string source_;
  std::map<std::string, OptionValue> values_;
};

std::vector<std::string> name_parts(const std::string& source) {
  std::string stem = lower_case(std::filesystem::path(source).stem().string());
  std::replace(stem.begin(), stem.end(), '-', '_');
  return split(stem, '_');
}

bool contains(const std::vector<std::string>& parts, const std::string& part) {
  return std::find(parts.begin(), parts.end(), part) != parts.end();
}

/// The model that the file's name or content means; "" if neither tells.
std::string model_of(const std::vector<std::string>& parts, const Reader& reader) {
  if (reader.find("model.beta")) return "vq-vae";
  for (const networks::ModelEntry& entry : networks::model_entries())
    if (!entry.authors_name.empty() && contains(parts, entry.authors_name)) return entry.name;
  return "";
}

void add_model(const Reader& reader, const std::string& source, const std::string& model, AuthorsConfig& config) {
  const auto out_channels = reader.integer("model.out_channels"), num_dims = reader.integer("model.num_dims");
  if (out_channels && num_dims && *out_channels != *num_dims)
    throw UsageError(
        format("%s: model.num_dims is %lld but model.out_channels is %lld; an atom must have the encoder's channels",
               source.c_str(), static_cast<long long>(*num_dims), static_cast<long long>(*out_channels)));
  if (out_channels && !num_dims)
    for (const AuthorsKey& key : kAuthorsKeys)
      if (key.name == std::string("model.num_dims"))
        for (const char* ours : key.ours) config.values.emplace_back(ours, *out_channels);
  const auto levels = reader.integer("model.down_samples");
  if (model == "sc-vae" && levels && *levels >= 0 && *levels <= 8) {
    config.values.emplace_back("model.sparse_coder.grid_height", kAuthorsImageSize >> *levels);
    config.values.emplace_back("model.sparse_coder.grid_width", kAuthorsImageSize >> *levels);
  }
}

void add_dataset(const Reader& reader, const std::string& source, AuthorsConfig& config) {
  const auto name = reader.text("data.dataset");
  if (!name) return;
  std::vector<std::string> known;
  for (const AuthorsDataset& dataset : kAuthorsDatasets) {
    known.push_back(dataset.theirs);
    if (*name != dataset.theirs) continue;
    config.values.emplace_back("data.dataset", dataset.ours);
    config.values.emplace_back("data.sampling", dataset.sampling);
    config.values.emplace_back("data.split", "authors");
    config.values.emplace_back("data.augment", false);
    return;
  }
  throw UsageError(source + ": data.dataset: expected one of " + join(known, ", ") + ", got \"" + *name + "\"" +
                   suggestion(*name, known));
}

void add_notes(const Reader& reader, AuthorsConfig& config) {
  if (reader.find("train.save_frequency"))
    config.notes.push_back(
        "train.save_frequency is not used: last and best weights are kept (see train.checkpoint_every)");
  if (reader.find("test.model_id"))
    config.notes.push_back("test.model_id is not used: weights are named with --weights");
  if (const auto path = reader.text("train.save_path")) {
    config.save_path = *path;
    config.notes.push_back("train.save_path is not used: --out says where a run goes");
  }
}

}  // namespace

bool is_authors_config(const Assignments& parsed) {
  return std::none_of(parsed.begin(), parsed.end(), [](const auto& entry) {
    return entry.first == "profile" || entry.first == "task" || entry.first == "model.name";
  });
}

AuthorsConfig read_authors_config(const std::string& json, const std::string& source, const std::string& told) {
  const Reader reader(parse_json(json, source), source);
  const std::vector<std::string> parts = name_parts(source);
  AuthorsConfig config;
  config.values.emplace_back("profile", "reference");
  const bool denoise = reader.find("data.sigma") || contains(parts, "denoise");
  config.values.emplace_back("task", denoise ? "denoise" : "reconstruct");
  const std::string model = told.empty() ? model_of(parts, reader) : told;
  if (!model.empty()) config.values.emplace_back("model.name", model);
  else
    config.notes.push_back(
        "the file's name does not tell the model; ssc-vae is assumed (--set model.name=... to change)");
  add_dataset(reader, source, config);
  add_model(reader, source, model, config);
  for (const AuthorsKey& key : kAuthorsKeys)
    if (const OptionValue* value = reader.find(key.name))
      for (const char* ours : key.ours) config.values.emplace_back(ours, *value);
  add_notes(reader, config);
  return config;
}

}  // namespace sscvae::experiments
