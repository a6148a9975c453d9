#include <gtest/gtest.h>
#include <torch/types.h>

#include "device/pretended_device.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/nn/lista.h"
#include "sscvae/nn/lista_matrix.h"
#include "sscvae/workshop/mac_counter.h"
#include "support/coding_problem.h"
#include "support/small_models.h"
#include "support/tolerances.h"

// What holds for the operations of a model on a device that is not the processor.
namespace sscvae {
namespace {

using testing::device_traffic;
using testing::pretended_device;

TEST(PretendedDevice, RefusesTensorsOfTwoDevices) {
  const at::Tensor here = torch::ones({2, 3}), there = here.to(pretended_device());
  EXPECT_ANY_THROW(there + here);
  EXPECT_ANY_THROW(at::mm(there, here.t()));
  EXPECT_TRUE(at::equal((there + torch::tensor(1.0F)).cpu(), here + 1));  // a CPU scalar may come along, as on a GPU
}

TEST(PretendedDevice, CountsWhatTheHostWaitsFor) {
  const at::Tensor there = torch::ones({4}).to(pretended_device());
  device_traffic().reset();
  const at::Tensor sum = (2 * there).sum();
  EXPECT_EQ(device_traffic().waits, 0);
  EXPECT_EQ(sum.item<float>(), 8);
  EXPECT_EQ(device_traffic().waits, 1);
  there.cpu();
  EXPECT_EQ(device_traffic().waits, 2);
  EXPECT_GT(device_traffic().operations, 0);
}

TEST(PretendedDeviceDeathTest, ItsMemoryIsNotTheHosts) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        const at::Tensor there = torch::ones({4}).to(pretended_device());
        volatile float value = *there.const_data_ptr<float>();
        (void)value;
      },
      "");
}

class ModelOnADevice : public ::testing::TestWithParam<std::tuple<std::string, std::string>> {};

TEST_P(ModelOnADevice, EqualsThatOfTheProcessor) {
  const auto& [name, profile] = GetParam();
  const auto model = testing::stirred_model(testing::small_options(name, profile));
  torch::manual_seed(3);
  const at::Tensor images = torch::rand({2, model->options().in_channels, 32, 40});
  const at::NoGradGuard no_grad;
  const models::ForwardResult expected = models::forward_any_size(*model, images);
  model->to(pretended_device());
  const at::Tensor there = images.to(pretended_device());
  const models::ForwardResult actual = models::forward_any_size(*model, there);
  EXPECT_TRUE(testing::is_close(actual.reconstruction.cpu(), expected.reconstruction, 1e-4));
  EXPECT_EQ(actual.reconstruction.device(), pretended_device());
}

SSCVAE_FOR_ALL_MODELS(ModelOnADevice);

// The sparse coder as a GPU runs it (nn/lista_matrix.h), the launch of its kernels excepted.
TEST(DeviceLista, EqualsPlainForEveryThresholdShape) {
  for (const auto& shape : testing::threshold_shapes(37, 45)) {
    const auto problem = testing::smooth_problem(37, 19, 45, shape, 4, networks::InitialCode::kProjected);
    const auto expected = testing::solve_plainly(problem, 4, networks::InitialCode::kProjected);
    const auto there = [](const at::Tensor& tensor) { return tensor.to(pretended_device()); };
    const nn::ListaTensors own{there(problem.features),
                               there(problem.dictionary),
                               there(problem.lipschitz),
                               there(problem.threshold),
                               4,
                               true};
    device_traffic().reset();
    const at::Tensor code = nn::lista_matrix_forward(own, testing::pretended_lista_steps());
    const nn::ListaTensorGradients gradients =
        nn::lista_matrix_backward(own, code, there(problem.code_gradient), {}, testing::pretended_lista_steps(), 10);
    EXPECT_EQ(device_traffic().waits, 0);
    EXPECT_TRUE(testing::is_close(code.cpu(), expected.code, 1e-5));
    const at::Tensor parts[] = {gradients.features, gradients.dictionary, gradients.lipschitz, gradients.threshold};
    for (size_t i = 0; i < 4; ++i)
      EXPECT_TRUE(testing::is_close(parts[i].cpu(), expected.gradients[i], i == 2 ? 1e-3 : 2e-5)) << i;
  }
}

TEST(DeviceMacCounter, SeesBackwardPasses) {
  const at::Tensor weight = torch::rand({5, 4}).to(pretended_device()).requires_grad_();
  const at::Tensor x = torch::rand({3, 5}).to(pretended_device()).requires_grad_();
  const workshop::MacCounter counter;
  at::mm(x, weight).sum().backward();
  EXPECT_EQ(counter.macs(), 3 * 3 * 5 * 4);
}

}  // namespace
}  // namespace sscvae
