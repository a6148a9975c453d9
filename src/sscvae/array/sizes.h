#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

namespace sscvae {

/// Up to eight numbers, one for each axis of an array.
class Sizes {
 public:
  static constexpr size_t kMostAxes = 8;

  Sizes() = default;
  Sizes(std::initializer_list<int64_t> values) : Sizes(values.begin(), values.end()) {}
  Sizes(const std::vector<int64_t>& values) : Sizes(values.begin(), values.end()) {}
  Sizes(std::span<const int64_t> values) : Sizes(values.begin(), values.end()) {}
  template <class Iterator>
  Sizes(Iterator begin, Iterator end) {
    for (; begin != end; ++begin) push_back(*begin);
  }
  /// As a view of another library (a span, at::IntArrayRef).
  template <class View>
  requires(std::is_constructible_v<View, const int64_t*, size_t>) operator View() const {
    return View(begin(), size());
  }
  static Sizes filled(size_t count, int64_t value) {
    Sizes sizes;
    for (size_t i = 0; i < count; ++i) sizes.push_back(value);
    return sizes;
  }

  size_t size() const { return count_; }
  bool empty() const { return count_ == 0; }
  int64_t& operator[](size_t i) { return values_[i]; }
  int64_t operator[](size_t i) const { return values_[i]; }
  int64_t back() const { return values_[count_ - 1]; }
  const int64_t* begin() const { return values_.data(); }
  const int64_t* end() const { return values_.data() + count_; }
  int64_t* begin() { return values_.data(); }
  int64_t* end() { return values_.data() + count_; }
  std::vector<int64_t> vec() const { return {begin(), end()}; }

  /// Errors: ShapeError beyond eight.
  void push_back(int64_t value) { insert(count_, value); }
  void insert(size_t at, int64_t value);
  void erase(size_t at) {
    std::copy(begin() + at + 1, end(), begin() + at);
    --count_;
  }
  int64_t product() const {
    int64_t product = 1;
    for (const int64_t value : *this) product *= value;
    return product;
  }
  bool operator==(const Sizes& other) const { return std::equal(begin(), end(), other.begin(), other.end()); }

 private:
  std::array<int64_t, kMostAxes> values_{};
  size_t count_ = 0;
};

/// "[2, 16, 8, 8]".
std::string to_string(const Sizes& sizes);

}  // namespace sscvae
