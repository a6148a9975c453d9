#include "sscvae/serialization/torch_checkpoint.h"

#include <ATen/ops/as_strided.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <map>
#include <ostream>

#include "sscvae/core/atomic_file.h"
#include "sscvae/core/error.h"
#include "sscvae/core/text.h"
#include "sscvae/serialization/byte_source.h"
#include "sscvae/serialization/element_type.h"
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

  at::Tensor load(const std::string& name, const TensorDescription& tensor) {
    check_view(name, tensor);
    uint64_t count = 0;
    count_elements(tensor.sizes, count);
    if (count == 0) return at::empty(tensor.sizes, at::TensorOptions(tensor.type->type));
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

  const at::Tensor& storage(const std::string& name, const TensorDescription& tensor) {
    const auto known = storages_.find(tensor.key);
    if (known != storages_.end()) {
      if (known->second.scalar_type() != tensor.type->type ||
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
    at::Tensor values =
        read_tensor(source_, name, *tensor.type, {static_cast<int64_t>(tensor.storage_elements)}, entry->begin);
    archive_.check_crc(entry_name, *entry, values.const_data_ptr());
    return storages_.emplace(tensor.key, std::move(values)).first->second;
  }

  const ByteSource& source_;
  const ZipReader& archive_;
  std::string folder_;
  std::map<std::string, at::Tensor> storages_;
};

/// Checkpoints from before PyTorch 1.6 are a bare pickle that starts with this number.
void refuse_foreign(const ByteSource& source) {
  const std::string start = source.read_text(0, std::min<uint64_t>(source.size(), 14));
  if (start == std::string("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 14))
    source.fail(
        "is a checkpoint in the format before PyTorch 1.6; convert it with: python -c \"import torch; "
        "torch.save(torch.load('old.pt', map_location='cpu', weights_only=True), 'new.pt')\"");
  if (start.compare(0, 2, "PK") != 0) source.fail("is not a torch checkpoint: it does not start as a zip archive does");
}

/// "archive/" for an archive with an entry "archive/data.pkl".
std::string find_folder(const ByteSource& source, const ZipReader& archive) {
  const std::string_view wanted = "/data.pkl";
  for (const auto& [name, entry] : archive.entries()) {
    const size_t slash = name.find('/');
    if (slash == std::string::npos || name.compare(slash, std::string::npos, wanted) != 0) continue;
    const std::string folder = name.substr(0, slash + 1);
    if (archive.find(folder + "constants.pkl")) source.fail("is a TorchScript program, not a state dict");
    if (const ZipReader::Entry* order = archive.find(folder + "byteorder"); order && order->size <= 16)
      if (archive.read(folder + "byteorder", *order) != "little") source.fail("was written on a big-endian machine");
    return folder;
  }
  source.fail("is a zip archive, but not a torch checkpoint: it has no data.pkl");
}

/// The dict of tensors: the root, or what a training checkpoint has under "state_dict" or "model".
const PickleDict& find_state(const ByteSource& source, const Pickle& pickle) {
  const PickleDict* root = pickle.root().get<PickleDict>();
  if (!root) source.fail("is not a state dict: it holds something else than a dict of tensors");
  for (const std::string_view wrapper : {"state_dict", "model"})
    for (const auto& [key, value] : *root)
      if (key->get<std::string>() && *key->get<std::string>() == wrapper)
        if (const PickleDict* inner = value->get<PickleDict>()) return *inner;
  return *root;
}

StateDict read_from(const ByteSource& source) {
  refuse_foreign(source);
  const ZipReader archive(source);
  const std::string folder = find_folder(source, archive), pickle_name = folder + "data.pkl";
  const ZipReader::Entry& entry = *archive.find(pickle_name);
  if (entry.size > kLargestPickle) source.fail("has a pickle of more than 64 MiB beside its tensors");
  const Pickle pickle(archive.read(pickle_name, entry), source);
  TensorLoader loader(source, archive, folder);
  StateDict state;
  for (const auto& [key, value] : find_state(source, pickle)) {
    const std::string* name = key->get<std::string>();
    if (!name) source.fail("is not a state dict: a key of it is not a text");
    const TensorDescription* tensor = value->get<TensorDescription>();
    if (!tensor) source.fail("is not a state dict: its entry " + quoted_name(*name) + " is not a tensor");
    if (state.find(*name)) source.fail("has two tensors named " + quoted_name(*name));
    state.add(*name, loader.load(*name, *tensor));
  }
  return state;
}

std::string_view bytes_of(const at::Tensor& tensor) {
  return {static_cast<const char*>(tensor.const_data_ptr()), tensor.nbytes()};
}

/// What torch writes here is a hash over the names and contents, as 40 digits; any equal-for-equal number will do.
std::string serialization_id(std::string_view pickle, const std::vector<at::Tensor>& tensors) {
  uint64_t names = 0xcbf29ce484222325, contents = crc32_of(pickle);
  for (const char byte : pickle) names = (names ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  for (const at::Tensor& tensor : tensors) contents = contents * 0x9e3779b97f4a7c15 + crc32_of(bytes_of(tensor));
  return format("%020ju%020ju", uintmax_t{names}, uintmax_t{contents});
}

}  // namespace

StateDict read_torch_checkpoint(const std::filesystem::path& path) { return read_from(FileSource(path)); }

StateDict parse_torch_checkpoint(std::string_view bytes, const std::string& source) {
  return read_from(MemorySource(bytes, source));
}

void write_torch_checkpoint(const std::filesystem::path& path, const StateDict& tensors) {
  std::vector<NamedDescription> descriptions;
  std::vector<at::Tensor> values;
  for (const auto& [name, tensor] : tensors) {
    at::Tensor plain = plain_tensor(name, tensor);
    if (!plain.is_non_overlapping_and_dense()) plain = plain.contiguous();
    descriptions.push_back({name,
                            {find_element_type(plain.scalar_type()), std::to_string(values.size()),
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
