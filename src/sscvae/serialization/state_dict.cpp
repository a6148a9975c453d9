#include "sscvae/serialization/state_dict.h"

#include "sscvae/array/array.h"
#include "sscvae/core/error.h"
#include "sscvae/core/text.h"
#include "sscvae/serialization/byte_source.h"

namespace sscvae::serialization {

void StateDict::add(std::string name, Array tensor) {
  if (!index_.emplace(name, entries_.size()).second)
    throw FormatError("there are two tensors named " + quoted_name(name));
  entries_.emplace_back(std::move(name), std::move(tensor));
}

const Array* StateDict::find(std::string_view name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &entries_[found->second].second;
}

const Array& StateDict::at(std::string_view name, std::string_view source) const {
  if (const Array* tensor = find(name)) return *tensor;
  throw FormatError(std::string(source) + " has no tensor " + quoted_name(name) + suggestion(name, names()));
}

StateDict StateDict::with_prefix_removed(std::string_view prefix) const {
  StateDict result;
  for (const auto& [name, tensor] : entries_)
    if (name.compare(0, prefix.size(), prefix) == 0) result.add(name.substr(prefix.size()), tensor);
  return result;
}

StateDict StateDict::without_wrappers() const {
  StateDict state = *this;
  const auto is_wrapped_in = [&state](std::string_view prefix) {
    size_t wrapped = 0, counts = 0;
    for (const auto& [name, tensor] : state) {
      wrapped += name.starts_with(prefix);
      counts += prefix == "module." && name == "n_averaged";
    }
    return wrapped > 0 && wrapped + counts == state.size();
  };
  for (size_t unwrapped = 0; unwrapped < 8; ++unwrapped) {
    if (is_wrapped_in("module.")) state = state.with_prefix_removed("module.");
    else if (is_wrapped_in("_orig_mod.")) state = state.with_prefix_removed("_orig_mod.");
    else break;
  }
  return state;
}

std::vector<std::string> StateDict::names() const {
  std::vector<std::string> result;
  result.reserve(entries_.size());
  for (const Entry& entry : entries_) result.push_back(entry.first);
  return result;
}

}  // namespace sscvae::serialization
