#include "sscvae/metrics/feature_weights.h"

#include "sscvae/array/shape.h"
#include "sscvae/core/error.h"
#include "sscvae/core/text.h"

namespace sscvae::metrics {

Expected expected_of(const networks::Network& network) {
  Expected expected;
  for (const networks::Declared& weight : network.weights)
    expected.emplace_back(weight.name, weight.placeholder.sizes());
  return expected;
}

serialization::StateDict checked_weights(const Expected& expected, const serialization::StateDict& state,
                                         const std::string& source, const std::string& ignored) {
  serialization::StateDict checked;
  for (const auto& [name, sizes] : expected) {
    const Array* given = state.find(name);
    const std::string what = "'" + source + "': tensor '" + name + "'";
    if (!given) throw FormatError(what + " is missing" + suggestion(name, state.names()));
    if (given->sizes() != sizes)
      throw FormatError(what + ": expected shape " + shape_text(Array::placeholder(sizes)) + ", got " +
                        shape_text(*given));
    if (!is_floating_point(given->type()))
      throw FormatError(what + ": expected floating-point values, got " + name_of(given->type()));
    checked.add(name, given->to(kFloat32));
  }
  for (const auto& [name, array] : state)
    if (!checked.find(name) && (ignored.empty() || !name.ends_with(ignored)))
      throw FormatError("'" + source + "': tensor '" + name + "' does not belong to this network" +
                        suggestion(name, checked.names()));
  return checked;
}

}  // namespace sscvae::metrics
