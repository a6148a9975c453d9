#pragma once

#include "sscvae/nn/arrays.h"
#include "sscvae/serialization/state_dict.h"

namespace sscvae::testing {

/// A state dict whose entries are LibTorch's tensors, sharing the memory of the arrays.
class TensorDict {
 public:
  TensorDict() = default;
  TensorDict(const serialization::StateDict& state) : state_(state) {
    for (const auto& [name, array] : state) entries_.emplace_back(name, array);
  }
  operator const serialization::StateDict&() const { return state_; }

  const at::Tensor* find(std::string_view name) const {
    for (const auto& [known, tensor] : entries_)
      if (known == name) return &tensor;
    return nullptr;
  }
  const at::Tensor& at(std::string_view name) const {
    state_.at(name);  // fails with the name where there is none
    return *find(name);
  }
  std::vector<std::string> names() const { return state_.names(); }
  size_t size() const { return entries_.size(); }
  auto begin() const { return entries_.begin(); }
  auto end() const { return entries_.end(); }

 private:
  serialization::StateDict state_;
  std::vector<std::pair<std::string, at::Tensor>> entries_;
};

}  // namespace sscvae::testing
