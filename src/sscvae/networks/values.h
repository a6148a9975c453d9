#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "sscvae/array/shape.h"
#include "sscvae/core/error.h"
#include "sscvae/graph/functions.h"
#include "sscvae/graph/graph.h"
#include "sscvae/networks/network.h"

/// Networks with the values of their weights, once for all kinds of tensors T (graph/arithmetic.h).
namespace sscvae::networks {

inline constexpr double kThresholdUnit = 20;  ///< thresholds are softplus of this times a weight of `csc`
inline constexpr double kThresholdReach = 4;  ///< slope 1 stands for 4 standard deviations of an atom's noise

/// Finds the value of a declared weight by name. A missing one, or one of another shape, is an InternalError.
template <class T>
using LookupOf = std::function<T(const std::string& name)>;

/// The value of a derived weight from those that it is computed from.
template <class T>
T derived_value(const Derived& derived, const std::vector<T>& from, const PassSettings& settings) {
  using F = graph::Functions<T>;
  const T& a = from.at(0);
  switch (derived.kind) {
    case Derived::Kind::kNegated:
      return -a;
    case Derived::Kind::kRows:
      return a.narrow(0, derived.first, derived.count);
    case Derived::Kind::kUnitColumns:
      return F::unit_columns(a);
    case Derived::Kind::kLipschitz:
      return derived.factor * F::largest_eigenvalue(a);
    case Derived::Kind::kFilter:
      return a.unsqueeze(2).unsqueeze(3);
    case Derived::Kind::kLearnedThreshold: {
      const T raw = from.size() > 1 ? from[0] + from[1] : a;
      const T alpha = derived.activation == graph::ThresholdActivation::kSigned     ? raw
                      : derived.activation == graph::ThresholdActivation::kSoftplus ? softplus(raw)
                                                                                    : relu(raw);
      return alpha.dim() == 4 ? alpha.permute({0, 3, 1, 2}) : alpha.reshape(derived.placeholder.sizes());
    }
    case Derived::Kind::kPositiveRow:
      return softplus(a.select(0, derived.first) * kThresholdUnit).reshape(derived.placeholder.sizes());
    case Derived::Kind::kThresholdLine:
      break;
  }
  // The scale may lie on a device: reading it would wait for all that goes before.
  const T scale = F::in_double(from[1]) * (kThresholdReach * settings.strength);
  const T value = softplus(a.select(0, derived.first) * kThresholdUnit).expand({derived.count});
  const T line = value * F::in_type_of(scale, value);
  return derived.factor == 1 ? line : line * derived.factor;
}

/// The values of all declared and derived weights for one pass, by placeholder.
template <class T>
class ValuesOf {
 public:
  /// Derived weights pass gradients on to the declared ones, where T has gradients.
  ValuesOf(const Network& network, const LookupOf<T>& lookup, const PassSettings& settings) {
    for (const Declared& weight : network.weights) {
      const T value = lookup(weight.name);
      if (!value.defined() || Sizes(value.sizes().begin(), value.sizes().end()) != weight.placeholder.sizes())
        throw InternalError("weight '" + weight.name + "': expected " + shape_text(weight.placeholder) + ", got " +
                            (value.defined() ? "another shape" : "none"));
      values_.emplace(weight.placeholder.placeholder_id(), value);
    }
    for (const Derived& derived : network.derived) {
      std::vector<T> from;
      for (const Array& placeholder : derived.from) from.push_back(of(placeholder));
      values_.emplace(derived.placeholder.placeholder_id(), derived_value(derived, from, settings));
    }
  }
  /// The value for a placeholder; undefined for an undefined one.
  const T& of(const Array& placeholder) const {
    static const T none;
    if (!placeholder.defined()) return none;
    const auto found = values_.find(placeholder.placeholder_id());
    SSCVAE_ASSERT(found != values_.end());
    return found->second;
  }

 private:
  std::map<const void*, T> values_;
};

}  // namespace sscvae::networks
