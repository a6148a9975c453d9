#pragma once

#include <optional>
#include <string>

#include "sscvae/metrics/code_model.h"
#include "sscvae/tasks/model_source.h"

/// Does an image look like those that a model knows? What `calibrate` stored with the weights, read again.
namespace sscvae::tasks {

std::string text_of(const metrics::CodeModel& model);
/// Nothing where the weights were never calibrated. Errors: FormatError for damaged metadata.
std::optional<metrics::CodeModel> code_model_of(const OpenedModel& opened);

/// Codes are looked at about every 8 pixels: the code [N,K,h,w] of images of `height` pixels, thinned out.
at::Tensor thinned(const at::Tensor& code, int64_t height);
/// The surprise of the code of images of height x width pixels (after padding), repeated for each pixel [N,1,H,W].
at::Tensor surprise_map(const metrics::CodeModel& model, const at::Tensor& code, int64_t height, int64_t width);
/// The share of a map [...] above the limit of usual positions.
double unusual_share(const metrics::CodeModel& model, const at::Tensor& surprise);

}  // namespace sscvae::tasks
