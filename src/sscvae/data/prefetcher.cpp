#include <algorithm>
#include <system_error>
#include <utility>

#include "sscvae/core/error.h"
#include "sscvae/data/training_batches.h"

namespace sscvae::data {

Prefetcher::Prefetcher(const TrainingBatches& batches, int64_t first_step, int64_t last_step, int64_t workers)
    : batches_(batches), last_step_(last_step), claimed_(first_step), taken_(first_step) {
  const int64_t threads = std::min(workers, std::max<int64_t>(0, last_step - first_step));
  slots_.resize(static_cast<size_t>(threads + 2));
  try {
    for (int64_t i = 0; i < threads; ++i) workers_.emplace_back([this] { work(); });
  } catch (const std::system_error&) {
    if (workers_.empty()) return;  // no thread to be had: next() does the work itself
  }
}

Prefetcher::~Prefetcher() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  slot_free_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void Prefetcher::work() {
  const auto ahead = static_cast<int64_t>(slots_.size());
  for (;;) {
    std::unique_lock lock(mutex_);
    slot_free_.wait(lock, [&] { return stopping_ || claimed_ >= last_step_ || claimed_ < taken_ + ahead; });
    if (stopping_ || claimed_ >= last_step_) return;
    const int64_t step = claimed_++;
    lock.unlock();
    Slot made;
    try {
      made.batch = batches_.at(step);
    } catch (...) {
      made.error = std::current_exception();
    }
    lock.lock();
    slots_[static_cast<size_t>(step % ahead)] = std::move(made);
    slot_filled_.notify_all();
  }
}

Batch Prefetcher::next() {
  SSCVAE_ASSERT(taken_ < last_step_);
  if (workers_.empty()) return batches_.at(taken_++);
  Slot slot;
  {
    std::unique_lock lock(mutex_);
    Slot& waiting = slots_[static_cast<size_t>(taken_ % static_cast<int64_t>(slots_.size()))];
    slot_filled_.wait(lock, [&] { return waiting.batch || waiting.error; });
    slot = std::exchange(waiting, {});
    ++taken_;
  }
  slot_free_.notify_all();
  if (slot.error) std::rethrow_exception(slot.error);
  return std::move(*slot.batch);
}

}  // namespace sscvae::data
