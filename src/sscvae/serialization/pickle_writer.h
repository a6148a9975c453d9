#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sscvae/serialization/pickle_reader.h"

/// The pickle inside a torch checkpoint.
namespace sscvae::serialization {

/// A tensor under its name; storages are numbered in this order ("data/0", "data/1", ...).
struct NamedDescription {
  std::string name;
  TensorDescription tensor;
};

/// The pickle of an OrderedDict of tensors, protocol 2, with the instructions that torch.save itself uses (Python's
/// weights_only=True accepts no others). Deterministic.
std::string pickle_of(const std::vector<NamedDescription>& tensors);

}  // namespace sscvae::serialization
