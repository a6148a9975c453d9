#include "sscvae/serialization/element_type.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "sscvae/array/array.h"
#include "sscvae/core/error.h"

namespace sscvae::serialization {

static_assert(std::endian::native == std::endian::little, "both formats are little-endian; no swapping is written");

const std::vector<ElementType>& element_types() {
  static const std::vector<ElementType> table = {
      {kFloat64, 8, "F64", "DoubleStorage"}, {kFloat32, 4, "F32", "FloatStorage"},
      {kFloat16, 2, "F16", "HalfStorage"},   {kBFloat16, 2, "BF16", "BFloat16Storage"},
      {kInt64, 8, "I64", "LongStorage"},     {kInt32, 4, "I32", "IntStorage"},
      {kInt16, 2, "I16", "ShortStorage"},    {kInt8, 1, "I8", "CharStorage"},
      {kUint8, 1, "U8", "ByteStorage"},      {kBool, 1, "BOOL", "BoolStorage"}};
  return table;
}

namespace {

template <class Predicate>
const ElementType* find_if(const Predicate& predicate) {
  const auto& table = element_types();
  const auto found = std::find_if(table.begin(), table.end(), predicate);
  return found == table.end() ? nullptr : &*found;
}

}  // namespace

const ElementType* find_element_type(DataType type) {
  return find_if([type](const ElementType& entry) { return entry.type == type; });
}
const ElementType* find_element_type_named(std::string_view name) {
  return find_if([name](const ElementType& entry) { return entry.name == name; });
}
const ElementType* find_element_type_of_storage(std::string_view storage) {
  return find_if([storage](const ElementType& entry) { return entry.storage == storage; });
}

bool count_elements(const std::vector<int64_t>& sizes, uint64_t& count) {
  if (sizes.size() > kMaxDimensions) return false;
  uint64_t product = 1;
  bool empty = false;
  for (const int64_t size : sizes) {
    if (size < 0) return false;
    if (size == 0) empty = true;
    else if (!checked_multiply(product, static_cast<uint64_t>(size), product)) return false;
    if (product > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()) / 8) return false;  // 8: bytes of F64
  }
  count = empty ? 0 : product;
  return true;
}

Array read_tensor(const ByteSource& source, const std::string& name, const ElementType& type,
                  const std::vector<int64_t>& sizes, uint64_t offset) {
  Array tensor = Array::empty(sizes, type.type);
  unsigned char* bytes = static_cast<unsigned char*>(tensor.bytes());
  const uint64_t count = static_cast<uint64_t>(tensor.numel()) * type.size;
  source.read(offset, count, bytes);
  if (type.type == kBool && !std::all_of(bytes, bytes + count, [](unsigned char b) { return b <= 1; }))
    source.fail("has a truth value that is neither 0 nor 1 in " + quoted_name(name));
  return tensor;
}

Array plain_tensor(const std::string& name, const Array& tensor) {
  if (!tensor.defined() || tensor.is_placeholder())
    throw FormatError("cannot write tensor " + quoted_name(name) + ": it has no values");
  return tensor;
}

}  // namespace sscvae::serialization
