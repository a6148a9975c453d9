#include "sscvae/train/device_batches.h"
#include "sscvae/core/error.h"
#include "sscvae/core/text.h"
#include "sscvae/data/test_images.h"
#include "sscvae/nn/arrays.h"

#include <ATen/ops/equal.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include "support/paths.h"

// Compares DeviceBatches, with the CPU as its device, with TrainingBatches.
namespace sscvae::train {
namespace {

using data::DataOptions;
using data::NoiseKind;
using data::OnBroken;
using data::Sampling;
using testing::TemporaryFolder;
namespace test = data::test;

class DeviceBatchesTest : public ::testing::Test {
 protected:
  DeviceBatchesTest() {
    options_.patch_size = 8;
    options_.stride = 6;
  }

  /// Images of different sizes; every third one has `depths`' second entry of bits.
  ImageStore make_store(int64_t channels, const std::vector<int>& depths = {8}, int64_t cache_mb = 10,
                        const std::string& part = "in") const {
    std::vector<std::string> names;
    for (int i = 0; i < 6; ++i) {
      names.push_back(part + format("/%d.png", i));
      create_folder((folder_ / names.back()).parent_path());
      image::write_image(folder_ / names.back(),
                         test::random_image(20 + i, 30 - i, channels, static_cast<uint64_t>(i) + part.size(),
                                            depths[i % 3 == 2 ? depths.size() - 1 : 0]));
    }
    return ImageStore(folder_.path(), names, channels, cache_mb, OnBroken::kRefuse);
  }

  static void expect_same(const TrainingBatches& batches, int64_t steps) {
    ASSERT_EQ(DeviceBatches::obstacle(batches, c10::kCPU, 10), "");
    const DeviceBatches on_device(batches, c10::kCPU);
    for (int64_t step = 0; step < steps; ++step) {
      SCOPED_TRACE(step);
      const Batch expected = tensors_of(batches.at(step)), actual = on_device.at(step);
      EXPECT_TRUE(at::equal(actual.target, expected.target));
      EXPECT_EQ(actual.names, expected.names);
      EXPECT_EQ(actual.sigma_8bit, expected.sigma_8bit);
      EXPECT_EQ(actual.input.is_same(actual.target), expected.input.is_same(expected.target));
      ASSERT_EQ(actual.input.sizes(), expected.input.sizes());
      if (batches.denoises()) {
        EXPECT_LE((actual.input - expected.input).abs().max().item<double>(), 1e-6);
        EXPECT_GT((actual.input - actual.target).abs().max().item<double>(), 1e-3);
      } else {
        EXPECT_TRUE(at::equal(actual.input, expected.input));
      }
    }
  }

  TemporaryFolder folder_;
  DataOptions options_;
};

TEST_F(DeviceBatchesTest, PixelsAreExactlyThoseOfTheCpu) {
  for (const int64_t channels : {1, 3})
    for (const std::vector<int>& depths : {std::vector<int>{8}, {16}, {8, 16}})
      for (const bool augment : {false, true})
        for (const int64_t patch : {8, 24, 64}) {  // within all images, within some, and reflected twice
          SCOPED_TRACE(::testing::Message() << channels << " channels, " << depths.back() << " bits, patch " << patch);
          const ImageStore store = make_store(channels, depths);
          options_.patch_size = patch;
          options_.augment = augment;
          options_.crops_per_image = 5;
          expect_same(TrainingBatches(store, options_, 16, 3, false), 3);
        }
}

TEST_F(DeviceBatchesTest, OfEverySampling) {
  const ImageStore store = make_store(3);
  options_.sampling = Sampling::kGrid;
  expect_same(TrainingBatches(store, options_, 7, 1, false), 12);
  options_.sampling = Sampling::kWholeImages;
  expect_same(TrainingBatches(store, options_, 1, 1, false), 12);
}

TEST_F(DeviceBatchesTest, OfPairs) {
  const ImageStore inputs = make_store(1, {8}, 10, "low"), targets = make_store(1, {16}, 10, "high_");
  const TrainingBatches batches(inputs, targets, options_, 4, 2);
  expect_same(batches, 4);
  EXPECT_FALSE(at::equal(batches.at(0).input, batches.at(0).target));
}

TEST_F(DeviceBatchesTest, NoiseOfEveryKind) {
  const ImageStore store = make_store(3, {8, 16});
  options_.patch_size = 40;  // 4,800 values, several tiles of the kernel
  for (const NoiseKind kind : {NoiseKind::kGaussian, NoiseKind::kSpeckle, NoiseKind::kMixed})
    for (const double share : {0.0, 0.5, 1.0}) {
      SCOPED_TRACE(::testing::Message() << "kind " << static_cast<int>(kind) << ", clipped " << share);
      options_.noise = {.sigma_8bit = 5, .sigma_8bit_max = 55, .clip = share > 0, .clip_share = share, .kind = kind};
      expect_same(TrainingBatches(store, options_, 6, 4, true), 4);
    }
  options_.noise = {.sigma_8bit = 25};
  expect_same(TrainingBatches(store, options_, 6, 4, true), 2);
}

TEST_F(DeviceBatchesTest, WithoutNoiseInputsAreClean) {
  const ImageStore store = make_store(1);
  for (const NoiseKind kind : {NoiseKind::kGaussian, NoiseKind::kSpeckle}) {
    options_.noise = {.sigma_8bit = 0, .clip = true, .kind = kind};
    const Batch batch = DeviceBatches(TrainingBatches(store, options_, 6, 4, true), c10::kCPU).at(0);
    EXPECT_TRUE(at::equal(batch.input, batch.target));
  }
}

TEST_F(DeviceBatchesTest, ImagesBeyondTheHostsCacheAreDecodedOnce) {
  const ImageStore store = make_store(3, {8}, 0);
  EXPECT_EQ(store.cached_images(), 0);
  const TrainingBatches batches(store, options_, 4, 3, false);
  expect_same(batches, 3);
  const DeviceBatches on_device(batches, c10::kCPU);
  const Batch before = on_device.at(1);
  for (int64_t i = 0; i < store.size(); ++i) test::put_text(folder_ / store.name(i), "no longer an image");
  EXPECT_TRUE(at::equal(on_device.at(1).target, before.target));
}

TEST_F(DeviceBatchesTest, AnotherImageStandsInForADamagedOne) {
  const ImageStore healthy = make_store(1);
  std::vector<std::string> names;
  for (int64_t i = 0; i < healthy.size(); ++i) names.push_back(healthy.name(i));
  ImageStore store(folder_.path(), names, 1, 0, OnBroken::kSkip);
  const std::string whole = read_file(folder_ / names[0]);
  write_atomically(folder_ / names[0], whole.substr(0, whole.size() / 2));
  expect_same(TrainingBatches(store, options_, 6, 3, false), 3);
}

TEST_F(DeviceBatchesTest, SaysWhyItCannotBe) {
  const ImageStore store = make_store(1);
  const TrainingBatches clean(store, options_, 4, 3, false);
  EXPECT_EQ(DeviceBatches::bytes_of(clean), DeviceImages::bytes_of(store));
  EXPECT_NE(DeviceBatches::obstacle(clean, c10::kCPU, 0).find("data.device_cache_mb"), std::string::npos);
  EXPECT_EQ(DeviceBatches::obstacle(clean, c10::kCPU, 1), "");
  EXPECT_NE(DeviceBatches::obstacle(TrainingBatches(store, options_, 4, 3, true), c10::kXPU, 1).find("noise"),
            std::string::npos);
}

}  // namespace
}  // namespace sscvae::train
