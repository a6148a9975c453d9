#include "sscvae/train/tensorboard.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "sscvae/core/atomic_file.h"
#include "sscvae/core/error.h"
#include "sscvae/core/text.h"
#include "sscvae/train/tensorboard_format.h"

namespace sscvae::train {

namespace fs = std::filesystem;
namespace wire = tensorboard_format;

namespace {

constexpr size_t kBufferBytes = 64 * 1024;
constexpr char kPrefix[] = "events.out.tfevents.";

double now() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

std::string host_name() {
  char name[256] = "";
  if (::gethostname(name, sizeof name - 1) != 0 || !*name) return "localhost";
  return name;
}

/// Seconds that sort after every event file of the folder.
int64_t next_stamp(const fs::path& folder) {
  auto stamp = static_cast<int64_t>(now());
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(kPrefix)) stamp = std::max<int64_t>(stamp, std::atoll(name.c_str() + sizeof kPrefix - 1) + 1);
  }
  return stamp;
}

}  // namespace

TensorBoardWriter::TensorBoardWriter(const fs::path& folder, std::optional<int64_t> purge_step) {
  create_folder(folder);
  path_ = folder / format("%s%010lld.%s", kPrefix, static_cast<long long>(next_stamp(folder)), host_name().c_str());
  descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor_ < 0) throw IoError("cannot write '" + path_.string() + "': " + std::strerror(errno));
  append(wire::file_version_event(now()));
  if (purge_step) append(wire::session_start_event(now(), *purge_step));
}

TensorBoardWriter::~TensorBoardWriter() {
  try {
    flush();
  } catch (const Error&) {
  }
  ::close(descriptor_);
}

void TensorBoardWriter::scalar(std::string_view tag, int64_t step, double value) {
  append(wire::scalar_event(now(), step, tag, static_cast<float>(value)));
}

void TensorBoardWriter::image(std::string_view tag, int64_t step, std::string_view png, int64_t width, int64_t height,
                              int64_t channels) {
  append(wire::image_event(now(), step, tag, png, width, height, channels));
}

void TensorBoardWriter::append(std::string_view event) {
  pending_ += wire::frame(event);
  if (pending_.size() >= kBufferBytes) flush();
}

void TensorBoardWriter::flush() {
  const std::string bytes = std::exchange(pending_, {});
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t written = ::write(descriptor_, bytes.data() + done, bytes.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) throw IoError("cannot write '" + path_.string() + "': " + std::strerror(written == 0 ? ENOSPC : errno));
    done += static_cast<size_t>(written);
  }
}

}  // namespace sscvae::train
