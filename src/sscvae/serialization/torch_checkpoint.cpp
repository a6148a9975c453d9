#include "sscvae/serialization/torch_checkpoint.h"

#include <algorithm>
#include <map>
#include <ostream>
#include <unordered_map>

#include "sscvae/array/array.h"
#include "sscvae/core/atomic_file.h"
#include "sscvae/core/error.h"
#include "sscvae/core/log.h"
#include "sscvae/core/text.h"
#include "sscvae/serialization/byte_source.h"
#include "sscvae/serialization/element_type.h"
#include "sscvae/serialization/foreign_files.h"
#include "sscvae/serialization/pickle_reader.h"
#include "sscvae/serialization/pickle_writer.h"
#include "sscvae/serialization/zip_reader.h"
#include "sscvae/serialization/zip_writer.h"

namespace sscvae::serialization {

namespace {

constexpr uint64_t kLargestPickle = uint64_t{64} << 20;

/// Tensors out of the archive's entries. Each storage is read once, however many views it has.
class TensorLoader {
 public:
  TensorLoader(const ByteSource& source, const ZipReader& archive, std::string folder)
      : source_(source), archive_(archive), folder_(std::move(folder)) {}

  Array load(const std::string& name, const TensorDescription& tensor) {
    check_view(name, tensor);
    uint64_t count = 0;
    count_elements(tensor.sizes, count);
    if (count == 0) return Array::empty(tensor.sizes, tensor.type->type);
    return storage(name, tensor).as_strided(tensor.sizes, tensor.strides, tensor.offset);
  }

 private:
  /// The view lies inside its storage and has no more elements than it, so that copies of it stay in proportion.
  void check_view(const std::string& name, const TensorDescription& tensor) const {
    const auto refuse = [&]() { source_.fail("has tensor " + quoted_name(name) + " outside of its storage"); };
    uint64_t count = 0;
    if (!count_elements(tensor.sizes, count) || tensor.offset < 0) refuse();
    if (count == 0) return;
    if (count > tensor.storage_elements) refuse();
    uint64_t last = static_cast<uint64_t>(tensor.offset);
    for (size_t i = 0; i < tensor.sizes.size(); ++i) {
      uint64_t reach = 0;
      if (tensor.strides[i] < 0 ||
          !checked_multiply(static_cast<uint64_t>(tensor.sizes[i] - 1), static_cast<uint64_t>(tensor.strides[i]),
                            reach) ||
          !checked_add(last, reach, last))
        refuse();
    }
    if (last >= tensor.storage_elements) refuse();
  }

  const Array& storage(const std::string& name, const TensorDescription& tensor) {
    const auto known = storages_.find(tensor.key);
    if (known != storages_.end()) {
      if (known->second.type() != tensor.type->type ||
          static_cast<uint64_t>(known->second.numel()) != tensor.storage_elements)
        source_.fail("has two descriptions of the storage of tensor " + quoted_name(name));
      return known->second;
    }
    const std::string entry_name = folder_ + "data/" + tensor.key;
    const ZipReader::Entry* entry = archive_.find(entry_name);
    if (!entry) source_.fail("has no entry " + quoted_name(entry_name) + " for tensor " + quoted_name(name));
    uint64_t bytes = 0;
    if (!checked_multiply(tensor.storage_elements, tensor.type->size, bytes) || bytes != entry->size)
      source_.fail(format("has tensor %s with %ju elements in an entry of %ju bytes", quoted_name(name).c_str(),
                          uintmax_t{tensor.storage_elements}, uintmax_t{entry->size}));
    Array values =
        read_tensor(source_, name, *tensor.type, {static_cast<int64_t>(tensor.storage_elements)}, entry->begin);
    archive_.check_crc(entry_name, *entry, values.bytes());
    return storages_.emplace(tensor.key, std::move(values)).first->second;
  }

  const ByteSource& source_;
  const ZipReader& archive_;
  std::string folder_;
  std::map<std::string, Array> storages_;
};

void refuse_foreign(const ByteSource& source) {
  refuse_foreign_file(source);
  if (kind_of_file(source) == FileKind::kSafetensors) source.fail("is a safetensors file, not a torch checkpoint");
  if (kind_of_file(source) != FileKind::kTorch)
    source.fail("is not a torch checkpoint: it does not start as a zip archive does");
}

[[noreturn]] void refuse_program(const ByteSource& source) {
  source.fail("is a TorchScript program, not a state dict; convert it with: " +
              python_line(source, "torch.jit.load(FILE, map_location='cpu').state_dict()"));
}

/// Does the directory at the archive's end name the code of a program? Its entries are compressed, which says less.
bool holds_a_program(const ByteSource& source) {
  constexpr uint64_t kDirectory = 1 << 20;  // bytes
  const uint64_t count = std::min(source.size(), kDirectory);
  const std::string end = source.read_text(source.size() - count, count);
  return end.find("/constants.pkl") != std::string::npos && end.find("/code/") != std::string::npos;
}

/// "archive/" for an archive with an entry "archive/data.pkl".
std::string find_folder(const ByteSource& source, const ZipReader& archive) {
  const std::string_view wanted = "/data.pkl";
  for (const auto& [name, entry] : archive.entries()) {
    const size_t slash = name.find('/');
    if (slash == std::string::npos || name.compare(slash, std::string::npos, wanted) != 0) continue;
    const std::string folder = name.substr(0, slash + 1);
    if (archive.find(folder + "constants.pkl")) refuse_program(source);
    if (const ZipReader::Entry* order = archive.find(folder + "byteorder"); order && order->size <= 16)
      if (archive.read(folder + "byteorder", *order) != "little") source.fail("was written on a big-endian machine");
    return folder;
  }
  source.fail("is a zip archive, but not a torch checkpoint: it has no data.pkl");
}

/// Where training programs keep weights in a dict, the averaged ones first.
constexpr std::string_view kWrappers[] = {"params_ema", "ema",    "state_dict", "model_state_dict",
                                          "model",      "params", "net",        "generator"};
constexpr int kLargestNesting = 3;

const PickleDict* find_dict(const PickleDict& dict, std::string_view key) {
  const PickleDict* found = nullptr;
  for (const auto& [name, value] : dict)
    if (const std::string* text = name->get<std::string>(); text && *text == key) found = value->get<PickleDict>();
  return found;
}

bool holds_tensors(const PickleDict& dict) {
  return std::any_of(dict.begin(), dict.end(),
                     [](const auto& item) { return item.second->template get<TensorDescription>() != nullptr; });
}

/// The dicts of tensors below the wrappers, in their order, as paths of keys ("model.state_dict").
void find_states(const PickleDict& dict, const std::string& path, int depth,
                 std::vector<std::pair<std::string, const PickleDict*>>& states) {
  for (const std::string_view wrapper : kWrappers) {
    const PickleDict* inner = find_dict(dict, wrapper);
    if (!inner) continue;
    const std::string name = path + std::string(wrapper);
    if (holds_tensors(*inner)) states.emplace_back(name, inner);
    else if (depth < kLargestNesting) find_states(*inner, name + ".", depth + 1, states);
  }
}

/// The dict of tensors: the root, or what a training checkpoint has below a usual key.
const PickleDict& find_state(const ByteSource& source, const Pickle& pickle) {
  const PickleDict* root = pickle.root().get<PickleDict>();
  if (!root) source.fail("is not a state dict: it holds something else than a dict of tensors");
  std::vector<std::pair<std::string, const PickleDict*>> states;
  find_states(*root, "", 1, states);
  if (states.empty()) return *root;
  std::vector<std::string> others;
  for (size_t i = 1; i < states.size(); ++i) others.push_back(quoted_name(states[i].first));
  if (!others.empty())
    note("'" + source.name() + "': weights are taken from " + quoted_name(states[0].first) + ", not from " +
         join(others, ", "));
  return *states[0].second;
}

/// What stands beside tensors and could not hold any: numbers, texts, objects, lists and dicts of such.
class Bystanders {
 public:
  bool contain(const PickleValue& value) {
    if (value.get<TensorDescription>() || value.get<PickleValue::Storage>()) return false;
    if (is_plain(value)) return true;
    const auto [known, fresh] = known_.emplace(&value, false);  // looked at once, however often it occurs
    if (fresh) known->second = has_plain_items(value);
    return known->second;
  }

 private:
  static bool is_plain(const PickleValue& value) {
    return !value.get<PickleList>() && !value.get<PickleDict>() && !value.get<TensorDescription>() &&
           !value.get<PickleValue::Storage>();
  }
  static bool has_plain_items(const PickleValue& value) {
    if (const PickleList* list = value.get<PickleList>())
      return std::all_of(list->begin(), list->end(), [](const PickleValue* item) { return is_plain(*item); });
    const PickleDict& dict = *value.get<PickleDict>();
    return std::all_of(dict.begin(), dict.end(), [](const auto& item) { return is_plain(*item.second); });
  }

  std::unordered_map<const PickleValue*, bool> known_;
};

std::string keys_of(const PickleDict& dict) {
  std::vector<std::string> names;
  for (const auto& [key, value] : dict)
    if (const std::string* name = key->get<std::string>(); name && names.size() < 5)
      names.push_back(quoted_name(*name));
  return join(names, ", ") + (names.size() < dict.size() ? ", ..." : "");
}

StateDict read_from(const ByteSource& source) {
  refuse_foreign(source);
  if (holds_a_program(source)) refuse_program(source);
  const ZipReader archive(source);
  const std::string folder = find_folder(source, archive), pickle_name = folder + "data.pkl";
  const ZipReader::Entry& entry = *archive.find(pickle_name);
  if (entry.size > kLargestPickle) source.fail("has a pickle of more than 64 MiB beside its tensors");
  const Pickle pickle(archive.read(pickle_name, entry), source);
  TensorLoader loader(source, archive, folder);
  const PickleDict& found = find_state(source, pickle);
  StateDict state;
  Bystanders bystanders;
  for (const auto& [key, value] : found) {
    if (bystanders.contain(*value)) continue;
    const std::string* name = key->get<std::string>();
    if (!name) source.fail("is not a state dict: a key of it is not a text");
    const TensorDescription* tensor = value->get<TensorDescription>();
    if (!tensor) source.fail("is not a state dict: its entry " + quoted_name(*name) + " is not a tensor");
    if (state.find(*name)) source.fail("has two tensors named " + quoted_name(*name));
    state.add(*name, loader.load(*name, *tensor));
  }
  if (state.empty() && !found.empty()) source.fail("is not a state dict: it holds no tensors, but " + keys_of(found));
  return state;
}

std::string_view bytes_of(const Array& tensor) {
  return {static_cast<const char*>(tensor.bytes()), static_cast<size_t>(tensor.byte_count())};
}

/// What torch writes here is a hash over the names and contents, as 40 digits; any equal-for-equal number will do.
std::string serialization_id(std::string_view pickle, const std::vector<Array>& tensors) {
  uint64_t names = 0xcbf29ce484222325, contents = crc32_of(pickle);
  for (const char byte : pickle) names = (names ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  for (const Array& tensor : tensors) contents = contents * 0x9e3779b97f4a7c15 + crc32_of(bytes_of(tensor));
  return format("%020ju%020ju", uintmax_t{names}, uintmax_t{contents});
}

}  // namespace

StateDict read_torch_checkpoint(const std::filesystem::path& path) { return read_from(FileSource(path)); }

StateDict parse_torch_checkpoint(std::string_view bytes, const std::string& source) {
  return read_from(MemorySource(bytes, source));
}

void write_torch_checkpoint(const std::filesystem::path& path, const StateDict& tensors) {
  std::vector<NamedDescription> descriptions;
  std::vector<Array> values;
  for (const auto& [name, tensor] : tensors) {
    Array plain = plain_tensor(name, tensor);
    if (!plain.is_dense()) plain = plain.contiguous();
    descriptions.push_back({name,
                            {find_element_type(plain.type()), std::to_string(values.size()),
                             static_cast<uint64_t>(plain.numel()), 0, plain.sizes().vec(), plain.strides().vec()}});
    values.push_back(std::move(plain));
  }
  const std::string pickle = pickle_of(descriptions);
  write_atomically(path, [&](std::ostream& out) {
    ZipWriter archive(out);
    archive.add("archive/data.pkl", pickle);
    archive.add("archive/.format_version", "1");
    archive.add("archive/.storage_alignment", "64");
    archive.add("archive/byteorder", "little");
    for (size_t i = 0; i < values.size(); ++i) archive.add("archive/data/" + std::to_string(i), bytes_of(values[i]));
    archive.add("archive/version", "3\n");
    archive.add("archive/.data/serialization_id", serialization_id(pickle, values));
    archive.finish();
  });
}

}  // namespace sscvae::serialization
