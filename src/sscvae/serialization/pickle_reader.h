#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "sscvae/serialization/byte_source.h"
#include "sscvae/serialization/element_type.h"

/// The restricted unpickler of torch checkpoints. A pickle is a program for a stack machine; this machine knows only
/// the instructions that torch.save writes for tensors in containers, and of the functions that a pickle may call only
///   collections.OrderedDict()                       an empty dict
///   torch._utils._rebuild_tensor_v2(...)            a description of a tensor
///   torch._utils._rebuild_parameter(tensor, ...)    that tensor
/// and the storage types of element_type.h. Training checkpoints have harmless objects beside their weights (paths,
/// devices, types, sets, namespaces, numpy's numbers and arrays): of these, by name, it keeps the name alone. It calls
/// no code, opens no file and reserves memory in proportion to the pickle alone.
/// Source: Python's pickletools (protocol 2), torch/_weights_only_unpickler.py.
namespace sscvae::serialization {

/// Where the values of a tensor are: a view of the storage in the archive's entry data/<key>.
struct TensorDescription {
  const ElementType* type = nullptr;
  std::string key;
  uint64_t storage_elements = 0;
  int64_t offset = 0;  ///< in elements, as the strides
  std::vector<int64_t> sizes, strides;
};

struct PickleValue;
using PickleList = std::vector<const PickleValue*>;
using PickleDict = std::vector<std::pair<const PickleValue*, const PickleValue*>>;

/// A Python value, or one of the machine's own (the last three).
struct PickleValue {
  struct None {};
  struct Global {
    std::string name;
  };
  struct Storage {
    const ElementType* type = nullptr;
    std::string key;
    uint64_t elements = 0;
  };
  /// A harmless one, of which nothing is known but the name of its type.
  struct Object {
    std::string name;
  };
  std::variant<None, bool, int64_t, double, std::string, PickleList, PickleDict, TensorDescription, Storage, Global,
               Object>
      is;

  /// nullptr if the value is of another type.
  template <class T>
  const T* get() const {
    return std::get_if<T>(&is);
  }
};

/// A pickle that has been run. Values refer to each other by address, also in cycles; this object owns them all.
class Pickle {
 public:
  /// `source` names the file in errors. Errors: FormatError for damaged pickles and for any instruction, function or
  /// protocol that is not listed above, naming it; for a whole model (an object of a class of its own) with the line of
  /// Python that makes a state dict of it.
  Pickle(std::string_view bytes, const ByteSource& source);
  Pickle(const Pickle&) = delete;
  Pickle& operator=(const Pickle&) = delete;

  const PickleValue& root() const { return *root_; }

 private:
  friend class PickleMachine;
  std::deque<PickleValue> values_;
  const PickleValue* root_ = nullptr;
};

}  // namespace sscvae::serialization
