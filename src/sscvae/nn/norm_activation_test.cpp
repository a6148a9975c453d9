#include "sscvae/nn/norm_activation.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/normalization.h>
#include <torch/types.h>

#include "sscvae/core/error.h"
#include "sscvae/nn/arrays.h"
#include "support/tolerances.h"

/// The fused operation against the plain modules in double.
namespace sscvae::nn {
namespace {

using kernels::Act;
using kernels::Isa;
using kernels::NormActForm;
using testing::is_close;

constexpr auto kChannelsLast = at::MemoryFormat::ChannelsLast;

/// The modules' weights as operations, in the modules' mode.
at::Tensor norm_activation(torch::nn::BatchNorm2d& norm, const at::Tensor& x, const NormActForm& form) {
  const live::BatchNorm weights{
      norm->weight, norm->bias, norm->running_mean, norm->running_var, norm->num_batches_tracked, norm->options.eps()};
  return nn::norm_activation(weights, x, form, norm->is_training());
}
at::Tensor norm_activation(torch::nn::GroupNorm& norm, const at::Tensor& x, const NormActForm& form) {
  return nn::norm_activation(live::GroupNorm{norm->options.num_groups(), norm->options.eps(), norm->weight, norm->bias},
                             x, form);
}

/// Output and gradients of x, weight and bias for the loss sum(output * factor).
struct Outcome {
  at::Tensor output, x, weight, bias;
};

template <class Module, class Run>
Outcome outcome_of(Module& norm, const at::Tensor& map, const at::Tensor& factor, Run run) {
  const at::Tensor x = map.detach().clone().set_requires_grad(true);
  for (const at::Tensor& parameter : norm->parameters()) at::Tensor(parameter).mutable_grad() = at::Tensor();
  const at::Tensor output = run(norm, x);
  (output * factor.to(output.scalar_type())).sum().backward();
  return {output.detach(), x.grad(), norm->weight.grad().clone(), norm->bias.grad().clone()};
}

template <class Module>
Outcome fused(Module& norm, const at::Tensor& map, const at::Tensor& factor, const NormActForm& form) {
  return outcome_of(norm, map, factor, [&](Module& m, const at::Tensor& x) { return norm_activation(m, x, form); });
}

template <class Module>
Outcome plain(Module& norm, const at::Tensor& map, const at::Tensor& factor, const NormActForm& form) {
  return outcome_of(norm, map.to(at::kDouble), factor.to(at::kDouble),
                    [&](Module& m, const at::Tensor& x) { return plain_activation(m->forward(x), form); });
}

void expect_equal(const Outcome& mine, const Outcome& exact, double tolerance) {
  EXPECT_TRUE(is_close(mine.output, exact.output, tolerance)) << "output";
  EXPECT_TRUE(is_close(mine.x, exact.x, tolerance)) << "gradient of x";
  EXPECT_TRUE(is_close(mine.weight, exact.weight, tolerance)) << "gradient of the weight";
  EXPECT_TRUE(is_close(mine.bias, exact.bias, tolerance)) << "gradient of the bias";
}

/// Channels far from zero and of different spread, weights of both signs and one that is zero.
at::Tensor map_of(at::IntArrayRef sizes, at::ScalarType type) {
  const at::Tensor spread = torch::linspace(0.5, 3, sizes[1]).view({1, -1, 1, 1});
  const at::Tensor centre = torch::linspace(-20, 20, sizes[1]).view({1, -1, 1, 1});
  return (torch::randn(sizes) * spread + centre).contiguous(kChannelsLast).to(type);
}

template <class Module>
void randomize(Module& norm) {
  const at::NoGradGuard no_grad;
  norm->weight.normal_();
  norm->weight[1] = 0.0;
  norm->bias.normal_();
}

const std::vector<std::vector<int64_t>> kSizes{
    {2, 16, 6, 8}, {1, 32, 7, 9}, {3, 48, 1, 130}, {2, 16, 5, 1}, {1, 16, 66, 67}};
const std::vector<NormActForm> kForms{{Act::kRelu, true}, {Act::kRelu}, {Act::kSilu}, {Act::kNone}};

/// The module in double with the same weights and statistics.
torch::nn::BatchNorm2d double_of(torch::nn::BatchNorm2d& norm) {
  torch::nn::BatchNorm2d copy(norm->weight.size(0));
  const at::NoGradGuard no_grad;
  copy->weight.copy_(norm->weight);
  copy->bias.copy_(norm->bias);
  copy->running_mean.copy_(norm->running_mean);
  copy->running_var.copy_(norm->running_var);
  copy->to(at::kDouble);
  copy->train(norm->is_training());
  return copy;
}

torch::nn::GroupNorm double_of(torch::nn::GroupNorm& norm) {
  torch::nn::GroupNorm copy(norm->options.num_groups(), norm->weight.size(0));
  const at::NoGradGuard no_grad;
  copy->weight.copy_(norm->weight);
  copy->bias.copy_(norm->bias);
  copy->to(at::kDouble);
  return copy;
}

TEST(NormActivation, EqualsTheModulesInFloat32) {
  torch::manual_seed(1);
  for (const Isa isa : kernels::available_isas())
    for (const auto& sizes : kSizes)
      for (NormActForm form : kForms)
        for (const bool training : {true, false}) {
          SCOPED_TRACE(::testing::Message() << at::IntArrayRef(sizes) << " isa " << static_cast<int>(isa) << " act "
                                            << static_cast<int>(form.activation) << form.pool << training);
          if (form.pool && (sizes[2] < 2 || sizes[3] < 2)) continue;  // nothing would be left
          form.isa = isa;
          const at::Tensor x = map_of(sizes, at::kFloat), shape = plain_activation(x, form);
          const at::Tensor factor = torch::randn_like(shape);
          torch::nn::BatchNorm2d batch(sizes[1]);
          randomize(batch);
          batch->running_var.fill_(4);
          batch->train(training);
          auto exact_batch = double_of(batch);
          const Outcome exact = plain(exact_batch, x, factor, form);
          expect_equal(fused(batch, x, factor, form), exact, 2e-5);
          EXPECT_TRUE(is_close(batch->running_mean, exact_batch->running_mean, 1e-6));
          EXPECT_TRUE(is_close(batch->running_var, exact_batch->running_var, 1e-6));
          EXPECT_TRUE(at::equal(batch->num_batches_tracked, exact_batch->num_batches_tracked));
          torch::nn::GroupNorm group(4, sizes[1]);
          randomize(group);
          auto exact_group = double_of(group);
          expect_equal(fused(group, x, factor, form), plain(exact_group, x, factor, form), 2e-5);
        }
}

TEST(NormActivation, NarrowMapsAreRoundedOnceOnTheWayOut) {
  torch::manual_seed(2);
  for (const Isa isa : kernels::available_isas())
    for (NormActForm form : kForms) {
      SCOPED_TRACE(::testing::Message() << "isa " << static_cast<int>(isa) << " act "
                                        << static_cast<int>(form.activation) << form.pool);
      form.isa = isa;
      const at::Tensor x = map_of({2, 32, 9, 11}, at::kBFloat16);
      const at::Tensor factor = torch::randn_like(plain_activation(x, form));
      torch::nn::BatchNorm2d norm(32);
      randomize(norm);
      auto exact = double_of(norm);
      const Outcome mine = fused(norm, x, factor, form);
      ASSERT_EQ(mine.output.scalar_type(), at::kBFloat16);
      ASSERT_EQ(mine.x.scalar_type(), at::kBFloat16);
      expect_equal(mine, plain(exact, x, factor, form), 1.0 / 256);
    }
}

TEST(NormActivation, PooledTiesGoToTheFirst) {
  torch::nn::BatchNorm2d norm(16);
  const at::Tensor half = at::cat({at::ones({1, 16, 2, 2}), -at::ones({1, 16, 2, 2})}, 3).contiguous(kChannelsLast);
  norm->eval();
  for (const Isa isa : kernels::available_isas()) {
    const at::Tensor x = half.clone().set_requires_grad(true);
    NormActForm form{Act::kRelu, true};
    form.isa = isa;
    norm_activation(norm, x, form).sum().backward();
    const at::Tensor gradient = x.grad()[0][0] / x.grad()[0][0].max();
    EXPECT_TRUE(at::equal(gradient, at::tensor({1.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f}).view({2, 4})))
        << static_cast<int>(isa);
  }
}

TEST(NormActivation, KeepsNotANumberVisible) {
  torch::nn::BatchNorm2d norm(16);
  norm->eval();
  at::Tensor x = at::zeros({1, 16, 2, 2}).contiguous(kChannelsLast);
  for (int64_t place = 0; place < 4; ++place)
    for (const auto type : {at::kFloat, at::kBFloat16}) {
      at::Tensor bad = x.clone();
      bad[0][3][place / 2][place % 2] = std::numeric_limits<float>::quiet_NaN();
      bad = bad.to(type);
      EXPECT_TRUE(norm_activation(norm, bad, {Act::kRelu, true})[0][3].isnan().all().item<bool>());
      EXPECT_TRUE(norm_activation(norm, bad, {Act::kRelu})[0][3].isnan().any().item<bool>());
      EXPECT_TRUE(norm_activation(norm, bad, {Act::kSilu})[0][3].isnan().any().item<bool>());
    }
}

TEST(NormActivation, DoesNotDependOnThreads) {
  const int threads = at::get_num_threads();
  const auto run = [](int count) {
    at::set_num_threads(count);
    torch::manual_seed(3);
    torch::nn::BatchNorm2d norm(32);
    randomize(norm);
    const at::Tensor x = map_of({3, 32, 21, 40}, at::kFloat);
    const Outcome result = fused(norm, x, at::ones({1}), {Act::kRelu, true});
    return std::vector<at::Tensor>{result.output, result.x, result.weight, result.bias, norm->running_var};
  };
  const auto one = run(1), three = run(3);
  at::set_num_threads(threads);
  for (size_t i = 0; i < one.size(); ++i) EXPECT_TRUE(at::equal(one[i], three[i])) << i;
}

TEST(NormActivation, HasNoSecondDerivatives) {
  torch::nn::GroupNorm norm(4, 16);
  const at::Tensor x = torch::randn({1, 16, 4, 4}).contiguous(kChannelsLast).set_requires_grad(true);
  const at::Tensor loss = norm_activation(norm, x, {Act::kSilu}).sum();
  EXPECT_THROW(torch::autograd::grad({loss}, {x}, {}, true, true), UsageError);
}

}  // namespace
}  // namespace sscvae::nn
