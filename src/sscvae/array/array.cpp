#include "sscvae/array/array.h"

#include <cstring>

#include "sscvae/array/memory.h"
#include "sscvae/array/walk.h"
#include "sscvae/core/error.h"

namespace sscvae {

namespace {

[[noreturn]] void refuse(const std::string& what, const Sizes& sizes) { throw ShapeError(what + to_string(sizes)); }

/// Replaces a size of -1 by what is left of `numbers`.
Sizes completed(Sizes sizes, int64_t numbers) {
  int64_t known = 1, open = -1;
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == -1) open = static_cast<int64_t>(i);
    else known *= sizes[i];
  }
  if (open >= 0 && known > 0 && numbers % known == 0) sizes[static_cast<size_t>(open)] = numbers / known;
  if (sizes.product() != numbers) refuse("array: " + std::to_string(numbers) + " numbers do not fill ", sizes);
  return sizes;
}

/// Strides by which the numbers of an array can be seen with other sizes, if there are any.
std::optional<Sizes> viewed_strides(const Array& array, const Sizes& sizes) {
  if (array.numel() == 0) return dense_strides(sizes);
  Sizes strides = Sizes::filled(sizes.size(), 0);
  size_t to = sizes.size();
  for (size_t from = array.sizes().size(); from-- > 0;) {
    // The longest run of axes that lie in memory like one.
    int64_t length = array.sizes()[from];
    const int64_t step = array.strides()[from];
    while (from > 0 && (array.sizes()[from - 1] == 1 || array.strides()[from - 1] == step * length))
      length *= array.sizes()[--from];
    int64_t covered = 1;
    while (to > 0 && (covered < length || sizes[to - 1] == 1)) {
      strides[--to] = step * covered;
      covered *= sizes[to];
    }
    if (covered != length) return std::nullopt;
  }
  for (; to > 0; --to)
    if (sizes[to - 1] != 1) return std::nullopt;
  return strides;
}

/// Strides without gaps, axes in the same order in memory where they have one.
Sizes closed_strides(const Array& array) {
  for (size_t i = 0; i < array.sizes().size(); ++i)
    if (array.strides()[i] == 0 && array.sizes()[i] > 1) return dense_strides(array.sizes());  // has no order
  std::vector<size_t> order(array.sizes().size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return array.strides()[a] > array.strides()[b]; });
  Sizes strides = Sizes::filled(order.size(), 0);
  int64_t stride = 1;
  for (size_t i = order.size(); i-- > 0;) {
    strides[order[i]] = stride;
    stride *= std::max<int64_t>(array.sizes()[order[i]], 1);
  }
  return strides;
}

template <class To, class From>
void convert_row(To* to, int64_t to_stride, const From* from, int64_t from_stride, int64_t count) {
  const auto convert = [](From value) {
    if constexpr (std::is_same_v<To, bool>) return static_cast<double>(value) != 0;
    else if constexpr (std::is_same_v<To, BFloat16> || std::is_same_v<To, Float16>)
      return To(static_cast<float>(value));
    else return static_cast<To>(value);
  };
  if (to_stride == 1 && from_stride == 1) {
    for (int64_t i = 0; i < count; ++i) to[i] = convert(from[i]);
  } else {
    for (int64_t i = 0; i < count; ++i) to[i * to_stride] = convert(from[i * from_stride]);
  }
}

}  // namespace

Sizes dense_strides(const Sizes& sizes, Layout layout) {
  Sizes strides = Sizes::filled(sizes.size(), 0);
  const bool last = layout == Layout::kChannelsLast;
  if (last && sizes.size() != 4) refuse("array: expected [N,C,H,W] for channels-last memory, got ", sizes);
  int64_t stride = 1;
  const auto take = [&](size_t axis) {
    strides[axis] = stride;
    stride *= std::max<int64_t>(sizes[axis], 1);
  };
  if (last) take(1);
  for (size_t axis = sizes.size(); axis-- > 0;)
    if (!last || axis != 1) take(axis);
  return strides;
}

Sizes common_sizes(const Sizes& a, const Sizes& b) {
  Sizes common = a.size() >= b.size() ? a : b;
  const Sizes& shorter = a.size() >= b.size() ? b : a;
  const size_t offset = common.size() - shorter.size();
  for (size_t i = 0; i < shorter.size(); ++i) {
    int64_t& size = common[offset + i];
    if (size == 1) size = shorter[i];
    else if (shorter[i] != 1 && shorter[i] != size)
      throw ShapeError("arrays of " + to_string(a) + " and " + to_string(b) + " do not fit together");
  }
  return common;
}

Array Array::empty(const Sizes& sizes, DataType type, Layout layout) {
  return borrow(nullptr, sizes, dense_strides(sizes, layout), type, allocate_numbers(sizes.product() * size_of(type)));
}

Array Array::zeros(const Sizes& sizes, DataType type, Layout layout) {
  Array array = empty(sizes, type, layout);
  std::memset(array.data_, 0, static_cast<size_t>(array.numel() * size_of(type)));
  return array;
}

Array Array::full(const Sizes& sizes, double value, DataType type) { return empty(sizes, type).fill_(value); }

Array Array::range(int64_t count, DataType type) {
  const Array numbers = empty({count}, kInt64);
  std::iota(numbers.data<int64_t>(), numbers.data<int64_t>() + count, int64_t{0});
  return numbers.to(type);
}

Array Array::identity(int64_t size, DataType type) {
  Array matrix = zeros({size, size}, type);
  matrix.as_strided({size}, {size + 1}).fill_(1);
  return matrix;
}

Array Array::borrow(const void* data, const Sizes& sizes, const Sizes& strides, DataType type,
                    std::shared_ptr<const void> owner) {
  static const char nothing = 0;  // where arrays without numbers point
  Array array;
  if (!data) data = owner ? owner.get() : &nothing;
  array.data_ = static_cast<char*>(const_cast<void*>(data));
  array.owner_ = owner ? std::move(owner) : std::shared_ptr<const void>(std::shared_ptr<void>(), data);
  array.type_ = type;
  array.sizes_ = sizes;
  array.strides_ = strides;
  return array;
}

Array Array::placeholder(const Sizes& sizes, DataType type) {
  Array array = borrow(nullptr, sizes, dense_strides(sizes), type, std::make_shared<char>());
  array.data_ = nullptr;
  return array;
}

size_t Array::index_of(int64_t axis) const {
  const int64_t index = axis < 0 ? axis + dim() : axis;
  if (index < 0 || index >= dim()) refuse("array: no axis " + std::to_string(axis) + " in ", sizes_);
  return static_cast<size_t>(index);
}

void* Array::data_as(DataType type) const {
  if (!data_) throw InternalError("array: there are no numbers in " + to_string(sizes_));
  if (type != type_) throw InternalError("array: expected " + name_of(type) + ", got " + name_of(type_));
  return data_;
}

bool Array::is_contiguous(Layout layout) const {
  if (!defined() || (layout == Layout::kChannelsLast && dim() != 4)) return false;
  const Sizes dense = dense_strides(sizes_, layout);
  for (size_t i = 0; i < sizes_.size(); ++i)
    if (sizes_[i] != 1 && strides_[i] != dense[i] && numel() > 0) return false;
  return true;
}

bool Array::is_dense() const {
  const Sizes closed = closed_strides(*this);
  for (size_t i = 0; i < sizes_.size(); ++i)
    if (sizes_[i] != 1 && strides_[i] != closed[i] && numel() > 0) return false;
  return true;
}

template <class T>
T Array::item() const {
  if (numel() != 1) refuse("array: expected one number, got ", sizes_);
  return with_type(type_, [&](auto kind) { return static_cast<T>(*static_cast<decltype(kind)*>(bytes())); });
}
template double Array::item() const;
template float Array::item() const;
template int64_t Array::item() const;
template bool Array::item() const;

Array Array::as_strided(const Sizes& sizes, const Sizes& strides, int64_t offset) const {
  Array result = *this;
  result.sizes_ = sizes;
  result.strides_ = strides;
  if (data_) result.data_ += offset * size_of(type_);
  return result;
}

Array Array::view(Sizes sizes) const {
  sizes = completed(sizes, numel());
  const auto strides = viewed_strides(*this, sizes);
  if (!strides) refuse("array: the memory of " + to_string(sizes_) + " cannot be seen as ", sizes);
  return as_strided(sizes, *strides);
}

Array Array::permute(const Sizes& axes) const {
  if (axes.size() != sizes_.size())
    refuse("array: expected an order of the axes of " + to_string(sizes_) + ", got ", axes);
  Sizes sizes, strides;
  for (const int64_t axis : axes) {
    sizes.push_back(size(axis));
    strides.push_back(stride(axis));
  }
  return as_strided(sizes, strides);
}

Array Array::transpose(int64_t a, int64_t b) const {
  Sizes sizes = sizes_, strides = strides_;
  std::swap(sizes[index_of(a)], sizes[index_of(b)]);
  std::swap(strides[index_of(a)], strides[index_of(b)]);
  return as_strided(sizes, strides);
}

Array Array::unsqueeze(int64_t axis) const {
  const int64_t at = axis < 0 ? axis + dim() + 1 : axis;
  if (at < 0 || at > dim()) refuse("array: no place " + std::to_string(axis) + " for an axis in ", sizes_);
  Sizes sizes = sizes_, strides = strides_;
  sizes.insert(static_cast<size_t>(at), 1);
  strides.insert(static_cast<size_t>(at),
                 at == dim() ? 1 : sizes_[static_cast<size_t>(at)] * strides_[static_cast<size_t>(at)]);
  return as_strided(sizes, strides);
}

Array Array::squeeze(int64_t axis) const {
  if (size(axis) != 1) return *this;
  Sizes sizes = sizes_, strides = strides_;
  sizes.erase(index_of(axis));
  strides.erase(index_of(axis));
  return as_strided(sizes, strides);
}

Array Array::select(int64_t axis, int64_t index) const {
  const Array one = narrow(axis, index < 0 ? index + size(axis) : index, 1);
  return one.squeeze(axis);
}

Array Array::narrow(int64_t axis, int64_t start, int64_t length) const {
  const size_t i = index_of(axis);
  if (start < 0 || length < 0 || start + length > sizes_[i])
    refuse("array: no " + std::to_string(length) + " from " + std::to_string(start) + " on in axis " +
               std::to_string(axis) + " of ",
           sizes_);
  Sizes sizes = sizes_;
  sizes[i] = length;
  return as_strided(sizes, strides_, start * strides_[i]);
}

Array Array::slice(int64_t axis, int64_t start, int64_t end, int64_t step) const {
  const size_t i = index_of(axis);
  const int64_t first = std::min(start, sizes_[i]), last = std::clamp(end, first, sizes_[i]);
  const Array part = narrow(axis, first, last - first);
  Sizes sizes = part.sizes(), strides = part.strides();
  sizes[i] = (sizes[i] + step - 1) / step;
  strides[i] *= step;
  return part.as_strided(sizes, strides);
}

Array Array::expand(const Sizes& sizes) const {
  Sizes wanted = sizes, strides = Sizes::filled(sizes.size(), 0);
  if (sizes.size() < sizes_.size()) refuse("array: " + to_string(sizes_) + " does not repeat to ", sizes);
  const size_t offset = sizes.size() - sizes_.size();
  for (size_t i = 0; i < sizes_.size(); ++i) {
    if (wanted[offset + i] == -1) wanted[offset + i] = sizes_[i];
    if (wanted[offset + i] == sizes_[i]) strides[offset + i] = strides_[i];
    else if (sizes_[i] != 1) refuse("array: " + to_string(sizes_) + " does not repeat to ", sizes);
  }
  return as_strided(wanted, strides);
}

Array Array::reshape(const Sizes& sizes) const {
  const Sizes wanted = completed(sizes, numel());
  if (const auto strides = viewed_strides(*this, wanted)) return as_strided(wanted, *strides);
  return contiguous().view(wanted);
}

Array Array::flatten(int64_t first) const {
  if (dim() == 0) return view({1});
  Sizes sizes;
  for (size_t i = 0; i < index_of(first); ++i) sizes.push_back(sizes_[i]);
  int64_t joined = 1;
  for (size_t i = index_of(first); i < sizes_.size(); ++i) joined *= sizes_[i];
  sizes.push_back(joined);
  return reshape(sizes);
}

Array Array::contiguous(Layout layout) const {
  if (is_contiguous(layout)) return *this;
  return empty(sizes_, type_, layout).copy_(*this);
}

Array Array::to(DataType type) const { return type == type_ ? *this : empty_like(*this, type).copy_(*this); }

Array Array::clone() const { return empty_like(*this).copy_(*this); }

const Array& Array::copy_(const Array& from) const {
  if (!data_ || !from.data_) throw InternalError("array: no numbers to copy");
  const Array source = from.expand(sizes_);
  const Walk<2> walk(sizes_, {strides_, source.strides()});
  with_type(type_, [&](auto to_kind) {
    with_type(source.type(), [&](auto from_kind) {
      auto* to = static_cast<decltype(to_kind)*>(bytes());
      const auto* numbers = static_cast<const decltype(from_kind)*>(source.bytes());
      walk.run([&](const std::array<int64_t, 2>& at, int64_t count) {
        convert_row(to + at[0], walk.strides[0].back(), numbers + at[1], walk.strides[1].back(), count);
      });
    });
  });
  return *this;
}

const Array& Array::fill_(double value) const {
  const Array number = borrow(&value, {}, {}, kFloat64);
  return copy_(number);
}

Array empty_like(const Array& array) { return empty_like(array, array.type()); }

Array empty_like(const Array& array, DataType type) {
  return Array::empty(array.sizes(), type).as_strided(array.sizes(), closed_strides(array));
}

Array zeros_like(const Array& array) { return full_like(array, 0); }
Array ones_like(const Array& array) { return full_like(array, 1); }
Array full_like(const Array& array, double value) { return empty_like(array).fill_(value); }

}  // namespace sscvae
