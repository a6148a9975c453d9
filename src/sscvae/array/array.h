#pragma once

#include <memory>
#include <optional>

#include "sscvae/array/data_type.h"
#include "sscvae/array/sizes.h"

namespace sscvae {

/// Memory order of maps [N,C,H,W]: as written, or with channels innermost.
enum class Layout { kContiguous, kChannelsLast };

/// Conversion to and from the arrays of another library, sharing memory. Specialisations have
/// `static Array in(const Foreign&)` and `static Foreign out(const Array&)`.
template <class Foreign>
struct ForeignArray;

/// An n-dimensional array of numbers of one type. It is a handle: copies and views (narrow, permute, ...) share memory,
/// and numbers can be written through a const handle. Negative axes count from the end. Errors: ShapeError.
class Array {
 public:
  Array() = default;  ///< undefined
  template <class Foreign, class = decltype(ForeignArray<Foreign>::in(std::declval<const Foreign&>()))>
  Array(const Foreign& foreign) : Array(ForeignArray<Foreign>::in(foreign)) {}
  template <class Foreign, class = decltype(ForeignArray<Foreign>::in(std::declval<const Foreign&>()))>
  operator Foreign() const {
    return ForeignArray<Foreign>::out(*this);
  }

  static Array empty(const Sizes& sizes, DataType type = kFloat32, Layout layout = Layout::kContiguous);
  static Array zeros(const Sizes& sizes, DataType type = kFloat32, Layout layout = Layout::kContiguous);
  static Array full(const Sizes& sizes, double value, DataType type = kFloat32);
  static Array ones(const Sizes& sizes, DataType type = kFloat32) { return full(sizes, 1, type); }
  static Array scalar(double value, DataType type = kFloat32) { return full({}, value, type); }
  /// 0, 1, ..., count - 1.
  static Array range(int64_t count, DataType type = kInt64);
  static Array identity(int64_t size, DataType type = kFloat32);
  template <class T>
  static Array of(const std::vector<T>& values);  ///< [n]
  /// An array over existing memory, which must stay valid while `owner` lives. Strides in elements.
  static Array borrow(const void* data, const Sizes& sizes, const Sizes& strides, DataType type,
                      std::shared_ptr<const void> owner = nullptr);
  /// A shape without numbers; each has its own placeholder_id.
  static Array placeholder(const Sizes& sizes, DataType type = kFloat32);

  bool defined() const { return owner_ != nullptr; }
  bool is_placeholder() const { return defined() && data_ == nullptr && numel() > 0; }
  const void* placeholder_id() const { return owner_.get(); }
  DataType type() const { return type_; }
  const Sizes& sizes() const { return sizes_; }
  const Sizes& strides() const { return strides_; }  ///< in elements
  int64_t dim() const { return static_cast<int64_t>(sizes_.size()); }
  int64_t size(int64_t axis) const { return sizes_[index_of(axis)]; }
  int64_t stride(int64_t axis) const { return strides_[index_of(axis)]; }
  int64_t numel() const { return sizes_.product(); }
  int64_t byte_count() const { return numel() * size_of(type_); }
  bool is_contiguous(Layout layout = Layout::kContiguous) const;
  /// Channels-last and not also contiguous.
  bool is_channels_last() const { return is_contiguous(Layout::kChannelsLast) && !is_contiguous(); }
  bool is_dense() const;  ///< without gaps or repetition, axes in any order
  /// Errors: InternalError for another type.
  template <class T>
  T* data() const {
    return static_cast<T*>(data_as(data_type_of<T>()));
  }
  void* bytes() const { return data_; }
  const std::shared_ptr<const void>& owner() const { return owner_; }
  /// The only number.
  template <class T>
  T item() const;

  // Views.
  Array view(Sizes sizes) const;  ///< one size may be -1; strides must allow it
  Array permute(const Sizes& axes) const;
  Array transpose(int64_t a, int64_t b) const;
  Array t() const { return transpose(0, 1); }
  Array unsqueeze(int64_t axis) const;
  Array squeeze(int64_t axis) const;  ///< drops an axis of length 1
  Array select(int64_t axis, int64_t index) const;
  Array narrow(int64_t axis, int64_t start, int64_t length) const;
  Array slice(int64_t axis, int64_t start, int64_t end, int64_t step = 1) const;
  Array expand(const Sizes& sizes) const;  ///< broadcasts axes of length 1; new axes come first
  Array expand_as(const Array& other) const { return expand(other.sizes()); }
  Array as_strided(const Sizes& sizes, const Sizes& strides, int64_t offset = 0) const;

  // Views where possible, otherwise copies.
  Array reshape(const Sizes& sizes) const;
  Array flatten(int64_t first = 0) const;  ///< joins the axes from `first` on
  Array contiguous(Layout layout = Layout::kContiguous) const;
  Array to(DataType type) const;
  Array clone() const;

  // Writes.
  const Array& copy_(const Array& from) const;  ///< converts the type and broadcasts
  const Array& fill_(double value) const;
  const Array& zero_() const { return fill_(0); }

  // Arithmetic (elementwise.h). Friends, so that they are not candidates for types that convert to arrays.
  friend Array operator+(const Array& a, const Array& b);
  friend Array operator-(const Array& a, const Array& b);
  friend Array operator*(const Array& a, const Array& b);
  friend Array operator/(const Array& a, const Array& b);
  friend Array operator+(const Array& a, double b);
  friend Array operator-(const Array& a, double b);
  friend Array operator*(const Array& a, double b);
  friend Array operator/(const Array& a, double b);
  friend Array operator+(double a, const Array& b);
  friend Array operator-(double a, const Array& b);
  friend Array operator*(double a, const Array& b);
  friend Array operator/(double a, const Array& b);
  friend Array operator-(const Array& a);
  friend const Array& operator+=(const Array& a, const Array& b);
  friend const Array& operator-=(const Array& a, const Array& b);
  friend const Array& operator*=(const Array& a, const Array& b);
  friend const Array& operator/=(const Array& a, const Array& b);
  friend const Array& operator+=(const Array& a, double b);
  friend const Array& operator-=(const Array& a, double b);
  friend const Array& operator*=(const Array& a, double b);
  friend const Array& operator/=(const Array& a, double b);

 private:
  size_t index_of(int64_t axis) const;
  void* data_as(DataType type) const;
  std::shared_ptr<const void> owner_;
  char* data_ = nullptr;
  DataType type_ = kFloat32;
  Sizes sizes_, strides_;
};

/// Arrays of the same shape, type and memory order; empty_like is uninitialised.
Array empty_like(const Array& array);
Array empty_like(const Array& array, DataType type);
Array zeros_like(const Array& array);
Array ones_like(const Array& array);
Array full_like(const Array& array, double value);
/// Strides without gaps.
Sizes dense_strides(const Sizes& sizes, Layout layout = Layout::kContiguous);
/// The shape that both broadcast to. Errors: ShapeError.
Sizes common_sizes(const Sizes& a, const Sizes& b);

template <class T>
Array Array::of(const std::vector<T>& values) {
  const Array array = empty({static_cast<int64_t>(values.size())}, data_type_of<T>());
  std::copy(values.begin(), values.end(), array.data<T>());
  return array;
}

}  // namespace sscvae
