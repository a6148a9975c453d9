#include "sscvae/metrics/inception.h"

#include "sscvae/array/maps.h"
#include "sscvae/array/products.h"
#include "sscvae/array/reductions.h"
#include "sscvae/array/shape.h"
#include "sscvae/networks/bind.h"
#include "sscvae/networks/feature_networks.h"
#include "sscvae/serialization/tensor_file.h"

namespace sscvae::metrics {

namespace {

constexpr char kCounters[] = "num_batches_tracked";

serialization::StateDict inception_weights(const serialization::StateDict& state, const std::string& source) {
  return checked_weights(Inception::expected(), state, source, kCounters);
}

graph::Graph bound_inception(const serialization::StateDict& state, const std::string& source) {
  const serialization::StateDict weights = inception_weights(state, source);
  return networks::bind(networks::inception_features(), [&](const std::string& name) { return weights.at(name); });
}

}  // namespace

Expected Inception::expected() {
  Expected all = expected_of(networks::inception_features());
  all.emplace_back("fc.weight", Sizes{kClasses, kFeatures});
  all.emplace_back("fc.bias", Sizes{kClasses});
  return all;
}

Inception::Inception(const serialization::StateDict& state, const std::string& source)
    : engine_(bound_inception(state, source), engine::Precision::kFp32),
      classifier_weight_(state.at("fc.weight", source).to(kFloat32)),
      classifier_bias_(state.at("fc.bias", source).to(kFloat32)) {}

Array Inception::prepared(const Array& images) {
  check_shape(images, "inception: images", "N,3,H,W", {-1, 3, -1, -1});
  return 2 * upsample_bilinear2d(images, kSide, kSide) - 1;
}

Array Inception::features(const Array& prepared) {
  check_shape(prepared, "inception: prepared images", "N,3,299,299", {-1, 3, kSide, kSide});
  return mean(engine_.run(prepared).outputs.front(), {2, 3});
}

Array Inception::logits(const Array& features) const {
  check_shape(features, "inception: features", "N,2048", {-1, kFeatures});
  return linear(features, classifier_weight_) + classifier_bias_;
}

Inception load_inception(const std::filesystem::path& path) {
  return {serialization::read_tensor_file(path).tensors, path.string()};
}

}  // namespace sscvae::metrics
