#include "sscvae/tasks/operation_profile.h"

#include <gtest/gtest.h>
#include <torch/nn/modules/conv.h>
#include <torch/types.h>

#include <chrono>

namespace sscvae::tasks {
namespace {

/// A module with one convolution 2 -> 4 (3x3) called "conv".
class Holder : public torch::nn::Module {
 public:
  Holder() { conv = register_module("conv", torch::nn::Conv2d(torch::nn::Conv2dOptions(2, 4, 3).padding(1))); }
  torch::nn::Conv2d conv{nullptr};
};

constexpr int64_t kForwardMacs = 5 * 6 * 7 * (2 * 4 * 9);  // batch, positions, kernel

TEST(OperationProfile, TimesEachOutermostOperationOnceUnderItsLayer) {
  Holder module;
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
    EXPECT_EQ(time.macs, convolution ? 3 * kForwardMacs : 0);
    sum += time.seconds;
  }
  EXPECT_GE(times[0].seconds, times[1].seconds);
  EXPECT_GT(times[1].seconds, 0);
  EXPECT_LE(sum, wall);
}

TEST(OperationProfile, NamesTheLayersOfABackwardPass) {
  Holder module;
  const at::Tensor sum = module.conv->forward(at::ones({1, 2, 6, 7})).sum();
  const OperationProfile profile(parameter_names(module));
  sum.backward();
  int64_t macs = 0;
  for (const OperationTime& time : profile.times()) {
    EXPECT_EQ(time.operation.find("evaluate_function"), std::string::npos);
    if (time.operation == "convolution_backward" && time.layer == "conv") macs += time.macs;
  }
  EXPECT_EQ(macs, kForwardMacs / 5);
}

}  // namespace
}  // namespace sscvae::tasks
