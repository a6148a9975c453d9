#pragma once

#include <chrono>
#include <cstdint>
#include <string>

/// A bar with rate and time left on a terminal; elsewhere a plain line now and then; nothing under --quiet.
namespace sscvae {

class Progress {
 public:
  /// `total` units of work, for example "training", 1500, "step". `start` units were done by an earlier run.
  Progress(std::string title, int64_t total, std::string unit, int64_t start = 0);
  ~Progress();  ///< ends the line
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// `done` units are finished; `status` is shown behind the bar ("loss 0.0021 nnz 16.9").
  void update(int64_t done, const std::string& status = "");
  /// Draws the final state and ends the line. Called by the destructor.
  void finish();
  double units_per_second() const;
  double seconds_left() const;

 private:
  void draw(bool final);
  std::string title_, unit_, status_;
  int64_t total_, start_, done_;
  std::chrono::steady_clock::time_point begin_, drawn_;
  bool finished_ = false;
};

/// "1h05m", "3m20s", "4.2s".
std::string duration_text(double seconds);

}  // namespace sscvae
