#pragma once

#include "sscvae/core/options.h"

namespace sscvae::networks {

enum class CodebookUpdate { kGradient, kEma };
enum class CodebookInit { kUniform, kData, kKMeans };

/// Options of the vector quantizer. Defaults are the `sound` profile's; the authors' form is `gradient`, `uniform` and
/// revival 0.
struct VectorQuantizerOptions {
  int64_t num_codes = 512;
  int64_t code_dim = 64;
  double commitment = 0.25;
  CodebookUpdate update = CodebookUpdate::kEma;
  double decay = 0.99;
  CodebookInit initialization = CodebookInit::kKMeans;
  double revival = 0.1;  ///< of the uniform share 1/K; 0: never
  void describe(FieldList& fields);
};

}  // namespace sscvae::networks

template <>
inline const std::vector<std::string>& sscvae::choice_names<sscvae::networks::CodebookUpdate>() {
  static const std::vector<std::string> names{"gradient", "ema"};
  return names;
}
template <>
inline const std::vector<std::string>& sscvae::choice_names<sscvae::networks::CodebookInit>() {
  static const std::vector<std::string> names{"uniform", "data", "k-means"};
  return names;
}
