#include "sscvae/metrics/code_model.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

#include "sscvae/core/error.h"
#include "sscvae/nn/arrays.h"

namespace sscvae::metrics {
namespace {

/// Four atoms on a 16x16 grid: the first at half of the positions, the last at one in fifty.
at::Tensor usual_code(int64_t seed) {
  torch::manual_seed(seed);
  const at::Tensor shares = torch::tensor({0.5, 0.2, 0.1, 0.02}).view({1, 4, 1, 1});
  const at::Tensor magnitudes = at::empty({1, 4, 16, 16}).exponential_();
  return at::where(torch::rand({1, 4, 16, 16}) < shares, magnitudes, at::zeros({}));
}

CodeModel usual_model() {
  std::vector<Array> codes;
  for (int64_t seed = 0; seed < 40; ++seed) codes.push_back(usual_code(seed));
  return fit_code_model(codes);
}

double unusual_share(const CodeModel& model, const at::Tensor& code) {
  const at::Tensor surprise = model.surprise(code);
  return surprise.gt(model.position_limit).to(at::kDouble).mean().item<double>();
}

TEST(CodeModel, LearnsHowOftenAndHowStrongly) {
  const CodeModel model = usual_model();
  const double expected[] = {0.5, 0.2, 0.1, 0.02};
  for (size_t k = 0; k < 4; ++k) {
    EXPECT_NEAR(model.shares[k], expected[k], 0.01);
    EXPECT_NEAR(model.magnitudes[k], 1, 0.15);
  }
}

TEST(CodeModel, SurpriseIsTheSumOverUsedAtoms) {
  const CodeModel model{{0.5, 0.2}, {1, 2}, 0, 0};
  at::Tensor code = at::zeros({1, 2, 1, 2});
  code[0][0][0][0] = -3;
  code[0][1][0][0] = 4;
  const at::Tensor surprise = model.surprise(code);
  EXPECT_NEAR(surprise[0][0][0].item<double>(), 0 + 3 / std::log(2) + std::log2(4) + 2 / std::log(2), 1e-5);
  EXPECT_EQ(surprise[0][0][1].item<double>(), 0);
}

TEST(CodeModel, FreshUsualCodesAreUsualAndOthersAreNot) {
  const CodeModel model = usual_model();
  for (int64_t seed = 100; seed < 120; ++seed) EXPECT_LT(unusual_share(model, usual_code(seed)), model.image_limit);
  EXPECT_GT(unusual_share(model, 5 * usual_code(200)), 2 * model.image_limit);    // stronger
  EXPECT_GT(unusual_share(model, usual_code(200).flip({1})), model.image_limit);  // other atoms
  EXPECT_EQ(unusual_share(model, at::zeros({1, 4, 16, 16})), 0);
}

TEST(CodeModel, NeedsCodesThatSaySomething) {
  EXPECT_THROW(fit_code_model({}), UsageError);
  EXPECT_THROW(fit_code_model({at::zeros({1, 4, 2, 2})}), UsageError);
  EXPECT_THROW(fit_code_model({at::ones({1, 4, 2, 2}), at::ones({1, 3, 2, 2})}), ShapeError);
  EXPECT_THROW(usual_model().surprise(at::ones({1, 3, 2, 2})), ShapeError);
}

}  // namespace
}  // namespace sscvae::metrics
