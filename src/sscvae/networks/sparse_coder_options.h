#pragma once

#include "sscvae/core/options.h"
#include "sscvae/graph/graph.h"

namespace sscvae::networks {

using graph::InitialCode;
using graph::SpatialInput;
using graph::ThresholdActivation;

enum class ThresholdKind { kScalar, kPerAtom, kPerPosition, kInferred };
enum class ThresholdRefinement { kNone, kCbam };
enum class Lipschitz { kSpectral, kTrainable };
enum class DictionaryInit { kReferenceDct, kOvercompleteDct, kRandom };
enum class Iteration { kTied, kUntied, kPerLayer };

/// Options of the sparse coder: SC-VAE, SC-VAE+In and SSC-VAE are values of these. Defaults are the `sound` profile's.
struct SparseCoderOptions {
  int64_t num_atoms = 128;
  int64_t atom_dim = 64;
  int64_t num_iterations = 16;
  ThresholdKind threshold = ThresholdKind::kInferred;
  ThresholdRefinement threshold_refinement = ThresholdRefinement::kCbam;
  ThresholdActivation threshold_activation = ThresholdActivation::kSoftplus;
  double threshold_gain = 4.0;
  double initial_survivors = 0.15;
  int64_t grid_height = 32;
  int64_t grid_width = 32;
  InitialCode initial_code = InitialCode::kZero;
  Lipschitz lipschitz = Lipschitz::kSpectral;
  double lipschitz_margin = 1.02;
  double quadratic_factor = 0.5;
  DictionaryInit dictionary_init = DictionaryInit::kOvercompleteDct;
  bool unit_norm_atoms = true;
  Iteration iteration = Iteration::kTied;
  int64_t cbam_reduction = 16;
  int64_t cbam_kernel = 3;
  SpatialInput cbam_spatial_input = SpatialInput::kRefined;
  void describe(FieldList& fields);
};

}  // namespace sscvae::networks

template <>
inline const std::vector<std::string>& sscvae::choice_names<sscvae::networks::ThresholdKind>() {
  static const std::vector<std::string> names{"scalar", "per-atom", "per-position", "inferred"};
  return names;
}
template <>
inline const std::vector<std::string>& sscvae::choice_names<sscvae::networks::ThresholdRefinement>() {
  static const std::vector<std::string> names{"none", "cbam"};
  return names;
}
template <>
inline const std::vector<std::string>& sscvae::choice_names<sscvae::networks::ThresholdActivation>() {
  static const std::vector<std::string> names{"signed", "softplus", "relu"};
  return names;
}
template <>
inline const std::vector<std::string>& sscvae::choice_names<sscvae::networks::InitialCode>() {
  static const std::vector<std::string> names{"zero", "projected"};
  return names;
}
template <>
inline const std::vector<std::string>& sscvae::choice_names<sscvae::networks::Lipschitz>() {
  static const std::vector<std::string> names{"spectral", "trainable"};
  return names;
}
template <>
inline const std::vector<std::string>& sscvae::choice_names<sscvae::networks::DictionaryInit>() {
  static const std::vector<std::string> names{"reference-dct", "overcomplete-dct", "random"};
  return names;
}
template <>
inline const std::vector<std::string>& sscvae::choice_names<sscvae::networks::Iteration>() {
  static const std::vector<std::string> names{"tied", "untied", "per-layer"};
  return names;
}
template <>
inline const std::vector<std::string>& sscvae::choice_names<sscvae::networks::SpatialInput>() {
  static const std::vector<std::string> names{"refined", "inferred"};
  return names;
}
