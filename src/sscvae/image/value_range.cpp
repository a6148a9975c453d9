#include "sscvae/image/value_range.h"

#include <algorithm>
#include <charconv>

#include "sscvae/core/error.h"
#include "sscvae/core/text.h"
#include "sscvae/image/codecs.h"

namespace sscvae::image {

namespace {

constexpr int64_t kLargest = 65535;
constexpr int kUsualBits[] = {8, 10, 12, 14};

size_t samples_in(const Image& image) { return image.bytes.size() / static_cast<size_t>(image.bit_depth / 8); }

int64_t sample_at(const Image& image, size_t i) {
  return image.bit_depth == 8 ? image.bytes[i] : reinterpret_cast<const uint16_t*>(image.bytes.data())[i];
}

/// Every sample by `map`, at `bit_depth`.
template <class Map>
Image mapped(const Image& image, int bit_depth, const Map& map) {
  Image result = image;
  result.bit_depth = bit_depth;
  result.alpha.clear();
  result.bytes.resize(samples_in(image) * static_cast<size_t>(bit_depth / 8));
  auto* wide = reinterpret_cast<uint16_t*>(result.bytes.data());
  for (size_t i = 0, count = samples_in(image); i < count; ++i) {
    const int64_t value = map(sample_at(image, i));
    if (bit_depth == 8) result.bytes[i] = static_cast<uint8_t>(value);
    else wide[i] = static_cast<uint16_t>(value);
  }
  return result;
}

int64_t parse_bound(const std::string& text, int64_t missing) {
  int64_t value = missing;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? value : missing;
}

FoundRange found_range(const Image& image) {
  const ValueRange full = full_range(image.bit_depth);
  if (image.bit_depth == 8) return {full, ""};
  int64_t largest = 0;
  for (size_t i = 0, count = samples_in(image); i < count; ++i) largest = std::max(largest, sample_at(image, i));
  const int stated = image.significant_bits;
  if (stated > 0 && stated < image.bit_depth)
    return largest > 0 && largest <= full_range(stated).high
               ? FoundRange{full_range(stated), format("the file states %d significant bits", stated)}
               : FoundRange{full, ""};
  for (const int bits : kUsualBits)
    if (largest > 0 && largest <= full_range(bits).high)
      return {full_range(bits), format("no sample is above %lld", static_cast<long long>(largest))};
  return {full, ""};
}

}  // namespace

RangeOption parse_range(const std::string& name, const std::string& text) {
  if (text == "auto") return {};
  if (text == "full") return {RangeRule::kFull, {}};
  const size_t colon = text.find(':');
  RangeOption option{RangeRule::kGiven, {}};
  option.given.low = parse_bound(text.substr(0, colon), -1);
  option.given.high = colon == std::string::npos ? -1 : parse_bound(text.substr(colon + 1), -1);
  if (option.given.low < 0 || option.given.high <= option.given.low || option.given.high > kLargest)
    throw UsageError(name + ": expected auto, full or LOW:HIGH with 0 <= LOW < HIGH <= 65535, got '" + text + "'");
  return option;
}

std::string range_text(const ValueRange& range) { return std::to_string(range.low) + ":" + std::to_string(range.high); }

ValueRange full_range(int bits) { return {0, (int64_t{1} << bits) - 1}; }

FoundRange find_range(const Image& image, const RangeOption& option) {
  check_consistent(image);
  if (option.rule == RangeRule::kAuto) return found_range(image);
  const ValueRange full = full_range(image.bit_depth);
  if (option.rule == RangeRule::kFull) return {full, ""};
  if (option.given.high > full.high)
    throw FormatError(format("an image of %d bits cannot hold the range ", image.bit_depth) + range_text(option.given));
  return {option.given, ""};
}

Image stretched(const Image& image, const ValueRange& range) {
  if (range == full_range(image.bit_depth)) return image;
  const int64_t width = range.high - range.low;
  return mapped(image, 16, [&](int64_t value) {
    return ((std::clamp(value, range.low, range.high) - range.low) * kLargest + width / 2) / width;
  });
}

Image in_units_of(const Image& image, const ValueRange& range, int bit_depth) {
  const int64_t full = full_range(image.bit_depth).high, width = range.high - range.low;
  if (range == full_range(image.bit_depth) && bit_depth == image.bit_depth) return image;
  return mapped(image, bit_depth, [&](int64_t value) { return range.low + (value * width + full / 2) / full; });
}

}  // namespace sscvae::image
