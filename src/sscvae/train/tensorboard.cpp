#include "sscvae/train/tensorboard.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "sscvae/core/atomic_file.h"
#include "sscvae/core/error.h"
#include "sscvae/core/numbers.h"
#include "sscvae/core/text.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/train/tensorboard_format.h"

namespace sscvae::train {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kPrefix = "events.out.tfevents.";
constexpr size_t kLargestPending = 64 << 10;

double wall_time() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string host_name() {
  char name[256] = {};
  if (::gethostname(name, sizeof name - 1) != 0 || name[0] == '\0') return "localhost";
  std::string text = name;
  std::replace(text.begin(), text.end(), '/', '-');
  return text;
}

/// Now in whole seconds, or one more than the latest event file in the folder has in its name.
long long next_seconds(const fs::path& folder) {
  long long seconds = static_cast<long long>(wall_time());
  std::error_code error;
  for (const fs::directory_entry& file : fs::directory_iterator(folder, error)) {
    const std::string name = file.path().filename().string();
    if (name.compare(0, kPrefix.size(), kPrefix) != 0) continue;
    const long long taken =
        parse_whole(name.substr(kPrefix.size(), name.find('.', kPrefix.size()) - kPrefix.size())).value_or(0);
    if (taken < 9'999'999'999) seconds = std::max(seconds, taken + 1);
  }
  if (error) throw IoError("cannot read '" + folder.string() + "': " + error.message());
  return seconds;
}

}  // namespace

TensorBoardWriter::TensorBoardWriter(const fs::path& folder, std::optional<int64_t> purge_step) {
  create_folder(folder);
  // Another process may take the same name between the look and the opening: then the next second is tried.
  for (long long seconds = next_seconds(folder); descriptor_ < 0; ++seconds) {
    path_ = folder / (std::string(kPrefix) + format("%010lld.", seconds) + host_name());
    descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666);
    if (descriptor_ < 0 && errno != EEXIST)
      throw IoError("cannot write '" + path_.string() + "': " + std::strerror(errno));
  }
  try {
    append(tensorboard_format::file_version_event(wall_time()));
    // TensorBoard takes the first START as the beginning and drops events at the second one only: all files have one.
    append(tensorboard_format::session_start_event(wall_time(), purge_step.value_or(0)));
    flush();
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
}

TensorBoardWriter::~TensorBoardWriter() {
  try {
    flush();
  } catch (const Error&) {
  }
  ::close(descriptor_);
}

void TensorBoardWriter::scalar(std::string_view tag, int64_t step, double value) {
  append(tensorboard_format::scalar_event(wall_time(), step, tag, static_cast<float>(value)));
}

void TensorBoardWriter::image(std::string_view tag, int64_t step, std::string_view png, int64_t width, int64_t height,
                              int64_t channels) {
  append(tensorboard_format::image_event(wall_time(), step, tag, png, width, height, channels));
}

void TensorBoardWriter::append(std::string_view event) {
  pending_ += tensorboard_format::frame(event);
  if (pending_.size() >= kLargestPending) flush();
}

void TensorBoardWriter::flush() {
  std::string_view rest = pending_;
  int reason = 0;
  while (!rest.empty() && reason == 0) {
    const ssize_t written = ::write(descriptor_, rest.data(), rest.size());
    if (written > 0) rest.remove_prefix(static_cast<size_t>(written));
    else if (written == 0 || errno != EINTR) reason = written == 0 ? ENOSPC : errno;
  }
  pending_.erase(0, pending_.size() - rest.size());
  if (reason != 0) throw IoError("cannot write '" + path_.string() + "': " + std::strerror(reason));
}

}  // namespace sscvae::train
