#include "sscvae/serialization/element_type.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <bit>
#include <limits>

#include "sscvae/core/error.h"

namespace sscvae::serialization {

static_assert(std::endian::native == std::endian::little, "both formats are little-endian; no swapping is written");

const std::vector<ElementType>& element_types() {
  static const std::vector<ElementType> table = {
      {at::kDouble, 8, "F64", "DoubleStorage"}, {at::kFloat, 4, "F32", "FloatStorage"},
      {at::kHalf, 2, "F16", "HalfStorage"},     {at::kBFloat16, 2, "BF16", "BFloat16Storage"},
      {at::kLong, 8, "I64", "LongStorage"},     {at::kInt, 4, "I32", "IntStorage"},
      {at::kShort, 2, "I16", "ShortStorage"},   {at::kChar, 1, "I8", "CharStorage"},
      {at::kByte, 1, "U8", "ByteStorage"},      {at::kBool, 1, "BOOL", "BoolStorage"}};
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

const ElementType* find_element_type(at::ScalarType type) {
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

at::Tensor read_tensor(const ByteSource& source, const std::string& name, const ElementType& type,
                       const std::vector<int64_t>& sizes, uint64_t offset) {
  at::Tensor tensor = at::empty(sizes, at::TensorOptions(type.type));
  unsigned char* bytes = static_cast<unsigned char*>(tensor.data_ptr());
  const uint64_t count = static_cast<uint64_t>(tensor.numel()) * type.size;
  source.read(offset, count, bytes);
  if (type.type == at::kBool && !std::all_of(bytes, bytes + count, [](unsigned char b) { return b <= 1; }))
    source.fail("has a truth value that is neither 0 nor 1 in " + quoted_name(name));
  return tensor;
}

at::Tensor plain_tensor(const std::string& name, const at::Tensor& tensor) {
  const auto refuse = [&](const std::string& why) {
    throw FormatError("cannot write tensor " + quoted_name(name) + ": " + why);
  };
  if (!tensor.defined() || tensor.is_meta()) refuse("it has no values");
  if (tensor.layout() != at::kStrided || tensor.is_quantized()) refuse("it is sparse or quantised");
  if (!find_element_type(tensor.scalar_type()))
    refuse(std::string("its element type ") + c10::toString(tensor.scalar_type()) + " cannot be stored");
  if (static_cast<size_t>(tensor.dim()) > kMaxDimensions) refuse("it has more than 64 dimensions");
  return tensor.detach().to(at::kCPU).resolve_neg();
}

}  // namespace sscvae::serialization
