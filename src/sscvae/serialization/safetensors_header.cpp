#include "sscvae/serialization/safetensors_header.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "sscvae/core/error.h"
#include "sscvae/core/text.h"
#include "sscvae/serialization/foreign_files.h"

namespace sscvae::serialization {

namespace {

constexpr uint64_t kLargestHeader = 100'000'000;  // the limit of the format's own library
constexpr std::string_view kMetadataName = "__metadata__";

/// Receives the JSON in pieces. Nothing nests deeper than file > tensor > list, and whatever does not belong is refused
/// when it comes, so that neither depth nor width of hostile JSON costs more than its own bytes.
class HeaderReader {
 public:
  using number_integer_t = nlohmann::json::number_integer_t;
  using number_unsigned_t = nlohmann::json::number_unsigned_t;
  using number_float_t = nlohmann::json::number_float_t;
  using string_t = nlohmann::json::string_t;
  using binary_t = nlohmann::json::binary_t;

  HeaderReader(const ByteSource& source, SafetensorsHeader& header) : source_(source), header_(header) {}

  bool null() { refuse("a null"); }
  bool boolean(bool) { refuse("a truth value"); }
  bool number_integer(number_integer_t) { refuse("a negative number"); }
  bool number_float(number_float_t, const string_t&) { refuse("a number that is not a whole number below 2^64"); }
  bool binary(binary_t&) { refuse("binary data"); }

  bool number_unsigned(number_unsigned_t value) {
    if (place_ != Place::kList) refuse("a number");
    if (numbers_.size() >= kMaxDimensions) refuse("more than 64 numbers");
    numbers_.push_back(value);
    return true;
  }

  bool string(string_t& value) {
    if (place_ == Place::kMetadata) {
      header_.metadata[field_] = value;
      return true;
    }
    if (place_ != Place::kTensor || field_ != "dtype") refuse("a text");
    entry_.type = find_element_type_named(value);
    if (!entry_.type)
      source_.fail("has tensor " + quoted_name(entry_.name) + " of unknown dtype " + quoted_name(value));
    return true;
  }

  bool start_object(size_t) {
    if (place_ == Place::kOutside) {
      place_ = Place::kFile;
    } else if (place_ == Place::kFile) {
      place_ = field_ == kMetadataName ? Place::kMetadata : Place::kTensor;
      fields_.clear();
      entry_ = {};
      entry_.name = field_;
    } else {
      refuse("an object");
    }
    return true;
  }

  bool key(string_t& name) {
    const bool fresh = place_ == Place::kFile ? names_.insert(name).second : fields_.insert(name).second;
    if (!fresh && place_ == Place::kFile) source_.fail("names " + quoted_name(name) + " twice in its header");
    if (!fresh) source_.fail("names " + quoted_name(name) + " twice in the header's entry " + quoted_name(entry_.name));
    if (place_ == Place::kTensor && name != "dtype" && name != "shape" && name != "data_offsets")
      source_.fail("has tensor " + quoted_name(entry_.name) + " with an unknown field " + quoted_name(name));
    field_ = name;
    return true;
  }

  bool start_array(size_t) {
    if (place_ != Place::kTensor || field_ == "dtype") refuse("a list");
    place_ = Place::kList;
    numbers_.clear();
    return true;
  }

  bool end_array() {
    place_ = Place::kTensor;
    if (field_ == "shape") {
      for (const uint64_t size : numbers_) {
        if (size > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) refuse("a size above 2^63");
        entry_.shape.push_back(static_cast<int64_t>(size));
      }
      return true;
    }
    if (numbers_.size() != 2) refuse("data_offsets that are not two numbers");
    entry_.begin = numbers_[0];
    entry_.end = numbers_[1];
    return true;
  }

  bool end_object() {
    if (place_ == Place::kTensor) {
      if (fields_.size() != 3)
        source_.fail("has tensor " + quoted_name(entry_.name) + " without dtype, shape and data_offsets");
      header_.entries.push_back(std::move(entry_));
    }
    place_ = place_ == Place::kFile ? Place::kOutside : Place::kFile;
    return true;
  }

  bool parse_error(size_t position, const std::string&, const nlohmann::detail::exception&) {
    source_.fail(format("has a header that is not JSON (at byte %zu of it)", position));
  }

 private:
  enum class Place { kOutside, kFile, kMetadata, kTensor, kList };

  [[noreturn]] void refuse(const std::string& what) const {
    source_.fail("has a header with " + what + " at " + (field_.empty() ? "its start" : quoted_name(field_)) +
                 (place_ == Place::kTensor || place_ == Place::kList ? " of tensor " + quoted_name(entry_.name) : ""));
  }

  const ByteSource& source_;
  SafetensorsHeader& header_;
  Place place_ = Place::kOutside;
  std::string field_;
  HeaderEntry entry_;
  std::set<std::string> names_, fields_;
  std::vector<uint64_t> numbers_;
};

/// Each entry's bytes fit its type and shape, and together they are exactly the data.
void check_layout(const ByteSource& source, const SafetensorsHeader& header) {
  const uint64_t data = source.size() - header.data_begin;
  std::vector<const HeaderEntry*> by_place;
  for (const HeaderEntry& entry : header.entries) {
    const std::string tensor = "tensor " + quoted_name(entry.name);
    if (entry.begin > entry.end || entry.end > data)
      source.fail(format("is truncated or damaged: %s lies at bytes %ju to %ju of %ju", tensor.c_str(),
                         uintmax_t{entry.begin}, uintmax_t{entry.end}, uintmax_t{data}));
    uint64_t count = 0;
    if (!count_elements(entry.shape, count)) source.fail("has " + tensor + " of an impossible shape");
    if (count * entry.type->size != entry.end - entry.begin)
      source.fail(format("has %s of %ju bytes where its shape and dtype %s need %ju", tensor.c_str(),
                         uintmax_t{entry.end - entry.begin}, std::string(entry.type->name).c_str(),
                         uintmax_t{count * entry.type->size}));
    by_place.push_back(&entry);
  }
  std::stable_sort(by_place.begin(), by_place.end(), [](const HeaderEntry* a, const HeaderEntry* b) {
    return a->begin != b->begin ? a->begin < b->begin : a->end < b->end;
  });
  uint64_t expected = 0;
  for (const HeaderEntry* entry : by_place) {
    if (entry->begin != expected)
      source.fail("has tensor " + quoted_name(entry->name) +
                  (entry->begin < expected ? " overlapping another one" : " after bytes that belong to none"));
    expected = entry->end;
  }
  if (expected != data) source.fail(format("has %ju bytes after its last tensor", uintmax_t{data - expected}));
}

}  // namespace

SafetensorsHeader read_header(const ByteSource& source) {
  refuse_foreign_file(source);
  if (kind_of_file(source) == FileKind::kTorch)
    source.fail("is a zip archive, as torch checkpoints are, not a safetensors file; 'sscvae import' converts one");
  if (source.size() < 8) source.fail("is not a safetensors file: it has fewer than 8 bytes");
  uint64_t length = 0;
  source.read(0, 8, &length);
  if (length > kLargestHeader || length > source.size() - 8)
    source.fail(format("is not a safetensors file or is truncated: it announces a header of %ju bytes, and %ju follow",
                       uintmax_t{length}, uintmax_t{source.size() - 8}));
  const std::string text = source.read_text(8, length);
  if (text.empty() || text.front() != '{') source.fail("is not a safetensors file: its header does not start with '{'");
  SafetensorsHeader header;
  header.data_begin = 8 + length;
  HeaderReader reader(source, header);
  nlohmann::json::sax_parse(text, &reader);
  check_layout(source, header);
  return header;
}

std::string header_bytes(const std::vector<HeaderEntry>& entries, const std::map<std::string, std::string>& metadata) {
  const auto json_text = [](std::string_view text) {
    if (!is_utf8(text))
      throw FormatError("cannot write " + quoted_name(text) + " to a safetensors file: it is not UTF-8");
    return nlohmann::json(text).dump();
  };
  const auto numbers = [](const auto& values) {
    std::vector<std::string> parts;
    for (const auto value : values) parts.push_back(std::to_string(value));
    return "[" + join(parts, ",") + "]";
  };
  std::vector<std::string> parts;
  if (!metadata.empty()) {
    std::vector<std::string> pairs;
    for (const auto& [name, value] : metadata) pairs.push_back(json_text(name) + ":" + json_text(value));
    parts.push_back("\"__metadata__\":{" + join(pairs, ",") + "}");
  }
  for (const HeaderEntry& entry : entries) {
    if (entry.name == kMetadataName) throw FormatError("a safetensors file cannot have a tensor named '__metadata__'");
    parts.push_back(json_text(entry.name) + ":{\"dtype\":\"" + std::string(entry.type->name) + "\",\"shape\":" +
                    numbers(entry.shape) + ",\"data_offsets\":" + numbers(std::vector{entry.begin, entry.end}) + "}");
  }
  std::string text = "{" + join(parts, ",") + "}";
  text.resize((text.size() + 7) / 8 * 8, ' ');
  if (text.size() > kLargestHeader) throw FormatError("a safetensors header cannot have more than 100 million bytes");
  const uint64_t length = text.size();
  return std::string(reinterpret_cast<const char*>(&length), 8) + text;
}

}  // namespace sscvae::serialization
