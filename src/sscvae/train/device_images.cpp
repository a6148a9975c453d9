#include "sscvae/train/device_images.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <algorithm>
#include <cstring>

#include "sscvae/core/error.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/nn/to_device.h"

namespace sscvae::train {
namespace {

constexpr int64_t kDecodedAtOnce = 64;

int64_t samples_of(const ImageStore& store, int64_t index) {
  return store.height(index) * store.width(index) * store.channels();
}

bool is_wide(const ImageStore& store) {
  for (int64_t i = 0; i < store.size(); ++i)
    if (store.bytes(i) > samples_of(store, i)) return true;
  return false;
}

/// The samples of an image as 16-bit integers.
at::Tensor widened(const image::Image& image) {
  const int64_t count = image.width * image.height * image.channels;
  at::Tensor values = at::empty({count}, at::kShort);
  auto* to = values.mutable_data_ptr<int16_t>();
  if (image.bit_depth == 16) std::memcpy(to, image.bytes.data(), image.bytes.size());
  else
    std::transform(image.bytes.begin(), image.bytes.end(), to,
                   [](uint8_t v) { return static_cast<int16_t>(static_cast<uint16_t>(257 * v)); });
  return values;
}

at::Tensor fractions_of(int64_t largest) {
  at::Tensor table = at::empty({largest + 1}, at::kFloat);
  auto* to = table.mutable_data_ptr<float>();
  for (int64_t i = 0; i <= largest; ++i) to[i] = static_cast<float>(i) / static_cast<float>(largest);
  return table;
}

}  // namespace

int64_t DeviceImages::bytes_of(const ImageStore& store) {
  int64_t samples = 0;
  for (int64_t i = 0; i < store.size(); ++i) samples += samples_of(store, i);
  return samples * (is_wide(store) ? 2 : 1);
}

DeviceImages::DeviceImages(const ImageStore& store, c10::Device device)
    : channels_(store.channels()),
      wide_(is_wide(store)),
      fractions_(fractions_of(wide_ ? 65535 : 255).to(device)),
      channel_(at::arange(channels_, at::kLong).view({1, -1, 1, 1}).to(device)) {
  const at::TensorOptions options = at::TensorOptions(device).dtype(wide_ ? at::kShort : at::kByte);
  integers_ = at::empty({bytes_of(store) / (wide_ ? 2 : 1)}, options);
  int64_t filled = 0;
  for (int64_t begin = 0; begin < store.size(); begin += kDecodedAtOnce)
    fill(store, begin, std::min(begin + kDecodedAtOnce, store.size()), filled);
}

void DeviceImages::fill(const ImageStore& store, int64_t begin, int64_t end, int64_t& filled) {
  std::vector<std::shared_ptr<const image::Image>> images(static_cast<size_t>(end - begin));
  at::parallel_for(begin, end, 1, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) images[static_cast<size_t>(i - begin)] = store.pixels(i);
  });
  for (const auto& image : images) {
    const int64_t count = image->width * image->height * channels_;
    // Another image may stand in for a damaged one.
    if (filled + count > integers_.size(0)) integers_.resize_({filled + count});
    const at::Tensor values =
        wide_ ? widened(*image) : at::from_blob(const_cast<uint8_t*>(image->bytes.data()), {count}, at::kByte);
    SSCVAE_ASSERT(values.numel() == count && (wide_ || image->bit_depth == 8));
    integers_.narrow(0, filled, count).copy_(values);
    places_.push_back({filled, image->height, image->width});
    filled += count;
  }
}

at::Tensor DeviceImages::cut(const std::vector<SamplePlan>& samples) const {
  SSCVAE_ASSERT(!samples.empty());
  const auto count = static_cast<int64_t>(samples.size());
  at::Tensor table;
  int64_t height = 0, width = 0, *next = nullptr;
  for (const SamplePlan& sample : samples) {
    const Place& place = places_.at(static_cast<size_t>(sample.image));
    const auto [rows, columns] = offsets_of(sample.window, place.height, place.width, channels_);
    if (!table.defined()) {
      height = static_cast<int64_t>(rows.size());
      width = static_cast<int64_t>(columns.size());
      table = at::empty({count, height + width}, at::kLong);
      next = table.mutable_data_ptr<int64_t>();
    }
    SSCVAE_ASSERT(static_cast<int64_t>(rows.size()) == height && static_cast<int64_t>(columns.size()) == width);
    next = std::transform(rows.begin(), rows.end(), next, [&](int64_t row) { return place.first + row; });
    next = std::copy(columns.begin(), columns.end(), next);
  }
  const at::Tensor there = nn::to_device(table, integers_.device());
  const at::Tensor pixels = there.narrow(1, 0, height).view({count, 1, height, 1}) +
                            there.narrow(1, height, width).view({count, 1, 1, width});
  at::Tensor values = integers_.index_select(0, (channels_ == 1 ? pixels : pixels + channel_).flatten()).to(at::kInt);
  if (wide_) values.bitwise_and_(0xFFFF);
  return fractions_.index_select(0, values).view({count, channels_, height, width});
}

}  // namespace sscvae::train
