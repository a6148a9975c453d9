#include "sscvae/train/trainer.h"
#include "sscvae/core/error.h"
#include "sscvae/data/registry.h"
#include "sscvae/models/weights.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/train/csv_log.h"
#include "sscvae/train/training_fixture.h"
#include "sscvae/train/validation_set.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "sscvae/runtime/weights_file.h"
#include "support/reference_models.h"
#include "support/tolerances.h"

namespace sscvae::train {
namespace {

TEST_F(ResumeTest, EqualsTheUninterruptedRun) { check({"train.checkpoint_every=5"}, {3, 7, 11}); }

TEST_F(ResumeTest, WithAveragedWeights) { check({"train.checkpoint_every=3", "train.ema_decay=0.9"}, {4, 8}); }

TEST_F(ResumeTest, WithMuon) {
  check({"train.checkpoint_every=3", "train.optimizer=muon", "train.ema_decay=0.9"}, {4, 8});
}

TEST_F(ResumeTest, WhenDenoising) {
  check({"task=denoise", "data.noise.sigma_8bit=5", "data.noise.sigma_8bit_max=40", "train.checkpoint_every=5"}, {6});
}

TEST_F(ResumeTest, WithBf16AndAccumulation) {
  check({"train.precision=bf16", "train.accumulate=2", "train.checkpoint_every=5"}, {7});
}

TEST_F(ResumeTest, OfTheReferenceProfileWhoseValidationMovesStatistics) {
  check({"profile=reference", "model.reference.hidden_channels_1=8", "model.reference.hidden_channels_2=8",
         "model.reference.num_groups=4", "data.split=official", "train.checkpoint_every=5"},
        {4, 9});
}

TEST_F(ResumeTest, AfterACleanStop) {
  train(request("whole"));
  TrainRequest stopped = request("pieces");
  stopped.keep_going = [](int64_t step) { return step < 5; };
  const TrainSummary summary = train(stopped);
  EXPECT_FALSE(summary.finished);
  EXPECT_EQ(summary.steps, 5);
  train(resume_request(folder_.path() / "pieces"));
  expect_same_run("whole", "pieces");
}

TEST_F(ResumeTest, OfAFinishedRunChangesNothing) {
  train(request("whole"));
  const std::string before = table("whole", "log.csv", true);
  EXPECT_TRUE(train(resume_request(folder_.path() / "whole")).finished);
  EXPECT_EQ(table("whole", "log.csv", true), before);
}

TEST_F(ResumeTest, NumberOfWorkersDoesNotMatter) {
  train(request("whole", {"data.workers=0"}));
  train(request("pieces", {"data.workers=3"}));
  const auto first = last("whole"), second = last("pieces");
  for (const auto& [name, tensor] : first.tensors) EXPECT_TRUE(at::equal(tensor, second.tensors.at(name))) << name;
}

TEST_F(ResumeTest, RecomputingChangesNothingButLastBits) {
  const std::vector<std::string> batch_norm{"profile=reference", "model.reference.hidden_channels_1=8",
                                            "model.reference.hidden_channels_2=8", "model.reference.num_groups=4",
                                            "data.split=official"};
  for (const std::vector<std::string>& options : {std::vector<std::string>{}, batch_norm}) {
    const auto with = [&](const char* more) {
      std::vector<std::string> all = options;
      all.push_back(more);
      return all;
    };
    const std::string number = std::to_string(options.size());
    train(request("kept" + number, options));
    train(request("again" + number, with("train.recompute=true")));
    train(request("budget" + number, with("train.memory_gib=0.001")));
    const auto kept = last("kept" + number), again = last("again" + number), budget = last("budget" + number);
    for (const auto& [name, tensor] : kept.tensors) {
      if (name.starts_with("training.") || !is_floating_point(tensor.type())) continue;
      EXPECT_TRUE(at::equal(again.tensors.at(name), budget.tensors.at(name))) << name;
      if (!testing::is_noise_in_float32(name)) {
        EXPECT_LT(testing::relative_norm(again.tensors.at(name), tensor), 1e-3) << name;
      }
    }
  }
}

// As on a GPU, with the CPU as the device: batches made there, figures read only where they are logged.
const std::vector<std::string> kDeviceBatches{
    "task=denoise",           "data.noise.sigma_8bit=5", "data.noise.sigma_8bit_max=40",
    "data.batches_on=device", "train.ema_decay=0.9",     "train.checkpoint_every=5"};

TEST_F(TrainingTest, OnADeviceIsTheSameUpToRounding) {
  std::vector<std::string> on_cpu = kDeviceBatches;
  on_cpu.push_back("data.batches_on=cpu");
  TrainRequest queued = request("queued", kDeviceBatches);
  queued.queue_steps = true;
  const TrainSummary expected = train(request("plain", on_cpu)), actual = train(queued);
  EXPECT_NEAR(actual.loss / expected.loss, 1, 1e-3);
  EXPECT_NEAR(actual.best_psnr_db, expected.best_psnr_db, 0.01);
  const auto a = read_csv_log(folder_.path() / "queued" / "log.csv"),
             b = read_csv_log(folder_.path() / "plain" / "log.csv");
  EXPECT_EQ(a.at("step"), b.at("step"));
  for (const char* column : {"loss", "reconstruction", "psnr_db", "nnz", "hoyer", "grad_norm", "sparsity_weight", "lr"})
    for (size_t i = 0; i < b.at(column).size(); ++i)
      EXPECT_NEAR(a.at(column)[i] / b.at(column)[i], 1, 1e-2) << column << " " << i;
  const auto first = last("queued"), second = last("plain");
  for (const auto& [name, tensor] : second.tensors)
    if (is_floating_point(tensor.type())) {
      EXPECT_TRUE(at::allclose(first.tensors.at(name), tensor, 1e-2, 1e-3)) << name;
    }
}

TEST_F(ResumeTest, OnADevice) {
  const auto queued = [](TrainRequest request) {
    request.queue_steps = true;
    return request;
  };
  train(queued(request("whole", kDeviceBatches)));
  TrainRequest pieces = queued(request("pieces", kDeviceBatches));
  for (const int64_t step : {4, 11}) {
    kill_after(pieces, step);
    EXPECT_THROW(train(pieces), Killed);
    pieces = queued(resume_request(folder_.path() / "pieces"));
  }
  EXPECT_TRUE(train(pieces).finished);
  expect_same_run("whole", "pieces");
}

TEST_F(TrainingTest, OnADeviceDivergenceIsFoundLaterAndNeverSaved) {
  TrainRequest stopped = request("run");
  stopped.keep_going = [](int64_t step) { return step < 5; };
  train(stopped);
  const auto before = last("run");
  TrainRequest doomed = resume_request(folder_.path() / "run",
                                       {"train.learning_rate=1e30", "train.gradient_clip=0", "train.log_every=1000",
                                        "train.validate_every=1000", "train.checkpoint_every=9"});
  doomed.queue_steps = true;
  try {
    train(doomed);
    FAIL() << "expected DivergenceError";
  } catch (const DivergenceError& error) {
    const std::string line = error.what();
    EXPECT_NE(line.find("training diverged at step 7"), std::string::npos) << line;
    EXPECT_NE(line.find("is not finite"), std::string::npos) << line;
    EXPECT_NE(line.find("last good checkpoint: step 5"), std::string::npos) << line;
  }
  const auto after = last("run");
  for (const auto& [name, tensor] : before.tensors) EXPECT_TRUE(at::equal(tensor, after.tensors.at(name))) << name;
}

TEST_F(TrainingTest, BatchesOnTheDeviceNeedRoomThere) {
  EXPECT_THROW(train(request("run", {"data.batches_on=device", "data.device_cache_mb=0"})), UsageError);
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / "run"));
  train(request("run", {"data.batches_on=auto", "data.device_cache_mb=0", "train.steps=1"}));
}

TEST_F(TrainingTest, LeavesEverythingThatARunPromises) {
  const TrainSummary summary = train(request("run"));
  for (const char* name : {"config.toml", "split.csv", "log.csv", "validation.csv", "checkpoints/last.safetensors",
                           "checkpoints/best.safetensors", "previews/step_000012.png", "report.html", "tensorboard"})
    EXPECT_TRUE(std::filesystem::exists(folder_.path() / "run" / name)) << name;
  const auto log = read_csv_log(folder_.path() / "run" / "log.csv");
  EXPECT_EQ(log.at("step"), (std::vector<double>{2, 4, 6, 8, 10, 12}));
  EXPECT_NEAR(log.at("epoch")[0], 1.0, 1e-12);  // five images in batches of four: two steps
  EXPECT_EQ(read_csv_log(folder_.path() / "run" / "validation.csv").at("step"), (std::vector<double>{4, 8, 12}));
  EXPECT_GT(summary.best_psnr_db, 5);
  EXPECT_EQ(summary.validation.count("ssim"), 1u);
  const runtime::LoadedModel loaded = runtime::load_weights(summary.best);
  EXPECT_EQ(loaded.model.options().lite.width, 8);
  EXPECT_NE(loaded.metadata.at(runtime::kDataKey).find("\"hash\""), std::string::npos);
  EXPECT_EQ(loaded.metadata.at(runtime::kProfileKey), "sound");
}

TEST_F(TrainingTest, Learns) {
  const TrainSummary summary =
      train(request("run", {"train.steps=150", "train.learning_rate=3e-3", "train.validate_every=0"}));
  const auto log = read_csv_log(folder_.path() / "run" / "log.csv");
  EXPECT_LT(log.at("reconstruction").back(), 0.5 * log.at("reconstruction").front());
  EXPECT_NEAR(log.at("nnz").back(), 4, 3);  // steered
  EXPECT_TRUE(std::isfinite(summary.best_psnr_db));
}

TEST_F(TrainingTest, StartsFromGivenWeights) {
  const TrainSummary first = train(request("first"));
  const std::string given = "train.initial_weights=" + first.last.string();
  train(request("second", {given, "train.steps=1", "train.learning_rate=0"}));
  const serialization::StateDict before = last("first").tensors, after = last("second").tensors;
  int64_t compared = 0;
  for (const auto& [name, tensor] : before) {
    if (name.starts_with(runtime::kTrainingPrefix)) continue;
    EXPECT_TRUE(at::allclose(tensor, after.at(name), 1e-5, 1e-6)) << name;
    ++compared;
  }
  EXPECT_GT(compared, 10);
  EXPECT_THROW(train(request("third", {"train.initial_weights=nothing"})), IoError);
  EXPECT_THROW(train(request("third", {given, "model.sparse_coder.num_atoms=8"})), FormatError);
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / "third"));
}

TEST_F(TrainingTest, RefusesAnExistingRun) {
  train(request("run"));
  EXPECT_THROW(train(request("run")), UsageError);
  TrainRequest again = request("run", {"train.steps=4"});
  again.overwrite = true;
  EXPECT_EQ(train(again).steps, 4);
  EXPECT_EQ(read_csv_log(folder_.path() / "run" / "log.csv").at("step"), (std::vector<double>{2, 4}));
}

TEST_F(TrainingTest, ErrorsComeBeforeAnythingIsWritten) {
  EXPECT_THROW(resume_request(folder_.path() / "nothing"), IoError);
  EXPECT_THROW(train(request("run", {"data.root=/no/such/folder"})), IoError);
  EXPECT_THROW(train(request("run", {"train.steps=0", "train.epochs=0"})), UsageError);
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / "run"));
  TrainRequest blocked = request("images/train/a.png/run");
  EXPECT_THROW(train(blocked), IoError);
}

TEST_F(TrainingTest, ADamagedCheckpointIsAFormatError) {
  train(request("run"));
  const auto path = RunFolder(folder_.path() / "run").last();
  std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
  EXPECT_THROW(train(resume_request(folder_.path() / "run")), FormatError);
}

TEST_F(TrainingTest, DivergenceNamesStepLossAndTensorAndKeepsTheCheckpoint) {
  TrainRequest stopped = request("run");
  stopped.keep_going = [](int64_t step) { return step < 5; };
  train(stopped);
  const auto before = last("run");
  try {
    train(resume_request(folder_.path() / "run", {"train.learning_rate=1e30", "train.gradient_clip=0"}));
    FAIL() << "expected DivergenceError";
  } catch (const DivergenceError& error) {
    const std::string line = error.what();
    EXPECT_NE(line.find("training diverged"), std::string::npos) << line;
    EXPECT_NE(line.find("step 7"), std::string::npos) << line;
    EXPECT_NE(line.find("loss"), std::string::npos) << line;
    EXPECT_NE(line.find("first bad tensor: "), std::string::npos) << line;
    EXPECT_NE(line.find("last good checkpoint: step 5"), std::string::npos) << line;
  }
  const auto after = last("run");
  for (const auto& [name, tensor] : before.tensors) EXPECT_TRUE(at::equal(tensor, after.tensors.at(name))) << name;
}

TEST_F(TrainingTest, AnExplodingLossStopsTrainingWhereWished) {
  EXPECT_THROW(train(request("run", {"train.steps=60", "train.learning_rate=3", "train.gradient_clip=0",
                                     "train.divergence_factor=1.001"})),
               DivergenceError);
}

TEST_F(TrainingTest, WithoutValidationImagesBestIsTheLast) {
  const TrainSummary summary = train(request("run", {"train.validation_images=0"}));
  EXPECT_TRUE(std::isnan(summary.best_psnr_db));
  const auto best = serialization::read_safetensors(summary.best), final = last("run");
  for (const auto& [name, tensor] : best.tensors) EXPECT_TRUE(at::equal(tensor, final.tensors.at(name))) << name;
}

TEST_F(TrainingTest, TheWholePartIsValidatedAndTheLowestLossKept) {
  const TrainSummary summary =
      train(request("run", {"train.validation_images=-1", "train.best_by=loss", "train.steps=24"}));
  const auto log = read_csv_log(folder_.path() / "run" / "validation.csv");
  const std::vector<double>& losses = log.at("loss");
  const auto lowest = std::min_element(losses.begin(), losses.end()) - losses.begin();
  EXPECT_EQ(static_cast<double>(summary.best_step), log.at("step")[static_cast<size_t>(lowest)]);
  EXPECT_DOUBLE_EQ(summary.best_psnr_db, log.at("psnr_db")[static_cast<size_t>(lowest)]);
}

TEST_F(TrainingTest, ValidationSeesThePartAsTrainingDoes) {
  const auto size = [&](const std::vector<std::string>& more) {
    const Experiment experiment = request("run", more).experiment;
    const data::SplitManifest split = data::make_manifest(experiment.options.data);
    return ValidationSet(split, "val", experiment.options.train.validation_images, experiment.options).size();
  };
  EXPECT_EQ(size({}), 2);
  EXPECT_EQ(size({"train.validation_images=1"}), 1);
  EXPECT_EQ(size({"train.validation_images=-1", "data.sampling=grid", "data.stride=16"}), 2 * 3 * 3);
  EXPECT_EQ(size({"train.validation_images=-1", "data.sampling=grid", "data.patch_size=64"}), 2) << "centres";
}

TEST_F(TrainingTest, WindowsOfValidationAreThoseOfTheGrid) {
  const Experiment experiment =
      request("run", {"data.sampling=grid", "data.stride=16", "task=denoise", "train.validation_images=-1"}).experiment;
  const data::SplitManifest split = data::make_manifest(experiment.options.data);
  const ValidationSet set(split, "val", -1, experiment.options);
  const at::Tensor whole =
      data::ImageStore(experiment.options.data.root, split.paths("val"), 1, 0, data::OnBroken::kRefuse).get(0);
  const ValidationImage window = set.get(5);  // second row, third column
  EXPECT_TRUE(at::equal(window.target, whole.narrow(1, 16, 16).narrow(2, 32, 16)));
  EXPECT_EQ(set.sides(5), (std::vector<int64_t>{16, 16}));
  const at::Tensor noise = window.input - window.target;
  EXPECT_NEAR(noise.std().item<double>() * 255, 25, 4);
  EXPECT_FALSE(at::allclose(noise, set.get(6).input - set.get(6).target)) << "each window has noise of its own";
}

TEST_F(TrainingTest, BrokenValidationImagesAreLeftOutAndAreNoReasonToStop) {
  const std::filesystem::path images = folder_.path() / "images/val";
  write_atomically(images / "f.png", read_file(images / "f.png").substr(0, 300));  // its header is whole
  write_atomically(images / "g.png", "no image");
  EXPECT_TRUE(std::isnan(train(request("run")).best_psnr_db));
  EXPECT_THROW(train(request("strict", {"data.on_broken=refuse"})), FormatError);
  image::write_image(images / "h.png", image::dead_leaves(1, 48, 48, 1));
  EXPECT_GT(train(request("one", {"train.validation_images=1"})).best_psnr_db, 0);  // of h, not of f
}

TEST_F(TrainingTest, StopsAfterItsTimeWithACheckpoint) {
  const TrainSummary summary =
      train(request("run", {"train.steps=1000000", "train.max_minutes=0.002", "train.warmup=0"}));
  EXPECT_FALSE(summary.finished);
  EXPECT_GE(summary.steps, 1);
  EXPECT_NE(last("run").metadata.at("sscvae.training").find("\"step\":" + std::to_string(summary.steps)),
            std::string::npos);
}

}  // namespace
}  // namespace sscvae::train
