#include "sscvae/train/ema.h"
#include "sscvae/nn/arrays.h"

#include <gtest/gtest.h>

namespace sscvae::train {
namespace {

struct Toy : torch::nn::Module {
  explicit Toy(float value) {
    weight = register_parameter("weight", at::full({2}, value));
    statistic = register_buffer("statistic", at::full({1}, value));
  }
  at::Tensor weight, statistic;
};

TEST(Average, DecayGrowsToItsFinalValue) {
  EXPECT_DOUBLE_EQ(average_decay(0.999, 0), 0.1);
  EXPECT_DOUBLE_EQ(average_decay(0.999, 90), 0.91);
  EXPECT_DOUBLE_EQ(average_decay(0.999, 1000000), 0.999);
}

TEST(Average, MovesParametersByTheirShareAndCopiesBuffers) {
  Toy average(0), model(10);
  update_average(average, model, 0.5, 1000);
  EXPECT_FLOAT_EQ(average.weight[0].item<float>(), 5);
  EXPECT_FLOAT_EQ(average.statistic.item<float>(), 10);
  update_average(average, model, 0.5, 1001);
  EXPECT_FLOAT_EQ(average.weight[1].item<float>(), 7.5);
  EXPECT_FLOAT_EQ(model.weight[0].item<float>(), 10);
}

TEST(Average, CopiesWeights) {
  Toy to(0), from(3);
  copy_weights(to, from);
  EXPECT_TRUE(at::equal(to.weight, from.weight));
  EXPECT_TRUE(at::equal(to.statistic, from.statistic));
  EXPECT_NE(to.weight.data_ptr(), from.weight.data_ptr());
}

}  // namespace
}  // namespace sscvae::train
