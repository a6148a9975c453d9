#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sscvae/array/array.h"

namespace sscvae::serialization {

/// Named tensors in file order: what PyTorch calls a state dict.
class StateDict {
 public:
  using Entry = std::pair<std::string, Array>;

  /// Errors: FormatError if the name is already there.
  void add(std::string name, Array tensor);
  /// nullptr if there is no such tensor.
  const Array* find(std::string_view name) const;
  /// Errors: FormatError naming `source`, with the nearest existing name.
  const Array& at(std::string_view name, std::string_view source = "state") const;
  /// The entries whose name starts with `prefix`, without it.
  StateDict with_prefix_removed(std::string_view prefix) const;
  /// Without what Python's wrappers of modules put before every name: "module." (DataParallel and averages, whose
  /// count "n_averaged" goes, too) and "_orig_mod." (compiled modules), in any order.
  StateDict without_wrappers() const;

  std::vector<std::string> names() const;
  size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  auto begin() const { return entries_.begin(); }
  auto end() const { return entries_.end(); }

 private:
  std::vector<Entry> entries_;
  std::map<std::string, size_t, std::less<>> index_;
};

/// A file of tensors with its metadata (text to text).
struct TensorFile {
  StateDict tensors;
  std::map<std::string, std::string> metadata;
};

}  // namespace sscvae::serialization
