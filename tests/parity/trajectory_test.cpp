#include <gtest/gtest.h>
#include <torch/types.h>

#include "sscvae/nn/arrays.h"
#include "sscvae/train/training_step.h"
#include "support/reference_models.h"
#include "support/tensor_dict.h"
#include "support/tolerances.h"

/// Ten steps of Adam against the reference's.
namespace sscvae {
namespace {

using testing::is_close;
using testing::reference_losses;
using testing::TensorDict;

/// Adam makes a step of full length of a gradient however small, also of one whose sign is rounding. So float32 goes
/// the same way as a whole (Euclidean norm), not entry by entry.
constexpr double kShareOfWay = 0.02;

TensorDict read_tensors(const std::filesystem::path& path) { return serialization::read_safetensors(path).tensors; }

void expect_trajectory(const std::string& name, at::ScalarType dtype) {
  const std::string suffix = dtype == at::kDouble ? "float64" : "float32";
  SCOPED_TRACE(name + " " + suffix);
  const auto folder = testing::parity_folder() / "trajectory" / name;
  const auto read = [&](const std::string& file) { return read_tensors(folder / (file + ".safetensors")); };
  const auto expected = testing::read_json(folder / "expected.json");
  const TensorDict batches = read("batches");
  const auto model = testing::reference_model(expected.at("config"), read("initial"));
  model->to(dtype);
  model->train();
  const auto& optimizer = expected.at("optimizer");
  train::AdamOptions adam_options;
  adam_options.beta1 = optimizer.at("betas")[0];
  adam_options.beta2 = optimizer.at("betas")[1];
  adam_options.epsilon = optimizer.at("eps");
  train::Adam adam(train::named_parameters(*model), adam_options);
  train::StepSettings settings;
  settings.loss = reference_losses();

  const at::Tensor* bytes = batches.find("clean_uint8");
  const at::Tensor clean = bytes ? bytes->to(at::kFloat) / 255 : batches.at("clean");
  const at::Tensor* noisy = batches.find("noisy");
  const double loss_tolerance = dtype == at::kDouble ? 1e-9 : 1e-4;
  for (int64_t step = 0; step < 10; ++step) {
    train::Batch batch;
    batch.target = clean[step].to(dtype);
    batch.input = noisy ? (*noisy)[step].to(dtype) : batch.target;
    const auto figures = train::training_step(*model, adam, {batch}, settings, 0, optimizer.at("lr"), step + 1);
    const auto& wanted = expected.at(suffix).at("steps")[static_cast<size_t>(step)];
    const double total = wanted.at("total_loss"), norm = wanted.at("gradient_norm");
    EXPECT_NEAR(figures.loss, total, loss_tolerance * total) << "step " << step;
    EXPECT_NEAR(figures.gradient_norm, norm, (dtype == at::kDouble ? 1e-9 : 2e-3) * norm) << "step " << step;
    if (step == 0 && dtype == at::kDouble) {
      for (const auto& [key, tensor] : read("after_step_1_float64"))
        EXPECT_LT((as_tensor(models::state_of(*model).at(key)).to(at::kDouble) - tensor.to(at::kDouble))
                      .abs()
                      .max()
                      .item<double>(),
                  1e-9)
            << key;
    }
  }
  const TensorDict state = models::state_of(*model), initial = read("initial");
  for (const auto& [key, tensor] : read("final_" + suffix)) {
    const at::Tensor wanted = tensor.to(at::kDouble), error = state.at(key).to(at::kDouble) - wanted;
    if (dtype == at::kDouble) {
      EXPECT_LT(error.abs().max().item<double>(), 1e-9) << key;
    } else if (!testing::is_noise_in_float32(key)) {
      const double way = (wanted - initial.at(key).to(at::kDouble)).norm().item<double>();
      EXPECT_LE(error.norm().item<double>(), kShareOfWay * way) << key << ", which went " << way;
    }
  }
  if (dtype == at::kDouble && std::filesystem::exists(folder / "adam_float64.safetensors"))
    for (const auto& [key, tensor] : read("adam_float64")) {
      const size_t slash = key.rfind('/');
      if (testing::has_zero_gradient(key.substr(0, slash))) continue;
      EXPECT_TRUE(is_close(adam.state().at(key.substr(slash + 1) + "." + key.substr(0, slash)), tensor, 1e-6)) << key;
    }
}

TEST(TrajectoryParity, TenStepsInFloat64) {
  for (const std::string name : {"sscvae_recon", "scvae_denoise", "vqvae_recon"})
    if (name == "sscvae_recon" || std::filesystem::exists(testing::parity_folder() / "trajectory" / name))
      expect_trajectory(name, at::kDouble);
}

TEST(TrajectoryParity, TenStepsInFloat32) { expect_trajectory("sscvae_recon", at::kFloat); }

}  // namespace
}  // namespace sscvae
