#include "sscvae/array/selection.h"

#include "sscvae/array/computed_type.h"
#include "sscvae/core/error.h"

namespace sscvae {

Array cat(const std::vector<Array>& parts, int64_t axis) {
  if (parts.empty()) throw ShapeError("array: nothing to join");
  Sizes sizes = parts.front().sizes();
  const auto place = static_cast<size_t>(axis < 0 ? axis + parts.front().dim() : axis);
  sizes[place] = 0;
  DataType type = parts.front().type();
  for (const Array& part : parts) {
    sizes[place] += part.size(axis);
    type = common_type(type, part.type());
  }
  const bool last = parts.front().is_channels_last();
  const Array joined = Array::empty(sizes, type, last ? Layout::kChannelsLast : Layout::kContiguous);
  int64_t start = 0;
  for (const Array& part : parts) {
    joined.narrow(axis, start, part.size(axis)).copy_(part);
    start += part.size(axis);
  }
  return joined;
}

Array stack(const std::vector<Array>& parts, int64_t axis) {
  std::vector<Array> grown;
  for (const Array& part : parts) grown.push_back(part.unsqueeze(axis));
  return cat(grown, axis);
}

Array index_select(const Array& a, int64_t axis, const Array& indices) {
  Sizes sizes = a.sizes();
  sizes[static_cast<size_t>(axis < 0 ? axis + a.dim() : axis)] = indices.numel();
  const Array chosen = Array::empty(sizes, a.type()), numbers = indices.contiguous();
  for (int64_t i = 0; i < numbers.numel(); ++i)
    chosen.narrow(axis, i, 1).copy_(a.narrow(axis, numbers.data<int64_t>()[i], 1));
  return chosen;
}

Array masked_select(const Array& a, const Array& mask) {
  const Sizes sizes = common_sizes(a.sizes(), mask.sizes());
  const Array values = a.expand(sizes).contiguous(), wanted = mask.to(kBool).expand(sizes).contiguous();
  const bool* chosen = wanted.data<bool>();
  const Array result = Array::empty({std::count(chosen, chosen + wanted.numel(), true)}, a.type());
  with_type(a.type(), [&](auto kind) {
    auto* to = result.data<decltype(kind)>();
    const auto* from = values.data<decltype(kind)>();
    for (int64_t i = 0; i < wanted.numel(); ++i)
      if (chosen[i]) *to++ = from[i];
  });
  return result;
}

Array flip(const Array& a, const Sizes& axes) {
  Array result = a;
  for (const int64_t axis : axes) {
    const Array turned = empty_like(result);
    const int64_t length = a.size(axis);
    for (int64_t i = 0; i < length; ++i) turned.select(axis, i).copy_(result.select(axis, length - 1 - i));
    result = turned;
  }
  return result;
}

Array repeat_interleave(const Array& a, int64_t count, int64_t axis) {
  const int64_t place = axis < 0 ? axis + a.dim() : axis;
  Sizes sizes = a.sizes(), repeated = a.unsqueeze(place + 1).sizes();
  sizes[static_cast<size_t>(place)] *= count;
  repeated[static_cast<size_t>(place) + 1] = count;
  return a.unsqueeze(place + 1).expand(repeated).reshape(sizes);
}

Array repeat(const Array& a, const Sizes& counts) {
  Array result = a;
  while (result.sizes().size() < counts.size()) result = result.unsqueeze(0);
  for (size_t axis = 0; axis < counts.size(); ++axis)
    result = cat(std::vector<Array>(static_cast<size_t>(counts[axis]), result), static_cast<int64_t>(axis));
  return result;
}

Array sorted(const Array& a) {
  const DataType inner = computed_in(a.type());
  Array values = a.to(inner).flatten().clone();
  with_computed_type(inner, [&](auto kind) {
    auto* begin = values.data<decltype(kind)>();
    // NaN comes last.
    std::sort(begin, begin + values.numel(), [](auto x, auto y) { return x < y || (y != y && x == x); });
  });
  return values.to(a.type());
}

}  // namespace sscvae
