#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "sscvae/array/array.h"
#include "sscvae/metrics/protocol.h"
#include "sscvae/runtime/inference.h"

/// A model on the windows that a protocol cuts its images into.
namespace sscvae::tasks {

/// [C,h,w] each: the image that was wished for, what the model was given, what it made of it.
struct MeasuredPart {
  Array original, input, reconstruction;
};

struct WindowsResult {
  std::vector<MeasuredPart> parts;  ///< one for a whole image and for windows that are put together
  runtime::CodeMeter code;          ///< of all windows
  double seconds = 0;               ///< of all windows
  int64_t windows = 0;              ///< that the model saw
  double pixels = 0;                ///< in all of them
};

/// Runs the model on metrics::windows_of `input`; both images [C,H,W] are cropped already. Errors: as Inference::run.
WindowsResult run_windows(runtime::Inference& inference, const metrics::Protocol& protocol, const Array& original,
                          const Array& input);

/// What is measured of a cropped image [C,H,W] that is at hand as a whole: its windows where each is an image of its
/// own, else the image.
std::vector<Array> parts_of(const metrics::Protocol& protocol, const Array& image);

/// metrics::compare_images of the parts, their mean by name.
std::map<std::string, double> compare_parts(const std::vector<Array>& originals, const std::vector<Array>& others,
                                            const metrics::Protocol& protocol, const std::vector<std::string>& names,
                                            std::vector<std::string>* notes);

/// The protocol of that name with the stride of its windows: as given, or (0) that of the dataset's published test.
/// Errors: UsageError for an unknown name, a stride that leaves gaps, or one that the protocol has no use for.
metrics::Protocol protocol_with_stride(const std::string& name, int64_t stride, const std::string& dataset);

}  // namespace sscvae::tasks
