#include "sscvae/serialization/safetensors.h"

#include <algorithm>
#include <ostream>

#include "sscvae/array/array.h"
#include "sscvae/core/atomic_file.h"
#include "sscvae/core/error.h"
#include "sscvae/serialization/byte_source.h"
#include "sscvae/serialization/element_type.h"
#include "sscvae/serialization/safetensors_header.h"

namespace sscvae::serialization {

namespace {

enum class Content { kHeaderOnly, kAll };

TensorFile read_from(const ByteSource& source, Content content) {
  SafetensorsHeader header = read_header(source);
  TensorFile file;
  file.metadata = std::move(header.metadata);
  for (const HeaderEntry& entry : header.entries) {
    file.tensors.add(entry.name,
                     content == Content::kHeaderOnly
                         ? Array::placeholder(entry.shape, entry.type->type)
                         : read_tensor(source, entry.name, *entry.type, entry.shape, header.data_begin + entry.begin));
  }
  return file;
}

}  // namespace

TensorFile read_safetensors(const std::filesystem::path& path) { return read_from(FileSource(path), Content::kAll); }

TensorFile parse_safetensors(std::string_view bytes, const std::string& source) {
  return read_from(MemorySource(bytes, source), Content::kAll);
}

TensorFile read_safetensors_header(const std::filesystem::path& path) {
  return read_from(FileSource(path), Content::kHeaderOnly);
}

void write_safetensors(const std::filesystem::path& path, const StateDict& tensors,
                       const std::map<std::string, std::string>& metadata) {
  std::vector<HeaderEntry> entries;
  std::vector<Array> values;
  for (const auto& [name, tensor] : tensors) {
    values.push_back(plain_tensor(name, tensor).contiguous());
    entries.push_back({name, find_element_type(tensor.type()), tensor.sizes().vec(), 0, 0});
  }
  // Wide elements first, so that each tensor starts at a multiple of its element's size: readers that map the file
  // into memory rely on it. The header keeps the order given.
  std::vector<size_t> order(entries.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return entries[a].type->size > entries[b].type->size; });
  uint64_t offset = 0;
  for (const size_t i : order) {
    entries[i].begin = offset;
    offset += static_cast<uint64_t>(values[i].byte_count());
    entries[i].end = offset;
  }
  const std::string header = header_bytes(entries, metadata);
  write_atomically(path, [&](std::ostream& out) {
    out.write(header.data(), static_cast<std::streamsize>(header.size()));
    for (const size_t i : order) {
      if (values[i].numel() == 0) continue;  // has no address
      out.write(static_cast<const char*>(values[i].bytes()), values[i].byte_count());
    }
  });
}

}  // namespace sscvae::serialization
