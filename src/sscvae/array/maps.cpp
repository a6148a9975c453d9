#include "sscvae/array/maps.h"

#include <cmath>
#include <limits>

#include "sscvae/array/computed_type.h"
#include "sscvae/array/elementwise.h"
#include "sscvae/array/parallel.h"
#include "sscvae/array/products.h"
#include "sscvae/array/reductions.h"
#include "sscvae/core/error.h"

namespace sscvae {

namespace {

void check_map(const Array& x) {
  if (x.dim() != 4) throw ShapeError("map: expected [N,C,H,W], got " + to_string(x.sizes()));
}

Array per_channel(const Array& numbers) { return numbers.view({1, -1, 1, 1}); }

/// All windows of a padded map as columns: [C kh kw, h w].
template <class T>
Array windows_of(const Array& image, const Array& weight, const ConvolutionForm& form, int64_t height, int64_t width) {
  const int64_t channels = image.size(0), kh = weight.size(2), kw = weight.size(3);
  const Array columns = Array::empty({channels, kh, kw, height, width}, image.type());
  parallel_for(0, channels * kh * kw, 4, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const T* from = image.data<T>() + i / (kh * kw) * image.stride(0) + i / kw % kh * image.stride(1) + i % kw;
      T* to = columns.data<T>() + i * height * width;
      for (int64_t y = 0; y < height; ++y)
        for (int64_t x = 0; x < width; ++x) *to++ = from[y * form.stride[0] * image.stride(1) + x * form.stride[1]];
    }
  });
  return columns.view({channels * kh * kw, height * width});
}

/// Windows of a pooling along one axis.
struct Windows {
  int64_t count, kernel, stride, padding, size;

  Windows(int64_t length, int64_t k, int64_t s, int64_t p, bool ceil) : kernel(k), stride(s), padding(p), size(length) {
    const int64_t room = length + 2 * p - k + (ceil ? s - 1 : 0);
    count = room / s + 1;
    if (ceil && (count - 1) * s >= length + p) --count;
    if (room < 0 || count < 1) throw ShapeError("map: too small for a window of " + std::to_string(k));
  }
  int64_t begin(int64_t i) const { return std::max<int64_t>(i * stride - padding, 0); }
  int64_t end(int64_t i) const { return std::min(i * stride - padding + kernel, size); }
  /// Length of window i, including padding.
  int64_t length(int64_t i) const {
    return std::min(i * stride - padding + kernel, size + padding) - (i * stride - padding);
  }
};

/// figure(plane, row stride, top, bottom, left, right, numbers of the whole window) for each window of each channel.
template <class Figure>
Array pooled(const Array& map, const PoolForm& form, const Figure& figure) {
  check_map(map);
  const Windows rows(map.size(2), form.kernel[0], form.stride[0], form.padding[0], form.ceil);
  const Windows columns(map.size(3), form.kernel[1], form.stride[1], form.padding[1], form.ceil);
  const DataType inner = computed_in(map.type());
  const Array x = map.to(inner).contiguous(),
              result = Array::empty({x.size(0), x.size(1), rows.count, columns.count}, inner);
  with_computed_type(inner, [&](auto kind) {
    using T = decltype(kind);
    parallel_for(0, x.size(0) * x.size(1) * rows.count, 16, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const T* plane = x.data<T>() + i / rows.count * x.size(2) * x.size(3);
        const int64_t y = i % rows.count;
        for (int64_t c = 0; c < columns.count; ++c)
          result.data<T>()[i * columns.count + c] =
              static_cast<T>(figure(plane, x.size(3), rows.begin(y), rows.end(y), columns.begin(c), columns.end(c),
                                    rows.length(y) * columns.length(c)));
      }
    });
  });
  return result.to(map.type()).contiguous(map.is_channels_last() ? Layout::kChannelsLast : Layout::kContiguous);
}

/// Where a resized axis takes its numbers from.
struct Taps {
  Array low, high;  ///< int64
  Array weight;     ///< of `high`, float64
};

Taps taps_of(int64_t from, int64_t to) {
  const Taps taps{Array::empty({to}, kInt64), Array::empty({to}, kInt64), Array::empty({to}, kFloat64)};
  for (int64_t i = 0; i < to; ++i) {
    const double place = (static_cast<double>(i) + 0.5) * static_cast<double>(from) / static_cast<double>(to) - 0.5;
    const double inside = std::max(place, 0.0);
    const auto low = std::min(static_cast<int64_t>(inside), from - 1);
    taps.low.data<int64_t>()[i] = low;
    taps.high.data<int64_t>()[i] = std::min(low + 1, from - 1);
    taps.weight.data<double>()[i] = inside - static_cast<double>(low);
  }
  return taps;
}

/// Resizes one axis (2 or 3).
Array resized(const Array& x, int64_t axis, int64_t length) {
  const Taps taps = taps_of(x.size(axis), length);
  Sizes sizes = x.sizes();
  sizes[static_cast<size_t>(axis)] = length;
  const Array result = Array::empty(sizes, x.type());
  for (int64_t i = 0; i < length; ++i) {
    const double weight = taps.weight.data<double>()[i];
    const Array low = x.select(axis, taps.low.data<int64_t>()[i]), high = x.select(axis, taps.high.data<int64_t>()[i]);
    result.select(axis, i).copy_(low * (1 - weight) + high * weight);
  }
  return result;
}

}  // namespace

Array conv2d(const Array& map, const Array& weight, const Array& bias, const ConvolutionForm& form) {
  check_map(map);
  check_map(weight);
  const Array padded = pad(map, {form.padding[1], form.padding[1], form.padding[0], form.padding[0]});
  const int64_t outs = weight.size(0), ins = weight.size(1), groups = form.groups;
  const int64_t height = (padded.size(2) - weight.size(2)) / form.stride[0] + 1;
  const int64_t width = (padded.size(3) - weight.size(3)) / form.stride[1] + 1;
  if (ins * groups != map.size(1) || outs % groups != 0 || padded.size(2) < weight.size(2) ||
      padded.size(3) < weight.size(3))
    throw ShapeError("convolution: weight " + to_string(weight.sizes()) + " does not fit map " +
                     to_string(map.sizes()));
  const DataType type = computed_in(common_type(common_type(map.type(), weight.type()), kFloat32));
  const Array x = padded.to(type).contiguous(), w = weight.to(type).reshape({outs, -1});
  const Array result = Array::empty({x.size(0), outs, height, width}, type);
  for (int64_t n = 0; n < x.size(0); ++n) {
    for (int64_t g = 0; g < groups; ++g) {
      const Array group = x.select(0, n).narrow(0, g * ins, ins);
      const Array columns = with_fraction_type(
          type, [&](auto kind) { return windows_of<decltype(kind)>(group, weight, form, height, width); });
      const int64_t count = outs / groups;
      result.select(0, n)
          .narrow(0, g * count, count)
          .copy_(mm(w.narrow(0, g * count, count), columns).view({count, height, width}));
    }
  }
  if (bias.defined()) result += per_channel(bias);
  return result.contiguous(map.is_channels_last() ? Layout::kChannelsLast : Layout::kContiguous);
}

Array conv_transpose2d(const Array& x, const Array& weight, const Array& bias) {
  check_map(x);
  const int64_t outs = weight.size(1), k = weight.size(2), height = x.size(2), width = x.size(3);
  // Each position becomes a block of k x k pixels: a pointwise convolution, then the blocks side by side.
  const Array rows = weight.permute({1, 2, 3, 0}).reshape({outs * k * k, x.size(1), 1, 1});
  const Array blocks = pixel_shuffle(conv2d(x, rows), k);
  if (blocks.size(2) != k * height || blocks.size(3) != k * width)
    throw ShapeError("convolution: kernel and stride differ");
  return bias.defined() ? blocks + per_channel(bias) : blocks;
}

Array max_pool2d(const Array& x, const PoolForm& form) {
  return pooled(
      x, form,
      [](const auto* plane, int64_t stride, int64_t top, int64_t bottom, int64_t left, int64_t right, int64_t) {
        auto most = plane[top * stride + left];
        for (int64_t y = top; y < bottom; ++y)
          for (int64_t c = left; c < right; ++c) {
            const auto value = plane[y * stride + c];
            if (value > most || value != value) most = value;
          }
        return most;
      });
}

Array avg_pool2d(const Array& x, const PoolForm& form) {
  const bool all = form.counts_padding;
  return pooled(x, form,
                [all](const auto* plane, int64_t stride, int64_t top, int64_t bottom, int64_t left, int64_t right,
                      int64_t whole) {
                  double sum = 0;
                  for (int64_t y = top; y < bottom; ++y)
                    for (int64_t c = left; c < right; ++c) sum += static_cast<double>(plane[y * stride + c]);
                  return sum / static_cast<double>(all ? whole : (bottom - top) * (right - left));
                });
}

Array pad(const Array& x, const Border& border) {
  check_map(x);
  const auto [left, right, top, bottom] = border;
  if (left == 0 && right == 0 && top == 0 && bottom == 0) return x;
  const auto cut = [](int64_t n) { return std::max<int64_t>(-n, 0); };
  const auto grown = [](int64_t n) { return std::max<int64_t>(n, 0); };
  const Array kept = x.narrow(2, cut(top), x.size(2) - cut(top) - cut(bottom))
                         .narrow(3, cut(left), x.size(3) - cut(left) - cut(right));
  const Array result = Array::zeros({x.size(0), x.size(1), x.size(2) + top + bottom, x.size(3) + left + right},
                                    x.type(), x.is_channels_last() ? Layout::kChannelsLast : Layout::kContiguous);
  result.narrow(2, grown(top), kept.size(2)).narrow(3, grown(left), kept.size(3)).copy_(kept);
  return result;
}

Array pixel_shuffle(const Array& x, int64_t r) {
  check_map(x);
  const int64_t channels = x.size(1) / (r * r), height = x.size(2), width = x.size(3);
  return x.reshape({x.size(0), channels, r, r, height, width})
      .permute({0, 1, 4, 2, 5, 3})
      .reshape({x.size(0), channels, height * r, width * r});
}

Array pixel_unshuffle(const Array& x, int64_t r) {
  check_map(x);
  const int64_t channels = x.size(1), height = x.size(2) / r, width = x.size(3) / r;
  return x.reshape({x.size(0), channels, height, r, width, r})
      .permute({0, 1, 3, 5, 2, 4})
      .reshape({x.size(0), channels * r * r, height, width});
}

Array upsample_bilinear2d(const Array& x, int64_t height, int64_t width) {
  check_map(x);
  return resized(resized(x, 2, height), 3, width);
}

Array batch_norm(const Array& x, const Array& weight, const Array& bias, const Array& mean, const Array& variance,
                 double epsilon) {
  const Array scale = weight * rsqrt(variance + epsilon);
  return x * per_channel(scale) + per_channel(bias - mean * scale);
}

Array group_norm(const Array& x, int64_t groups, const Array& weight, const Array& bias, double epsilon) {
  check_map(x);
  const Array grouped = x.contiguous().view({x.size(0), groups, -1});
  const Array centred = grouped - mean(grouped, {2}, true);
  const Array normalised = centred * rsqrt(mean(square(centred), {2}, true) + epsilon);
  return normalised.view(x.sizes()) * per_channel(weight) + per_channel(bias);
}

}  // namespace sscvae
