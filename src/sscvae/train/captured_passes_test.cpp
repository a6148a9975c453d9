#include "sscvae/train/captured_passes.h"
#include "sscvae/core/error.h"
#include "sscvae/core/log.h"
#include "sscvae/models/registry.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/nn/to_device.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <stdexcept>

#include "support/small_models.h"

// With the CPU as the device: what a graph would start again is called again, with the host's settings as they were.
namespace sscvae::train {
namespace {

/// Runs the work once when it is "recorded", as the memory that it writes has to exist.
class CalledAgain : public RecordedWork {
 public:
  CalledAgain(Optimizer& optimizer, std::function<void()> work) : optimizer_(optimizer), work_(std::move(work)) {
    work_();
    for (const auto& [name, parameter] : optimizer_.parameters()) gradients_.push_back(parameter.grad());
  }
  /// A graph writes new gradients into the memory of the old ones.
  void run() override {
    optimizer_.clear_gradients();
    work_();
    const at::NoGradGuard no_grad;
    for (size_t i = 0; i < gradients_.size(); ++i)
      if (gradients_[i].defined()) gradients_[i].copy_(optimizer_.parameters()[i].second.grad());
  }

 private:
  Optimizer& optimizer_;
  std::function<void()> work_;
  std::vector<at::Tensor> gradients_;
};

class Stale : public RecordedWork {
 public:
  void run() override {}
};

models::ModelOptions options_of(const std::string& name) {
  models::ModelOptions options = testing::small_options(name, "sound");
  options.csc.num_atoms = 16;
  options.csc.num_iterations = 2;
  return options;
}

class CapturedPassesTest : public ::testing::Test {
 protected:
  CapturedPassesTest() { set_verbosity(Verbosity::kQuiet); }
  ~CapturedPassesTest() override { set_verbosity(Verbosity::kNormal); }

  /// A step's batch: other images, other noise, and a smaller last one.
  static Batch batch_of(int64_t step) {
    torch::manual_seed(static_cast<uint64_t>(step));
    const int64_t count = step == 8 ? 2 : 4;
    const at::Tensor target = torch::rand({count, 1, 32, 32});
    std::vector<double> sigma;
    for (int64_t i = 0; i < count; ++i) sigma.push_back(static_cast<double>(5 * (step + i)));
    return {target + 0.05 * torch::randn(target.sizes()), target, {}, sigma};
  }

  struct Outcome {
    std::vector<at::Tensor> weights;
    std::vector<double> losses;
    std::string obstacle;
    bool active = false;
  };

  Outcome trained(const std::string& name, const std::function<CapturedPasses::Recorder(Optimizer&)>& recorder) {
    const auto model = models::make_autoencoder(options_of(name), 1);
    use_channels_last(*model);
    model->train();
    Adam adam(named_parameters(*model), {0.9, 0.99, 1e-4});
    StepSettings settings;
    settings.noise_levels = NoiseLevels::kTold;
    settings.gradient_clip = 0.5;
    std::optional<CapturedPasses> captured;
    if (recorder) captured.emplace(*model, adam, recorder(adam));
    settings.captured = captured ? &*captured : nullptr;
    Outcome outcome;
    for (int64_t step = 1; step <= 12; ++step) {
      const at::Tensor weight = at::full({}, 1e-4 * static_cast<double>(step), at::kDouble);
      const StepScalars scalars = queue_training_step(*model, adam, {batch_of(step)}, settings, weight, 1e-3, step);
      outcome.losses.push_back(scalars.loss.item<double>());
      outcome.obstacle = captured ? captured->obstacle() : "";
      outcome.active = captured && captured->is_active();
    }
    for (const at::Tensor& parameter : model->parameters()) outcome.weights.push_back(parameter.detach().clone());
    return outcome;
  }

  static void expect_same(const Outcome& a, const Outcome& b) {
    for (size_t i = 0; i < b.losses.size(); ++i) EXPECT_NEAR(a.losses[i] / b.losses[i], 1, 1e-5) << i;
    for (size_t i = 0; i < b.weights.size(); ++i)
      EXPECT_TRUE(at::allclose(a.weights[i], b.weights[i], 1e-4, 1e-6)) << i;
  }
};

TEST_F(CapturedPassesTest, ChangeNothing) {
  for (const char* name : {"ssc-vae", "csc"}) {
    SCOPED_TRACE(name);
    int recorded = 0;
    const Outcome captured = trained(name, [&](Optimizer& optimizer) {
      return [&](const std::function<void()>& work) {
        ++recorded;
        return std::make_unique<CalledAgain>(optimizer, work);
      };
    });
    EXPECT_TRUE(captured.active) << captured.obstacle;
    EXPECT_EQ(recorded, 1);
    expect_same(captured, trained(name, {}));
  }
}

TEST_F(CapturedPassesTest, AreGivenUpWhereRecordingFails) {
  const Outcome captured = trained("ssc-vae", [&](Optimizer&) {
    return [&](const std::function<void()>& work) -> std::unique_ptr<RecordedWork> {
      work();
      throw std::runtime_error("operation not permitted when stream is capturing");
    };
  });
  EXPECT_FALSE(captured.active);
  EXPECT_NE(captured.obstacle.find("not permitted"), std::string::npos) << captured.obstacle;
  expect_same(captured, trained("ssc-vae", {}));
}

TEST_F(CapturedPassesTest, AreGivenUpWhereTheyDisagree) {
  const Outcome captured = trained("ssc-vae", [&](Optimizer&) {
    return [&](const std::function<void()>& work) {
      work();
      return std::make_unique<Stale>();
    };
  });
  EXPECT_FALSE(captured.active);
  EXPECT_NE(captured.obstacle.find("gradients"), std::string::npos) << captured.obstacle;
  expect_same(captured, trained("ssc-vae", {}));
}

TEST_F(CapturedPassesTest, NothingIsCopiedFromTheHostMeanwhile) {
  const at::Tensor here = torch::ones({2});
  const nn::NoCopiesToDevice guard;
  EXPECT_TRUE(nn::to_device(here, c10::kCPU).is_same(here));
  EXPECT_THROW(nn::to_device(here, c10::kMeta), InternalError);
}

TEST_F(CapturedPassesTest, StepsThatTheHostTakesPartInAreNotRecorded) {
  StepSettings settings;
  const auto coder = models::make_autoencoder(options_of("csc"), 1),
             quantizer = models::make_autoencoder(options_of("vq-vae"), 1);
  EXPECT_EQ(obstacle_to_capture(*coder, settings, 1), "");
  EXPECT_NE(obstacle_to_capture(*coder, settings, 2), "");
  EXPECT_NE(obstacle_to_capture(*quantizer, settings, 1), "");
  settings.threshold_jitter = 2;
  EXPECT_NE(obstacle_to_capture(*coder, settings, 1), "");
}

TEST_F(CapturedPassesTest, ThereAreNoGraphsOfTheCpu) {
  EXPECT_THROW(record_work(c10::kCPU, [] {}), UsageError);
}

}  // namespace
}  // namespace sscvae::train
