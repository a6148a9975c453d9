#include "sscvae/workshop/operation_profile.h"
#include "sscvae/nn/arrays.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <chrono>

#include "support/one_convolution.h"

namespace sscvae::workshop {
namespace {

TEST(OperationProfile, TimesEachOutermostOperationOnceUnderItsLayer) {
  testing::OneConvolution module;
  const at::Tensor images = at::ones({5, 2, 6, 7});
  const auto begin = std::chrono::steady_clock::now();
  const OperationProfile profile(parameter_names(module));
  for (int i = 0; i < 3; ++i) module.conv->forward(images).relu();
  const double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  const std::vector<OperationTime> times = profile.times();
  ASSERT_EQ(times.size(), 2u);  // what conv2d calls is part of it
  double sum = 0;
  for (const OperationTime& time : times) {
    const bool convolution = time.operation == "conv2d";
    EXPECT_EQ(time.operation, convolution ? "conv2d" : "relu");
    EXPECT_EQ(time.layer, convolution ? "conv" : "");
    EXPECT_EQ(time.calls, 3);
    EXPECT_EQ(time.macs, convolution ? 3 * testing::kForwardMacs : 0);
    sum += time.seconds;
  }
  EXPECT_GE(times[0].seconds, times[1].seconds);
  EXPECT_GT(times[1].seconds, 0);
  EXPECT_LE(sum, wall);
}

TEST(OperationProfile, NamesTheLayersOfABackwardPass) {
  testing::OneConvolution module;
  const at::Tensor sum = module.conv->forward(at::ones({1, 2, 6, 7})).sum();
  const OperationProfile profile(parameter_names(module));
  sum.backward();
  int64_t macs = 0;
  for (const OperationTime& time : profile.times()) {
    EXPECT_EQ(time.operation.find("evaluate_function"), std::string::npos);
    if (time.operation == "convolution_backward" && time.layer == "conv") macs += time.macs;
  }
  EXPECT_EQ(macs, testing::kForwardMacs / 5);
}

}  // namespace
}  // namespace sscvae::workshop
