#include "sscvae/core/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "sscvae/core/log_state.h"
#include "sscvae/core/printable.h"
#include "sscvae/core/text.h"

namespace sscvae {

namespace {

constexpr int kBarWidth = 24;
constexpr double kTerminalInterval = 0.2, kPlainInterval = 10.0;  // seconds

double seconds_between(std::chrono::steady_clock::time_point a, std::chrono::steady_clock::time_point b) {
  return std::chrono::duration<double>(b - a).count();
}

bool on_terminal() { return ::isatty(STDERR_FILENO) == 1; }

}  // namespace

std::string duration_text(double seconds) {
  if (!(seconds >= 0) || seconds > 1e8) return "?";
  if (seconds < 59.95) return format("%.1fs", seconds);
  const auto whole = static_cast<int64_t>(seconds + 0.5);
  if (whole < 3600) return format("%dm%02ds", static_cast<int>(whole / 60), static_cast<int>(whole % 60));
  return format("%dh%02dm", static_cast<int>(whole / 3600), static_cast<int>(whole / 60 % 60));
}

Progress::Progress(std::string title, int64_t total, std::string unit, int64_t start)
    : title_(std::move(title)),
      unit_(std::move(unit)),
      total_(total),
      start_(start),
      done_(start),
      begin_(std::chrono::steady_clock::now()),
      drawn_(begin_ - std::chrono::hours(1)) {}

Progress::~Progress() { finish(); }

double Progress::units_per_second() const {
  const double elapsed = seconds_between(begin_, std::chrono::steady_clock::now());
  return elapsed > 0 ? static_cast<double>(done_ - start_) / elapsed : 0;
}

double Progress::seconds_left() const {
  const double rate = units_per_second();
  return rate > 0 ? static_cast<double>(total_ - done_) / rate : -1;
}

void Progress::update(int64_t done, const std::string& status) {
  done_ = done;
  status_ = status;
  const auto now = std::chrono::steady_clock::now();
  if (seconds_between(drawn_, now) < (on_terminal() ? kTerminalInterval : kPlainInterval)) return;
  drawn_ = now;
  draw(false);
}

void Progress::draw(bool final) {
  LogState& state = log_state();
  if (state.verbosity == Verbosity::kQuiet) return;
  const double fraction =
      total_ > 0 ? std::clamp(static_cast<double>(done_) / static_cast<double>(total_), 0.0, 1.0) : 1.0;
  const std::string counts =
      format("%lld/%lld %s, %.3g/s, %s", static_cast<long long>(done_), static_cast<long long>(total_), unit_.c_str(),
             units_per_second(),
             final ? ("took " + duration_text(seconds_between(begin_, std::chrono::steady_clock::now()))).c_str()
                   : (duration_text(seconds_left()) + " left").c_str());
  const std::string tail = status_.empty() ? "" : "  " + printable(status_);
  const std::lock_guard lock(state.mutex);
  if (on_terminal()) {
    const int filled = static_cast<int>(fraction * kBarWidth);
    std::fprintf(stderr, "\r\033[K%s [%s%s] %s%s", title_.c_str(),
                 std::string(static_cast<size_t>(filled), '=').c_str(),
                 std::string(static_cast<size_t>(kBarWidth - filled), ' ').c_str(), counts.c_str(), tail.c_str());
    if (final) std::fputc('\n', stderr);
    state.bar_visible = !final;
  } else {
    const std::string line = title_ + format(": %3.0f%% ", 100 * fraction) + counts + tail;
    std::fprintf(stderr, "%s\n", line.c_str());
  }
  std::fflush(stderr);
}

void Progress::finish() {
  if (finished_) return;
  finished_ = true;
  draw(true);
}

}  // namespace sscvae
