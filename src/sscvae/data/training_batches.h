#pragma once

#include <array>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "sscvae/array/array.h"
#include "sscvae/data/data_options.h"
#include "sscvae/data/image_store.h"
#include "sscvae/image/patches.h"

/// What a training step sees. Every batch is a function of the seed and the number of the step alone, so that
/// interrupted runs go on exactly, and threads change nothing.
namespace sscvae::data {

/// float32 [N,C,H,W], contiguous. `input` is `target` itself, or target + noise, or the target's partner in a pair.
struct Batch {
  Array input, target;
  std::vector<std::string> names;       ///< of the images, for messages
  std::vector<double> sigma_8bit = {};  ///< of the noise in each sample of a denoising batch, else empty
};

/// How the noise of a sample is made; see TrainingBatches.
struct NoisePlan {
  double sigma_8bit = 0;
  uint64_t seed = 0;  ///< of add_normal or image::add_speckle
  bool speckle = false, clip = false;
};

/// All that chance decides about a sample, before any pixel is touched.
struct SamplePlan {
  int64_t image = 0;
  Window window;
  NoisePlan noise;  ///< of denoising batches
};

/// Cuts batches from images:
///   random-crops   an epoch is all images x crops_per_image, shuffled; each crop lies anywhere in its image; images
///                  smaller than patch_size are continued by reflection at the bottom and right;
///   grid           an epoch is the authors' list of patches (image::training_grid of each image), shuffled; images
///                  smaller than a patch give none (the number is noted);
///   whole-images   an epoch is all images, shuffled; they must have one size unless batch_size is 1.
///
/// `augment` applies one of the 8 symmetries of the square to each sample (to whole oblong images one of the 4 that
/// keep the shape). The last batch of an epoch may be smaller.
///
/// Sample s, counted from the first step on, draws from derive_seed(seed, "crop", s) and derive_seed(seed, "noise", s);
/// the order of epoch e from derive_seed(seed, "order", e).
///
/// Noise: sigma_8bit / 255 times standard normal values, or speckle (image/noise.h); with sigma_8bit_max > sigma_8bit
/// the level is uniform in between for each sample; clipped to [0,1] with `clip`, or only
/// a share of the samples (clip_share).
class TrainingBatches {
 public:
  /// Keeps a reference to `store`. Errors: UsageError for options that fit neither the images nor each other.
  TrainingBatches(const ImageStore& store, const DataOptions& options, int64_t batch_size, uint64_t seed, bool denoise);
  /// Pairs: the same window of `inputs` and `targets` (data/pairs.h), without noise.
  TrainingBatches(const ImageStore& inputs, const ImageStore& targets, const DataOptions& options, int64_t batch_size,
                  uint64_t seed);

  int64_t samples_per_epoch() const { return samples_; }
  int64_t batches_per_epoch() const { return (samples_ + batch_size_ - 1) / batch_size_; }
  /// The batch of that step, counted from 0. Thread-safe.
  Batch at(int64_t step) const;
  /// What it consists of. Thread-safe.
  std::vector<SamplePlan> plan(int64_t step) const;

  const ImageStore& targets() const { return store_; }
  const ImageStore* inputs() const { return inputs_; }  ///< null but for pairs
  bool denoises() const { return denoise_; }

 private:
  using Order = std::shared_ptr<const std::vector<uint32_t>>;
  struct Epoch {
    int64_t number = -1;
    Order order;
  };
  void plan_grid();
  std::vector<image::PatchPosition> grid_of(int64_t image) const;
  void check_whole_images() const;
  Order order_of(int64_t epoch) const;
  SamplePlan sample(int64_t item, uint64_t number) const;
  NoisePlan noise_of(uint64_t number) const;

  const ImageStore& store_;
  const ImageStore* inputs_ = nullptr;  ///< of pairs
  DataOptions options_;
  int64_t batch_size_;
  uint64_t seed_;
  bool denoise_;
  int64_t samples_ = 0;
  std::vector<int64_t> first_patch_;  ///< grid: number of patches before each image, and in all
  mutable std::mutex mutex_;          ///< guards the memo below; at() stays a pure function
  mutable std::array<Epoch, 2> memo_;
};

/// Batches of the steps first_step ... last_step - 1 in order, made ahead by threads, at most `workers` + 2 of them
/// waiting. workers = 0: made in next(). The results are the same for any number of workers.
class Prefetcher {
 public:
  /// Keeps a reference to `batches`.
  Prefetcher(const TrainingBatches& batches, int64_t first_step, int64_t last_step, int64_t workers);
  ~Prefetcher();  ///< waits for batches under way and drops them
  Prefetcher(const Prefetcher&) = delete;
  Prefetcher& operator=(const Prefetcher&) = delete;

  /// The next batch; throws here what making it threw. At most last_step - first_step times.
  Batch next();

 private:
  struct Slot {
    std::optional<Batch> batch;
    std::exception_ptr error;
  };
  void work();

  const TrainingBatches& batches_;
  int64_t last_step_;
  int64_t claimed_;  ///< the step that the next free worker makes
  int64_t taken_;    ///< the step that next() hands out
  bool stopping_ = false;
  std::mutex mutex_;
  std::condition_variable slot_free_, slot_filled_;
  std::vector<Slot> slots_;  ///< step s lies in slot s modulo their number
  std::vector<std::thread> workers_;
};

}  // namespace sscvae::data
