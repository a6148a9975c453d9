#pragma once

#include <cstdint>
#include <string>

#include "sscvae/image/image.h"

/// Which stored samples mean black and white. Files of 16 bits often hold 10, 12 or 14 from a camera or scanner.
namespace sscvae::image {

struct ValueRange {
  int64_t low = 0, high = 255;
  friend bool operator==(const ValueRange&, const ValueRange&) = default;
};

enum class RangeRule { kAuto, kFull, kGiven };
struct RangeOption {
  RangeRule rule = RangeRule::kAuto;
  ValueRange given = {};
};
/// auto, full or LOW:HIGH with 0 <= LOW < HIGH <= 65535. Errors: UsageError that begins with `name`.
RangeOption parse_range(const std::string& name, const std::string& text);

/// "0:4095"
std::string range_text(const ValueRange& range);
/// 0 to 2^bits - 1.
ValueRange full_range(int bits);

/// The range of an image and, where kAuto took another one than the full one, why. kAuto: the full range for 8 bits;
/// for 16 bits that of the significant bits that the file states (sBIT), or else of 8, 10, 12 or 14 bits, if no sample
/// is above it. Black images are taken as full. Errors: FormatError (without a file name) if a given range reaches
/// beyond what the image's depth can hold.
struct FoundRange {
  ValueRange range;
  std::string reason;
};
FoundRange find_range(const Image& image, const RangeOption& option);

/// The image with its range spread over all of 16 bits, round(65535 (v - low) / (high - low)), cut at both ends,
/// without opacity; the image itself where the range is full already.
Image stretched(const Image& image, const ValueRange& range);
/// The way back from an image whose range is full, to samples of `bit_depth`.
Image in_units_of(const Image& image, const ValueRange& range, int bit_depth);

}  // namespace sscvae::image
