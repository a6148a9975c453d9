#include "sscvae/train/lpips_distance.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "sscvae/nn/arrays.h"
#include "support/gradient_check.h"
#include "support/paths.h"

namespace sscvae::train {
namespace {

using metrics::LpipsNet;

class LpipsDistance : public ::testing::TestWithParam<LpipsNet> {
 protected:
  /// With weights in that type.
  static metrics::LpipsWeights weights(DataType type) {
    metrics::LpipsWeights known =
        metrics::load_lpips(GetParam(), testing::source_folder() / "models" / metrics::weights_file(GetParam()));
    serialization::StateDict tensors;
    for (const auto& [name, tensor] : known.tensors) tensors.add(name, tensor.to(type));
    known.tensors = tensors;
    return known;
  }
};

TEST_P(LpipsDistance, IsWhatTheMetricMeasures) {
  torch::manual_seed(3);
  const metrics::LpipsWeights known = weights(kFloat32);
  const at::Tensor a = torch::rand({2, 3, 61, 70}) * 2 - 1, b = torch::rand({2, 3, 61, 70}) * 2 - 1;
  const at::Tensor distance = lpips_distance(known, at::kCPU)(a, b), measured = metrics::Lpips(known).distance(a, b);
  EXPECT_LT((distance.to(at::kDouble) - measured).abs().max().item<double>(), 1e-5);
}

TEST_P(LpipsDistance, GradientsReachBothImages) {
  torch::manual_seed(5);
  const PerceptualDistance distance = lpips_distance(weights(kFloat64), at::kCPU);
  const int64_t side = metrics::smallest_side(GetParam()) + 4;
  const auto image = [&] { return (torch::rand({1, 3, side, side}, at::kDouble) * 2 - 1).requires_grad_(); };
  const at::Tensor a = image(), b = image();
  EXPECT_TRUE(testing::gradients_match([&] { return distance(a, b).sum(); }, {a, b}, 1e-7, 60, 1e-5));
}

TEST_P(LpipsDistance, GradientsAreFiniteWhereAllFeaturesAreZero) {
  torch::manual_seed(7);
  const PerceptualDistance distance = lpips_distance(weights(kFloat32), at::kCPU);
  const at::Tensor a = torch::zeros({1, 3, 48, 48}).requires_grad_();
  distance(a, torch::rand({1, 3, 48, 48}) * 2 - 1).sum().backward();
  EXPECT_TRUE(a.grad().isfinite().all().item<bool>());
  const at::Tensor same = (torch::rand({1, 3, 48, 48}) * 2 - 1).requires_grad_();
  distance(same, same.detach()).sum().backward();
  EXPECT_EQ(same.grad().abs().max().item<double>(), 0) << "a minimum";
}

INSTANTIATE_TEST_SUITE_P(Networks, LpipsDistance, ::testing::Values(LpipsNet::kAlex, LpipsNet::kSqueeze),
                         [](const auto& instance) { return instance.param == LpipsNet::kAlex ? "alex" : "squeeze"; });

}  // namespace
}  // namespace sscvae::train
