#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sscvae/array/array.h"
#include "sscvae/serialization/byte_source.h"

/// The element types that both file formats share, and arrays filled from untrusted bytes.
namespace sscvae::serialization {

/// One element type and what the formats call it.
struct ElementType {
  DataType type;
  uint64_t size;             ///< bytes
  std::string_view name;     ///< in safetensors: "F32"
  std::string_view storage;  ///< in torch checkpoints: "FloatStorage"
};

/// F64 F32 F16 BF16 I64 I32 I16 I8 U8 BOOL.
const std::vector<ElementType>& element_types();

/// nullptr if there is no such entry.
const ElementType* find_element_type(DataType type);
const ElementType* find_element_type_named(std::string_view name);
const ElementType* find_element_type_of_storage(std::string_view storage);

/// Tensors with more dimensions than this are refused: no array has them.
inline constexpr size_t kMaxDimensions = Sizes::kMostAxes;

/// Number of elements. False if the product of the non-zero sizes does not fit an int64 (strides are their products),
/// if a size is negative, or if there are too many dimensions.
bool count_elements(const std::vector<int64_t>& sizes, uint64_t& count);

/// The bytes [offset, offset + count * size) as a new contiguous array. The caller has checked that the
/// source has them; `name` is for errors. Errors: FormatError for a BOOL that is neither 0 nor 1.
Array read_tensor(const ByteSource& source, const std::string& name, const ElementType& type,
                  const std::vector<int64_t>& sizes, uint64_t offset);

/// The same array. Errors: FormatError naming it if it has no values.
Array plain_tensor(const std::string& name, const Array& tensor);

}  // namespace sscvae::serialization
