#include "sscvae/data/training_batches.h"

#include <ATen/ops/equal.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <map>
#include <set>

#include "sscvae/array/elementwise.h"
#include "sscvae/core/error.h"
#include "sscvae/core/text.h"
#include "sscvae/data/test_images.h"
#include "sscvae/image/patches.h"
#include "sscvae/nn/arrays.h"
#include "support/paths.h"

namespace sscvae::data {
namespace {

using testing::TemporaryFolder;
using Names = std::vector<std::string>;

std::vector<float> values_of(const at::Tensor& tensor) {
  const at::Tensor flat = tensor.contiguous();
  return {flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel()};
}

bool same(const Batch& a, const Batch& b) {
  return at::equal(a.input, b.input) && at::equal(a.target, b.target) && a.names == b.names;
}

class TrainingBatchesTest : public ::testing::Test {
 protected:
  TrainingBatchesTest() {
    for (int i = 0; i < 5; ++i) {
      names_.push_back(format("%d.png", i));
      test::put_image(folder_ / names_.back(), 20 + i, 30 - i, 1, static_cast<uint64_t>(i));
    }
    options_.patch_size = 8;
    options_.stride = 6;
  }
  ImageStore make_store(int64_t channels = 1) const {
    return ImageStore(folder_.path(), names_, channels, 10, OnBroken::kRefuse);
  }
  TemporaryFolder folder_;
  Names names_;
  DataOptions options_;
};

TEST_F(TrainingBatchesTest, an_epoch_holds_every_image_equally_often) {
  const ImageStore store = make_store();
  options_.crops_per_image = 3;
  const TrainingBatches batches(store, options_, 4, 1, false);
  EXPECT_EQ(batches.samples_per_epoch(), 15);
  EXPECT_EQ(batches.batches_per_epoch(), 4);
  Names orders[2];
  for (int64_t step = 0; step < 8; ++step) {
    const Batch batch = batches.at(step);
    EXPECT_EQ(batch.target.sizes(), Sizes({step % 4 == 3 ? 3 : 4, 1, 8, 8}));
    EXPECT_TRUE(batch.target.is_contiguous());
    EXPECT_EQ(batch.input.bytes(), batch.target.bytes());
    orders[step / 4].insert(orders[step / 4].end(), batch.names.begin(), batch.names.end());
  }
  EXPECT_NE(orders[0], orders[1]);
  for (const Names& order : orders) {
    std::map<std::string, int> counts;
    for (const std::string& name : order) ++counts[name];
    for (const std::string& name : names_) EXPECT_EQ(counts[name], 3);
  }
}

TEST_F(TrainingBatchesTest, a_batch_depends_on_seed_and_step_alone) {
  const ImageStore store = make_store(3);
  const TrainingBatches batches(store, options_, 2, 5, true), again(store, options_, 2, 5, true),
      other(store, options_, 2, 6, true);
  const Batch late = again.at(100);
  std::vector<Batch> forward;
  for (int64_t step = 0; step < 7; ++step) forward.push_back(batches.at(step));
  for (int64_t step = 7; step-- > 0;) EXPECT_TRUE(same(again.at(step), forward[static_cast<size_t>(step)]));
  EXPECT_TRUE(same(batches.at(100), late));
  EXPECT_FALSE(same(other.at(0), forward[0]));
  EXPECT_FALSE(same(batches.at(3), forward[0]));
}

TEST_F(TrainingBatchesTest, random_crops_reach_every_position_and_symmetry) {
  test::put_image(folder_ / "small.png", 4, 4, 1, 9);
  names_ = {"small.png"};
  const ImageStore store = make_store();
  options_.patch_size = 3;
  options_.crops_per_image = 600;
  std::set<std::vector<float>> seen, expected;
  const Batch batch = TrainingBatches(store, options_, 600, 1, false).at(0);
  for (int64_t i = 0; i < 600; ++i) seen.insert(values_of(batch.target.select(0, i)));
  for (int64_t top = 0; top < 2; ++top)
    for (int64_t left = 0; left < 2; ++left)
      for (int symmetry = 0; symmetry < 8; ++symmetry) {
        std::vector<float> window(9);
        store.copy_window(0, {top, left, 3, 3, symmetry}, window.data());
        expected.insert(window);
      }
  EXPECT_EQ(expected.size(), 32U);
  EXPECT_EQ(seen, expected);
  options_.augment = false;
  seen.clear();
  const Batch plain = TrainingBatches(store, options_, 600, 1, false).at(0);
  for (int64_t i = 0; i < 600; ++i) seen.insert(values_of(plain.target.select(0, i)));
  EXPECT_EQ(seen.size(), 4U);
}

TEST_F(TrainingBatchesTest, small_images_are_continued_by_reflection) {
  const ImageStore store = make_store();
  options_.patch_size = 64;
  options_.augment = false;
  const Batch batch = TrainingBatches(store, options_, 5, 1, false).at(0);
  EXPECT_EQ(batch.target.sizes(), Sizes({5, 1, 64, 64}));
  for (int64_t i = 0; i < 5; ++i) {
    const at::Tensor image = store.get(batch.names[static_cast<size_t>(i)][0] - '0');
    const int64_t h = image.size(1), w = image.size(2);
    EXPECT_TRUE(at::equal(batch.target.select(0, i).narrow(1, 0, h).narrow(2, 0, w), image));
    EXPECT_TRUE(
        at::equal(batch.target.select(0, i).narrow(1, h, h - 1).narrow(2, 0, w), image.narrow(1, 0, h - 1).flip({1})));
  }
}

TEST_F(TrainingBatchesTest, grid_is_the_list_of_the_authors) {
  test::put_image(folder_ / "low.png", 100, 7, 1, 9);
  names_.insert(names_.begin() + 2, "low.png");
  const ImageStore store = make_store();
  options_.sampling = Sampling::kGrid;
  options_.augment = false;
  std::multiset<std::vector<float>> expected, seen;
  for (int64_t i = 0; i < store.size(); ++i)
    for (const image::PatchPosition& position : image::training_grid(store.height(i), store.width(i), 8, 6)) {
      std::vector<float> window(64);
      store.copy_window(i, {position.y, position.x, 8, 8}, window.data());
      expected.insert(window);
    }
  const TrainingBatches batches(store, options_, 16, 1, false);
  EXPECT_EQ(batches.samples_per_epoch(), static_cast<int64_t>(expected.size()));
  std::set<std::string> used;
  for (int64_t step = 0; step < batches.batches_per_epoch(); ++step) {
    const Batch batch = batches.at(step);
    for (int64_t i = 0; i < batch.target.size(0); ++i) seen.insert(values_of(batch.target.select(0, i)));
    used.insert(batch.names.begin(), batch.names.end());
  }
  EXPECT_EQ(seen, expected);
  EXPECT_FALSE(used.contains("low.png"));
  options_.patch_size = 200;
  EXPECT_THROW(TrainingBatches(store, options_, 16, 1, false), UsageError);
}

TEST_F(TrainingBatchesTest, whole_images_come_uncut) {
  const ImageStore store = make_store();
  options_.sampling = Sampling::kWholeImages;
  options_.augment = false;
  EXPECT_THROW(TrainingBatches(store, options_, 2, 1, false), UsageError);
  const TrainingBatches batches(store, options_, 1, 1, false);
  std::set<std::string> used;
  for (int64_t step = 0; step < 5; ++step) {
    const Batch batch = batches.at(step);
    EXPECT_TRUE(at::equal(batch.target.select(0, 0), store.get(batch.names[0][0] - '0')));
    used.insert(batch.names[0]);
  }
  EXPECT_EQ(used.size(), 5U);
  options_.augment = true;
  const TrainingBatches turned(store, options_, 1, 1, false);
  for (int64_t step = 0; step < 20; ++step) {
    const Batch batch = turned.at(step);
    const int64_t index = batch.names[0][0] - '0';
    EXPECT_EQ(batch.target.sizes(), Sizes({1, 1, store.height(index), store.width(index)}));
  }
}

TEST_F(TrainingBatchesTest, noise_has_the_level_asked_for) {
  const ImageStore store = make_store();
  options_.patch_size = 128;
  options_.noise.sigma_8bit = 25;
  const Batch batch = TrainingBatches(store, options_, 5, 1, true).at(0);
  const at::Tensor input = batch.input, target = batch.target, noise = (input - target) * 255;
  EXPECT_NEAR(noise.std().item<double>(), 25, 0.3);
  EXPECT_NEAR(noise.mean().item<double>(), 0, 0.3);
  EXPECT_FALSE(at::equal(noise[0], noise[1]));
  EXPECT_LT(input.min().item<double>(), 0);
  options_.noise.clip = true;
  const Batch clipped = TrainingBatches(store, options_, 5, 1, true).at(0);
  EXPECT_TRUE(at::equal(clipped.input, input.clamp(0, 1)));
  options_.noise = {0, 0, false};
  const Batch clean = TrainingBatches(store, options_, 5, 1, true).at(0);
  EXPECT_TRUE(at::equal(clean.input, clean.target));
}

TEST_F(TrainingBatchesTest, a_share_of_the_samples_is_clipped) {
  const ImageStore store = make_store();
  options_.patch_size = 64;
  options_.crops_per_image = 40;
  options_.noise = {.sigma_8bit = 25};
  const Batch whole = TrainingBatches(store, options_, 200, 1, true).at(0);
  options_.noise = {.sigma_8bit = 25, .clip = true, .clip_share = 0.25};
  const Batch batch = TrainingBatches(store, options_, 200, 1, true).at(0);
  const at::Tensor inputs = batch.input, uncut = whole.input;
  int64_t clipped = 0;
  for (int64_t i = 0; i < 200; ++i) {
    const bool cut = at::equal(inputs[i], uncut[i].clamp(0, 1));
    EXPECT_TRUE(cut || at::equal(inputs[i], uncut[i])) << i;
    clipped += cut && !at::equal(inputs[i], uncut[i]);
  }
  EXPECT_NEAR(static_cast<double>(clipped), 50, 25);
}

TEST_F(TrainingBatchesTest, blind_noise_draws_a_level_for_each_sample) {
  const ImageStore store = make_store();
  options_.patch_size = 64;
  options_.crops_per_image = 40;
  options_.noise = {5, 55, false};
  const Batch batch = TrainingBatches(store, options_, 200, 1, true).at(0);
  const at::Tensor noise = (batch.input - batch.target) * 255;
  const std::vector<float> levels = values_of(noise.flatten(1).std(1));
  double mean = 0;
  for (const float level : levels) {
    EXPECT_GT(level, 4.5);
    EXPECT_LT(level, 58);
    mean += level / 200;
  }
  EXPECT_NEAR(mean, 30, 3);
  EXPECT_LT(*std::min_element(levels.begin(), levels.end()), 10);
  EXPECT_GT(*std::max_element(levels.begin(), levels.end()), 50);
  options_.noise = {25, 10, false};
  EXPECT_THROW(TrainingBatches(store, options_, 2, 1, true), UsageError);
}

TEST_F(TrainingBatchesTest, senseless_sizes_are_refused) {
  const ImageStore store = make_store();
  EXPECT_THROW(TrainingBatches(store, options_, 0, 1, false), UsageError);
  options_.patch_size = 0;
  EXPECT_THROW(TrainingBatches(store, options_, 1, 1, false), UsageError);
}

TEST_F(TrainingBatchesTest, prefetching_changes_nothing) {
  const ImageStore store = make_store();
  const TrainingBatches batches(store, options_, 2, 3, true);
  for (const int64_t workers : {0, 1, 2, 5}) {
    Prefetcher prefetcher(batches, 4, 24, workers);
    for (int64_t step = 4; step < 24; ++step) EXPECT_TRUE(same(prefetcher.next(), batches.at(step))) << workers;
    EXPECT_THROW(prefetcher.next(), InternalError);
  }
}

TEST_F(TrainingBatchesTest, a_prefetcher_may_end_early) {
  const ImageStore store = make_store();
  const TrainingBatches batches(store, options_, 2, 3, false);
  for (int taken = 0; taken < 4; ++taken) {
    Prefetcher prefetcher(batches, 0, 1'000'000, 3);
    for (int i = 0; i < taken; ++i) EXPECT_TRUE(same(prefetcher.next(), batches.at(i)));
  }
  EXPECT_THROW(Prefetcher(batches, 7, 7, 2).next(), InternalError);
}

TEST_F(TrainingBatchesTest, errors_come_out_of_next) {
  const ImageStore store(folder_.path(), names_, 1, 0, OnBroken::kRefuse);
  const TrainingBatches batches(store, options_, 1, 3, false);
  const std::string victim = batches.at(2).names[0];
  test::put_text(folder_ / victim, "no longer an image");
  for (const int64_t workers : {0, 1, 3}) {
    Prefetcher prefetcher(batches, 0, 5, workers);
    EXPECT_NO_THROW(prefetcher.next());
    EXPECT_NO_THROW(prefetcher.next());
    EXPECT_THROW(prefetcher.next(), FormatError);
    EXPECT_NO_THROW(prefetcher.next());
  }
}

}  // namespace
}  // namespace sscvae::data
