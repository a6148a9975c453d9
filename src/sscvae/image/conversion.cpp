
#include <array>
#include <cmath>
#include <cstring>

#include "sscvae/array/array.h"
#include "sscvae/array/shape.h"
#include "sscvae/core/error.h"
#include "sscvae/core/text.h"
#include "sscvae/image/codecs.h"
#include "sscvae/image/image.h"

namespace sscvae::image {

namespace {

template <class Sample>
void samples_to_planes(const Image& image, float* planes) {
  constexpr float kMax = Sample(-1);
  const auto* samples = reinterpret_cast<const Sample*>(image.bytes.data());
  const int64_t pixels = image.width * image.height;
  for (int64_t c = 0; c < image.channels; ++c)
    for (int64_t i = 0; i < pixels; ++i) planes[c * pixels + i] = samples[i * image.channels + c] / kMax;
}

template <class Sample>
void planes_to_samples(const double* planes, Image& image) {
  constexpr double kMax = Sample(-1);
  auto* samples = reinterpret_cast<Sample*>(image.bytes.data());
  const int64_t pixels = image.width * image.height;
  for (int64_t c = 0; c < image.channels; ++c)
    for (int64_t i = 0; i < pixels; ++i) {
      const double value = planes[c * pixels + i];
      const double clamped = value > 0 ? (value < 1 ? value : 1.0) : 0.0;  // NaN becomes 0
      samples[i * image.channels + c] = static_cast<Sample>(std::nearbyint(clamped * kMax));
    }
}

/// The integer form of ITU-R BT.601 that Pillow uses.
template <class Sample>
void mix_to_grey(const Image& colour, Image& grey) {
  const auto* from = reinterpret_cast<const Sample*>(colour.bytes.data());
  auto* to = reinterpret_cast<Sample*>(grey.bytes.data());
  for (int64_t i = 0; i < colour.width * colour.height; ++i)
    to[i] = static_cast<Sample>((from[3 * i] * uint64_t{19595} + from[3 * i + 1] * uint64_t{38470} +
                                 from[3 * i + 2] * uint64_t{7471} + 0x8000) >>
                                16);
}

Image blank_like(const Image& image, int64_t channels) {
  Image result;
  result.width = image.width;
  result.height = image.height;
  result.channels = channels;
  result.bit_depth = image.bit_depth;
  result.remarks = image.remarks;
  result.bytes.resize(static_cast<size_t>(image.width * image.height * channels * (image.bit_depth / 8)));
  return result;
}

}  // namespace

Array to_array(const Image& image) {
  check_consistent(image);
  const Array array = Array::empty({image.channels, image.height, image.width});
  image.bit_depth == 16 ? samples_to_planes<uint16_t>(image, array.data<float>())
                        : samples_to_planes<uint8_t>(image, array.data<float>());
  return array;
}

Image from_array(const Array& array, int bit_depth) {
  const Array chw = array.dim() == 4 && array.size(0) == 1 ? array.squeeze(0) : array;
  if (chw.dim() != 3 || (chw.size(0) != 1 && chw.size(0) != 3) || chw.numel() == 0)
    throw ShapeError("image array: expected [C,H,W] with C 1 or 3, got " + shape_text(array));
  if (bit_depth != 8 && bit_depth != 16) throw UsageError(format("bit depth: expected 8 or 16, got %d", bit_depth));
  const Array planes = chw.to(kFloat64).contiguous();
  Image image;
  image.channels = chw.size(0);
  image.height = chw.size(1);
  image.width = chw.size(2);
  image.bit_depth = bit_depth;
  image.bytes.resize(static_cast<size_t>(chw.numel() * (bit_depth / 8)));
  bit_depth == 16 ? planes_to_samples<uint16_t>(planes.data<double>(), image)
                  : planes_to_samples<uint8_t>(planes.data<double>(), image);
  return image;
}

Image with_channels(const Image& image, int64_t channels) {
  check_consistent(image);
  if (channels != 1 && channels != 3)
    throw UsageError(format("image channels: expected 1 or 3, got %lld", static_cast<long long>(channels)));
  if (image.channels == channels) return image;
  Image result = blank_like(image, channels);
  if (channels == 1) {
    image.bit_depth == 16 ? mix_to_grey<uint16_t>(image, result) : mix_to_grey<uint8_t>(image, result);
    return result;
  }
  const size_t sample = image.bit_depth / 8;
  for (size_t i = 0; i < image.bytes.size() / sample; ++i)
    for (size_t c = 0; c < 3; ++c) std::memcpy(&result.bytes[(3 * i + c) * sample], &image.bytes[i * sample], sample);
  return result;
}

}  // namespace sscvae::image
