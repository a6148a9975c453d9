#include "sscvae/models/network_autoencoder.h"
#include "sscvae/nn/arrays.h"

#include <ATen/autocast_mode.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include "support/small_models.h"

namespace sscvae::models {
namespace {

ForwardResult in_half_precision(Autoencoder& model, const at::Tensor& images) {
  at::autocast::set_autocast_enabled(at::kCPU, true);
  at::autocast::set_autocast_dtype(at::kCPU, at::kBFloat16);
  ForwardResult result = model.forward(images);
  at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(at::kCPU, false);
  return result;
}

class HalfPrecision : public ::testing::TestWithParam<std::tuple<std::string, std::string>> {};

/// Encoder and decoder run in bfloat16; the code and the result stay in float32.
TEST_P(HalfPrecision, CodesAndResultsStayInFloat32) {
  const auto& [name, profile] = GetParam();
  const auto model = testing::stirred_model(testing::small_options(name, profile));
  torch::manual_seed(5);
  const at::Tensor images = torch::rand({1, 1, 64, 64});
  const ForwardResult exact = model->forward(images), half = in_half_precision(*model, images);
  for (const at::Tensor& value : {half.features, half.threshold_inference, half.threshold, half.code,
                                  half.coded_features, half.mean, half.logits, half.reconstruction})
    EXPECT_TRUE(!value.defined() || value.scalar_type() == at::kFloat);
  EXPECT_LT((half.features - exact.features).norm().item<double>(), 0.05 * exact.features.norm().item<double>());
  EXPECT_EQ(at::equal(half.features, exact.features), name == "csc");  // which has no encoder
}

SSCVAE_FOR_ALL_MODELS(HalfPrecision);

}  // namespace
}  // namespace sscvae::models
