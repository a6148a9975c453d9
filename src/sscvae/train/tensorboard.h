#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

/// Event files that TensorBoard reads (Scalars, Images and Time Series pages).
namespace sscvae::train {

/// Writes one file events.out.tfevents.<seconds>.<host> into a folder. The number of seconds is raised where needed, so
/// that the file sorts after all event files already there: TensorBoard reads the files of a folder in that order.
///
/// Resuming: with a `purge_step`, TensorBoard drops what earlier files say about that step and later ones, which the
/// resumed run is about to write again. Without one it drops all that earlier files in the folder say: a new run.
///
/// Events wait in memory until there are 64 KiB of them, flush(), or the end of the object. A run that is killed loses
/// those, and a half-written last event is skipped by TensorBoard; call flush() whenever a checkpoint is written.
/// Errors: IoError naming the file and the system's reason, from every function.
class TensorBoardWriter {
 public:
  explicit TensorBoardWriter(const std::filesystem::path& folder, std::optional<int64_t> purge_step = std::nullopt);
  ~TensorBoardWriter();  ///< flushes; errors are lost here, so call flush() first where they matter
  TensorBoardWriter(const TensorBoardWriter&) = delete;
  TensorBoardWriter& operator=(const TensorBoardWriter&) = delete;

  /// One point of a curve, stored in single precision; NaN and infinities are allowed. Tags with a common prefix before
  /// "/" form a group: "loss/total".
  void scalar(std::string_view tag, int64_t step, double value);

  /// A PNG file of width x height pixels and 1 (grey), 3 (RGB) or 4 (RGBA) channels.
  void image(std::string_view tag, int64_t step, std::string_view png, int64_t width, int64_t height, int64_t channels);

  void flush();
  const std::filesystem::path& path() const { return path_; }

 private:
  void append(std::string_view event);

  std::filesystem::path path_;
  int descriptor_ = -1;
  std::string pending_;
};

}  // namespace sscvae::train
