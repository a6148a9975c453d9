#pragma once

#include <optional>
#include <string>

#include "sscvae/array/array.h"
#include "sscvae/metrics/code_model.h"
#include "sscvae/runtime/model_source.h"

/// Does an image look like those that a model knows? What `calibrate` stored with the weights, read again.
namespace sscvae::runtime {

std::string text_of(const metrics::CodeModel& model);
/// Nothing where the weights were never calibrated. Errors: FormatError for damaged metadata.
std::optional<metrics::CodeModel> code_model_of(const OpenedModel& opened);

/// Codes are looked at about every 8 pixels: the code [N,K,h,w] of images of `height` pixels, thinned out.
Array thinned(const Array& code, int64_t height);
/// The surprise of the code of images of height x width pixels (after padding), repeated for each pixel [N,1,H,W].
Array surprise_map(const metrics::CodeModel& model, const Array& code, int64_t height, int64_t width);
/// The share of a map [...] above the limit of usual positions.
double unusual_share(const metrics::CodeModel& model, const Array& surprise);

}  // namespace sscvae::runtime
