#include <gtest/gtest.h>

#include <cmath>

#include "sscvae/data/test_images.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/nn/dictionary.h"
#include "sscvae/train/csv_log.h"
#include "sscvae/train/device_batches.h"
#include "sscvae/train/fused_update.h"
#include "sscvae/train/muon.h"
#include "sscvae/train/recorded_work.h"
#include "sscvae/train/sample_noise.h"
#include "sscvae/train/training_fixture.h"
#include "support/gpu.h"
#include "support/tolerances.h"

// What keeps a GPU busy, on a GPU: batches made there, fused optimizers, whole runs.
namespace sscvae {
namespace {

using testing::is_close;
using testing::kGpu;

class GpuBatches : public testing::GpuTest {
 protected:
  data::ImageStore make_store(int64_t channels, int depth) const {
    std::vector<std::string> names;
    for (int i = 0; i < 5; ++i) {
      names.push_back(std::to_string(i) + ".png");
      image::write_image(folder_ / names.back(),
                         data::test::random_image(90 + i, 70 - i, channels, uint64_t(i), depth));
    }
    return data::ImageStore(folder_.path(), names, channels, 10, data::OnBroken::kRefuse);
  }
  void expect_same(const data::ImageStore& store, bool denoise) const {
    const data::TrainingBatches batches(store, options_, 32, 3, denoise);
    ASSERT_EQ(train::DeviceBatches::obstacle(batches, kGpu, 10), "");
    const train::DeviceBatches on_device(batches, {kGpu, 0});
    for (int64_t step = 0; step < 4; ++step) {
      const train::Batch expected = train::tensors_of(batches.at(step)), actual = on_device.at(step);
      EXPECT_TRUE(actual.target.is_cuda());
      EXPECT_TRUE(at::equal(actual.target.cpu(), expected.target)) << step;
      EXPECT_LE((actual.input.cpu() - expected.input).abs().max().item<double>(), denoise ? 1e-5 : 0) << step;
    }
  }
  testing::TemporaryFolder folder_;
  data::DataOptions options_;
};

TEST_F(GpuBatches, PixelsAreExactlyThoseOfTheCpu) {
  options_.crops_per_image = 20;
  for (const int64_t channels : {1, 3})
    for (const int depth : {8, 16})
      for (const int64_t patch : {32, 128}) {
        SCOPED_TRACE(::testing::Message() << channels << " channels, " << depth << " bits, patch " << patch);
        options_.patch_size = patch;
        expect_same(make_store(channels, depth), false);
      }
}

TEST_F(GpuBatches, NoiseIsThatOfTheCpu) {
  if (!train::has_sample_noise(kGpu)) GTEST_SKIP() << "built without GPU kernels: there was no nvcc";
  options_.crops_per_image = 20;
  for (const data::NoiseKind kind : {data::NoiseKind::kGaussian, data::NoiseKind::kSpeckle, data::NoiseKind::kMixed}) {
    SCOPED_TRACE(static_cast<int>(kind));
    options_.noise = {.sigma_8bit = 5, .sigma_8bit_max = 55, .clip = true, .clip_share = 0.5, .kind = kind};
    expect_same(make_store(3, 8), true);
  }
}

class GpuUpdates : public testing::GpuTest {};

TEST_F(GpuUpdates, AdamIsThatOfTheCpu) {
  const auto trained = [](c10::Device device) {
    torch::manual_seed(1);
    const at::Tensor p = torch::randn({16, 8, 3, 3}).contiguous(at::MemoryFormat::ChannelsLast);
    const at::Tensor parameter = p.to(device).requires_grad_(true);
    train::Adam adam({{"p", parameter}}, {0.9, 0.99, 1e-8, 0.05});
    for (int step = 0; step < 30; ++step) {
      parameter.mutable_grad() = torch::randn({16, 8, 3, 3}).to(device);
      train::fused_clip_gradients(adam.parameters(), train::fused_gradient_norm(adam.parameters()), 20);
      adam.step(1e-2);
    }
    return parameter.detach().cpu();
  };
  EXPECT_TRUE(is_close(trained({kGpu, 0}), trained(c10::kCPU), 1e-5));
}

TEST_F(GpuUpdates, MuonIsThatOfTheCpu) {
  const auto trained = [](c10::Device device) {
    torch::manual_seed(2);
    std::vector<train::NamedParameter> parameters;
    for (const std::vector<int64_t>& shape : {std::vector<int64_t>{16, 8, 3, 3}, {16, 8, 3, 3}, {32, 8, 1, 1}})
      parameters.emplace_back(std::to_string(parameters.size()) + ".weight",
                              torch::randn(shape).to(device).requires_grad_(true));
    train::Muon muon(parameters, {}, {});
    for (int step = 0; step < 5; ++step) {
      for (auto& [name, p] : parameters) p.mutable_grad() = torch::randn(p.sizes()).to(device);
      muon.step(1e-2);
    }
    std::vector<at::Tensor> flat;
    for (const auto& [name, p] : parameters) flat.push_back(p.detach().cpu().flatten());
    return torch::cat(flat);
  };
  EXPECT_TRUE(is_close(trained({kGpu, 0}), trained(c10::kCPU), 1e-3));
}

TEST_F(GpuUpdates, TheLargestEigenvalueIsThatOfTheCpu) {
  torch::manual_seed(3);
  const at::Tensor dictionary = torch::randn({24, 60});
  EXPECT_NEAR(
      nn::largest_eigenvalue(dictionary.to(kGpu)).item<double>() / nn::largest_eigenvalue(dictionary).item<double>(), 1,
      1e-5);
}

}  // namespace

namespace train {
namespace {

class GpuRun : public ResumeTest {
 protected:
  void SetUp() override {
    if (!torch::cuda::is_available()) GTEST_SKIP() << "no CUDA device, or a LibTorch without CUDA";
    at::globalContext().setAllowTF32CuDNN(false);
    at::globalContext().setAllowTF32CuBLAS(false);
    ResumeTest::SetUp();
  }
  TrainRequest on(const std::string& device, const std::string& run) const {
    TrainRequest wanted = request(run, {"task=denoise", "data.noise.sigma_8bit=15", "train.ema_decay=0.9",
                                        "train.optimizer=muon", "train.checkpoint_every=5"});
    wanted.device = device;
    return wanted;
  }
  void expect_near(const std::string& a, const std::string& b, double tolerance) const {
    const auto first = last(a), second = last(b);
    for (const auto& [name, tensor] : second.tensors)
      if (is_floating_point(tensor.type())) {
        EXPECT_TRUE(at::allclose(first.tensors.at(name), tensor, tolerance, tolerance)) << name;
      }
  }
};

TEST_F(GpuRun, EqualsThatOfTheCpu) {
  const TrainSummary expected = train(on("cpu", "cpu")), actual = train(on("cuda", "cuda"));
  EXPECT_NEAR(actual.loss / expected.loss, 1, 1e-2);
  EXPECT_NEAR(actual.best_psnr_db, expected.best_psnr_db, 0.05);
  expect_near("cuda", "cpu", 2e-2);
}

TEST_F(GpuRun, AGraphOfItsPassesChangesNothing) {
  for (const char* model : {"ssc-vae", "csc"}) {
    SCOPED_TRACE(model);
    const std::string name(model);
    const auto with = [&](const std::string& run, const std::string& graph) {
      TrainRequest wanted = request(run, {"model.name=" + name, "model.csc.num_atoms=16", "model.csc.num_iterations=3",
                                          "task=denoise", "data.noise.sigma_8bit=15", "train.noise_levels=told",
                                          "data.crops_per_image=4", "train.cuda_graph=" + graph});
      wanted.device = "cuda";
      return train(wanted).loss;
    };
    EXPECT_NEAR(with(name + "-graph", "true") / with(name, "false"), 1, 1e-3);
    expect_near(name + "-graph", name, 1e-2);
  }
}

TEST_F(GpuRun, WorkIsRecordedAndStartedAgain) {
  if (!train::has_sample_noise(kGpu)) GTEST_SKIP() << "built without GPU kernels and graphs: there was no nvcc";
  const at::Tensor source = torch::ones({4}, at::TensorOptions(kGpu)), target = torch::zeros_like(source);
  const auto work = record_work({kGpu, 0}, [&] { target.add_(source, 2); });
  EXPECT_EQ(target.sum().item<float>(), 0);
  work->run();
  source.fill_(3);
  work->run();
  EXPECT_EQ(target.sum().item<float>(), 4 * (2 + 6));
  EXPECT_ANY_THROW(record_work({kGpu, 0}, [&] { source.sum().item<float>(); }));
  EXPECT_EQ((source * 2).sum().item<float>(), 24);  // the device is as before
}

TEST_F(GpuRun, GoesOnWhereItWasKilled) {
  train(on("cuda", "whole"));
  TrainRequest pieces = on("cuda", "pieces");
  for (const int64_t step : {6, 11}) {
    kill_after(pieces, step);
    EXPECT_THROW(train(pieces), Killed);
    pieces = resume_request(folder_.path() / "pieces");
    pieces.device = "cuda";
  }
  EXPECT_TRUE(train(pieces).finished);
  expect_near("pieces", "whole", 1e-3);  // sums of cuDNN may come in any order
  EXPECT_EQ(read_csv_log(folder_.path() / "pieces" / "log.csv").at("step"),
            read_csv_log(folder_.path() / "whole" / "log.csv").at("step"));
}

}  // namespace
}  // namespace train
}  // namespace sscvae
