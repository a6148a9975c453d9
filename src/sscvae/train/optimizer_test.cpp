#include "sscvae/train/optimizer.h"
#include "sscvae/core/error.h"
#include "sscvae/core/random.h"
#include "sscvae/nn/arrays.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

#include "support/tolerances.h"

namespace sscvae::train {
namespace {

at::Tensor parameter_of(at::Tensor values) { return values.clone().requires_grad_(true); }

at::Tensor random_tensor(at::IntArrayRef shape, uint64_t seed) {
  Random random(seed);
  at::Tensor tensor = at::empty(shape, at::kDouble);
  for (int64_t i = 0; i < tensor.numel(); ++i) tensor.mutable_data_ptr<double>()[i] = random.normal();
  return tensor;
}

/// The published formulas (Kingma & Ba, Algorithm 1), one number at a time.
struct ScalarAdam {
  AdamOptions options;
  double m = 0, v = 0;
  int64_t t = 0;
  double step(double p, double g, double lr) {
    ++t;
    m = options.beta1 * m + (1 - options.beta1) * g;
    v = options.beta2 * v + (1 - options.beta2) * g * g;
    const double m_hat = m / (1 - std::pow(options.beta1, t)), v_hat = v / (1 - std::pow(options.beta2, t));
    return p - lr * options.weight_decay * p - lr * m_hat / (std::sqrt(v_hat) + options.epsilon);
  }
};

TEST(Adam, FirstStepMovesByTheLearningRateAgainstTheSign) {
  const at::Tensor p = parameter_of(at::tensor({1.0, 2.0, 3.0}, at::kDouble));
  Adam adam({{"p", p}}, {});
  p.mutable_grad() = at::tensor({0.5, -4.0, 0.0}, at::kDouble);
  adam.step(0.1);
  EXPECT_TRUE(testing::is_close(p.detach(), at::tensor({0.9, 2.1, 3.0}, at::kDouble), 1e-8));
}

TEST(Adam, FollowsThePublishedFormulasForManySteps) {
  for (const double weight_decay : {0.0, 0.05}) {
    const AdamOptions options{0.9, 0.99, 1e-8, weight_decay};
    const at::Tensor p = parameter_of(random_tensor({50}, 1));
    std::vector<ScalarAdam> expected_state(50, ScalarAdam{options});
    std::vector<double> expected(p.data_ptr<double>(), p.data_ptr<double>() + 50);
    Adam adam({{"p", p}}, options);
    for (int64_t step = 0; step < 30; ++step) {
      const at::Tensor gradient = random_tensor({50}, 100 + static_cast<uint64_t>(step));
      const double lr = 1e-2 / static_cast<double>(1 + step);
      p.mutable_grad() = gradient;
      adam.step(lr);
      for (size_t i = 0; i < 50; ++i)
        expected[i] = expected_state[i].step(expected[i], gradient.data_ptr<double>()[i], lr);
    }
    EXPECT_TRUE(testing::is_close(p.detach(), at::tensor(expected, at::kDouble), 1e-12))
        << "weight decay " << weight_decay;
  }
}

TEST(Adam, Float32OfAnyLengthAgreesWithDouble) {
  for (const int64_t length : {1, 15, 33, 40000}) {  // shorter than a vector, with a rest, and for several threads
    const at::Tensor start = random_tensor({length}, 1).to(at::kFloat);
    const at::Tensor p = parameter_of(start), exact = parameter_of(start.to(at::kDouble));
    Adam adam({{"p", p}}, {}), exact_adam({{"p", exact}}, {});
    for (uint64_t step = 0; step < 5; ++step) {
      p.mutable_grad() = random_tensor({length}, 10 + step).to(at::kFloat);
      exact.mutable_grad() = p.grad().to(at::kDouble);
      adam.step(1e-2);
      exact_adam.step(1e-2);
    }
    EXPECT_TRUE(testing::is_close(p.detach(), exact.detach(), 5e-7)) << length;
  }
}

TEST(Adam, MemoryLayoutDoesNotMatter) {
  const at::Tensor values = random_tensor({4, 3, 5, 2}, 3), gradient = random_tensor({4, 3, 5, 2}, 4);
  const at::Tensor plain = parameter_of(values);
  const at::Tensor last = values.contiguous(at::MemoryFormat::ChannelsLast).requires_grad_(true);
  const at::Tensor sliced = at::zeros({4, 3, 5, 4}, at::kDouble).slice(3, 0, 4, 2).copy_(values).requires_grad_(true);
  for (const at::Tensor& p : {plain, last, sliced}) {
    Adam adam({{"p", p}}, {});
    for (int i = 0; i < 3; ++i) {
      p.mutable_grad() = gradient;
      adam.step(0.01);
    }
  }
  EXPECT_TRUE(at::equal(plain, last));
  EXPECT_TRUE(testing::is_close(sliced.detach(), plain.detach(), 1e-14));
}

TEST(Adam, LeavesParametersWithoutGradientAlone) {
  const at::Tensor with = parameter_of(at::ones({2})), without = parameter_of(at::ones({2}));
  Adam adam({{"with", with}, {"without", without}}, {0.9, 0.99, 1e-8, 0.1});
  with.mutable_grad() = at::ones({2});
  adam.step(0.1);
  EXPECT_TRUE(at::equal(without, at::ones({2})));
  EXPECT_FALSE(at::equal(with, at::ones({2})));
  adam.clear_gradients();
  EXPECT_FALSE(with.grad().defined());
}

TEST(Adam, StateGoesOutAndComesBack) {
  const auto advance = [](Adam& adam, const at::Tensor& p, uint64_t seed) {
    p.mutable_grad() = random_tensor({6}, seed);
    adam.step(0.01);
  };
  const at::Tensor p = parameter_of(random_tensor({6}, 1));
  Adam first({{"layer.p", p}}, {});
  advance(first, p, 2);
  advance(first, p, 3);
  EXPECT_EQ(first.state().names(), (std::vector<std::string>{"exp_avg.layer.p", "exp_avg_sq.layer.p"}));

  const at::Tensor q = parameter_of(p.detach());
  Adam second({{"layer.p", q}}, {});
  second.load_state(first.state(), first.steps(), "test");
  EXPECT_EQ(second.steps(), 2);
  advance(first, p, 4);
  advance(second, q, 4);
  EXPECT_TRUE(at::equal(p, q));

  Adam other({{"layer.p", parameter_of(at::zeros({7}, at::kDouble))}}, {});
  EXPECT_THROW(other.load_state(first.state(), 2, "test"), FormatError);
  Adam renamed({{"layer.q", parameter_of(at::zeros({6}, at::kDouble))}}, {});
  EXPECT_THROW(renamed.load_state(first.state(), 2, "test"), FormatError);
}

TEST(GradientNorm, IsTheEuclideanNormOfAllGradients) {
  const at::Tensor a = parameter_of(at::zeros({2})), b = parameter_of(at::zeros({1})), c = parameter_of(at::zeros({1}));
  a.mutable_grad() = at::tensor({3.0f, 0.0f});
  b.mutable_grad() = at::tensor({4.0f});
  const std::vector<NamedParameter> parameters{{"a", a}, {"b", b}, {"c", c}};
  EXPECT_DOUBLE_EQ(gradient_norm(parameters), 5.0);
  clip_gradients(parameters, 5.0, 10.0);  // nothing to do
  EXPECT_FLOAT_EQ(b.grad().item<float>(), 4.0f);
  clip_gradients(parameters, 5.0, 1.0);
  EXPECT_NEAR(gradient_norm(parameters), 1.0, 1e-6);
  EXPECT_NEAR(b.grad().item<double>(), 0.8, 1e-6);
}

}  // namespace
}  // namespace sscvae::train
