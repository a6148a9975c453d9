#include "sscvae/data/image_store.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <functional>
#include <thread>

#include "sscvae/core/error.h"
#include "sscvae/core/log.h"
#include "sscvae/core/text.h"
#include "sscvae/core/wording.h"
#include "sscvae/image/padding.h"

namespace sscvae::data {
namespace {

constexpr int64_t kMiB = 1 << 20;
constexpr size_t kNamedWarnings = 10;

/// Calls work(0) ... work(count - 1) from as many threads as there are processors. `work` must not throw.
void in_parallel(size_t count, const std::function<void(size_t)>& work) {
  std::atomic<size_t> next = 0;
  const auto loop = [&] {
    for (size_t i; (i = next.fetch_add(1)) < count;) work(i);
  };
  const size_t helpers = std::min<size_t>(std::max(1U, std::thread::hardware_concurrency()), count);
  std::vector<std::jthread> threads;
  for (size_t i = 1; i < helpers; ++i) threads.emplace_back(loop);
  loop();
}

std::string reason_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& exception) {
    return describe_failure(exception).line;
  }
}

/// Where the rows or columns of a window begin in the source, in samples.
std::vector<int64_t> offsets(int64_t first, int64_t count, int64_t size, int64_t step, bool mirrored) {
  std::vector<int64_t> result(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) {
    const int64_t from = first + (mirrored ? count - 1 - i : i);
    result[static_cast<size_t>(i)] = step * (from >= 0 && from < size ? from : image::reflected_index(from, size));
  }
  return result;
}

/// value / (2^depth - 1) of all 8-bit values.
const std::array<float, 256>& unit_values() {
  static const std::array<float, 256> values = [] {
    std::array<float, 256> table;
    for (size_t i = 0; i < table.size(); ++i) table[i] = static_cast<float>(i) / 255.0F;
    return table;
  }();
  return values;
}

template <class Sample>
void gather(int64_t channels, const std::vector<int64_t>& rows, const std::vector<int64_t>& columns, float* out,
            const Sample& sample) {
  for (int64_t channel = 0; channel < channels; ++channel)
    for (const int64_t row : rows) {
      const int64_t begin = row + channel;
      for (const int64_t column : columns) *out++ = sample(begin + column);
    }
}

}  // namespace

WindowOffsets offsets_of(const Window& window, int64_t height, int64_t width, int64_t channels) {
  WindowOffsets result{offsets(window.top, window.height, height, width * channels, (window.symmetry & 2) != 0),
                       offsets(window.left, window.width, width, channels, (window.symmetry & 1) != 0)};
  if (window.symmetry & 4) std::swap(result.rows, result.columns);
  return result;
}

Decoding decoding_of(const DataOptions& options) {
  return {image::parse_range("data.range", options.range), options.max_pixels};
}

ImageStore::ImageStore(std::filesystem::path root, const std::vector<std::string>& paths, int64_t channels,
                       int64_t cache_mb, OnBroken on_broken, const Decoding& decoding, bool known)
    : root_(std::move(root)), channels_(channels), on_broken_(on_broken), decoding_(decoding) {
  if (paths.empty()) throw UsageError(root_.string() + ": an empty list of images");
  if (channels != 1 && channels != 3)
    throw UsageError("images are read with 1 or 3 channels, not " + std::to_string(channels));
  for (const std::string& path : paths) {
    entries_.emplace_back();
    entries_.back().name = path;
  }
  read_headers();
  for (const Entry& entry : entries_)
    if (known && entry.error) std::rethrow_exception(entry.error);
  fill_cache(cache_mb * kMiB, known);
  drop_broken();
}

void ImageStore::read_headers() {
  in_parallel(entries_.size(), [this](size_t i) {
    Entry& entry = entries_[i];
    try {
      const image::ImageSize size = image::read_image_size(root_ / entry.name, decoding_.max_pixels);
      entry.width = size.width;
      entry.height = size.height;
      const int depth = decoding_.range.rule == image::RangeRule::kGiven ? 16 : size.bit_depth;  // as image::stretched
      entry.bytes = size.width * size.height * channels_ * (depth / 8);
    } catch (...) {
      entry.error = std::current_exception();
    }
  });
}

void ImageStore::fill_cache(int64_t capacity, bool known) {
  std::vector<size_t> chosen;
  for (size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i].error) continue;
    if (entries_[i].bytes > capacity) break;
    capacity -= entries_[i].bytes;
    chosen.push_back(i);
  }
  in_parallel(chosen.size(), [&](size_t i) {
    Entry& entry = entries_[chosen[i]];
    try {
      entry.cached = decode(entry);
      entry.width = entry.cached->width;
      entry.height = entry.cached->height;
    } catch (const FormatError&) {
      if (!known || on_broken_ == OnBroken::kRefuse) entry.error = std::current_exception();
    } catch (...) {
      entry.error = std::current_exception();
    }
  });
}

void ImageStore::drop_broken() {
  std::exception_ptr first;
  for (const Entry& entry : entries_) {
    if (!entry.error) continue;
    if (on_broken_ == OnBroken::kRefuse) std::rethrow_exception(entry.error);
    if (!first) first = entry.error;
    if (left_out_.size() < kNamedWarnings) warn("left out: " + reason_of(entry.error));
    left_out_.push_back(entry.name);
  }
  if (left_out_.size() > kNamedWarnings)
    warn("left out: " + count_text(left_out_.size() - kNamedWarnings, "more broken image"));
  std::erase_if(entries_, [](const Entry& entry) { return entry.error != nullptr; });
  if (entries_.empty())
    throw FormatError("none of the " + count_text(left_out_.size(), "image") + " in " + root_.string() +
                      " can be read; the first: " + reason_of(first));
}

std::shared_ptr<const image::Image> ImageStore::decode(const Entry& entry) const {
  image::Image decoded = image::read_image(root_ / entry.name, image::Alpha::kBlend, decoding_.max_pixels);
  if (!decoded.defect.empty()) {
    const std::string line = (root_ / entry.name).string() + ": " + decoded.defect;
    if (on_broken_ == OnBroken::kRefuse) throw FormatError(line);
    warn_once(line);
  }
  const std::string name = (root_ / entry.name).string();
  try {
    const image::FoundRange found = image::find_range(decoded, decoding_.range);
    const std::string taken = "is taken as " + image::range_text(found.range);
    if (!found.reason.empty() && is_new(taken))
      note(name + " " + taken + " (" + found.reason + "), and so are others like it; data.range says otherwise");
    decoded = image::stretched(decoded, found.range);
  } catch (const FormatError& error) {
    throw FormatError(name + ": " + error.what());
  }
  if (decoded.channels != channels_) decoded = image::with_channels(decoded, channels_);
  return std::make_shared<const image::Image>(std::move(decoded));
}

int64_t ImageStore::cached_images() const {
  return std::count_if(entries_.begin(), entries_.end(), [](const Entry& entry) { return entry.cached != nullptr; });
}

int64_t ImageStore::cached_bytes() const {
  int64_t bytes = 0;
  for (const Entry& entry : entries_)
    if (entry.cached) bytes += static_cast<int64_t>(entry.cached->bytes.size());
  return bytes;
}

std::string ImageStore::summary() const {
  std::string text = count_text(size(), "image");
  if (!left_out_.empty()) text += ", " + count_text(left_out_.size(), "broken one") + " left out";
  const double mib = static_cast<double>(cached_bytes()) / kMiB;
  return text + format("; %lld (%.1f MiB) in memory", static_cast<long long>(cached_images()), mib);
}

bool ImageStore::is_new(const std::string& line) const {
  const std::lock_guard lock(mutex_);
  return said_.insert(line).second;
}

void ImageStore::warn_once(const std::string& line) const {
  if (is_new(line)) warn(line);
}

std::shared_ptr<const image::Image> ImageStore::pixels(int64_t index) const {
  for (int64_t tried = 0; tried < size(); ++tried) {
    const int64_t candidate = (index + tried) % size();
    const Entry& entry = entries_.at(static_cast<size_t>(candidate));
    if (entry.cached) return entry.cached;
    try {
      return decode(entry);
    } catch (const FormatError& error) {
      if (on_broken_ == OnBroken::kRefuse) throw;
      warn_once(std::string("replaced by the next image: ") + error.what());
    }
  }
  throw FormatError("none of the " + count_text(size(), "image") + " in " + root_.string() + " can be decoded");
}

Array ImageStore::get(int64_t index) const { return image::to_array(*pixels(index)); }

Array ImageStore::get_itself(int64_t index) const {
  const Entry& entry = entries_.at(static_cast<size_t>(index));
  return image::to_array(entry.cached ? *entry.cached : *decode(entry));
}

void ImageStore::copy_window(int64_t index, const Window& window, float* out) const {
  const std::shared_ptr<const image::Image> image = pixels(index);
  const auto [rows, columns] = offsets_of(window, image->height, image->width, channels_);
  const uint8_t* bytes = image->bytes.data();
  if (image->bit_depth == 8) {
    gather(channels_, rows, columns, out, [bytes, table = unit_values().data()](int64_t i) { return table[bytes[i]]; });
  } else {
    gather(channels_, rows, columns, out, [bytes](int64_t i) {
      uint16_t value;
      std::memcpy(&value, bytes + 2 * i, sizeof value);
      return static_cast<float>(value) / 65535.0F;
    });
  }
}

}  // namespace sscvae::data
