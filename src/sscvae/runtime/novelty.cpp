#include "sscvae/runtime/novelty.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "sscvae/array/array.h"
#include "sscvae/array/elementwise.h"
#include "sscvae/array/reductions.h"
#include "sscvae/array/selection.h"
#include "sscvae/core/error.h"
#include "sscvae/runtime/weights_file.h"

namespace sscvae::runtime {

namespace {

constexpr int64_t kSpacing = 8;  // pixels

int64_t step_of(const Array& code, int64_t height) {
  return std::max<int64_t>(1, kSpacing * code.size(2) / std::max<int64_t>(1, height));
}

}  // namespace

std::string text_of(const metrics::CodeModel& model) {
  return nlohmann::json{{"shares", model.shares},
                        {"magnitudes", model.magnitudes},
                        {"position_limit", model.position_limit},
                        {"image_limit", model.image_limit}}
      .dump();
}

std::optional<metrics::CodeModel> code_model_of(const OpenedModel& opened) {
  const auto found = opened.metadata.find(kNoveltyKey);
  if (found == opened.metadata.end()) return std::nullopt;
  try {
    const nlohmann::json json = nlohmann::json::parse(found->second);
    metrics::CodeModel model{json.at("shares"), json.at("magnitudes"), json.at("position_limit"),
                             json.at("image_limit")};
    if (model.shares.size() == model.magnitudes.size()) return model;
  } catch (const nlohmann::json::exception&) {
  }
  throw FormatError(std::string("weights with damaged metadata ") + kNoveltyKey);
}

Array thinned(const Array& code, int64_t height) {
  const int64_t step = step_of(code, height);
  return code.slice(2, 0, code.size(2), step).slice(3, 0, code.size(3), step);
}

Array surprise_map(const metrics::CodeModel& model, const Array& code, int64_t height, int64_t width) {
  const int64_t pixels = height / code.size(2) * step_of(code, height);
  const Array surprise = model.surprise(thinned(code, height)).unsqueeze(1);
  return repeat_interleave(repeat_interleave(surprise, pixels, 2), pixels, 3).slice(2, 0, height).slice(3, 0, width);
}

double unusual_share(const metrics::CodeModel& model, const Array& surprise) {
  return mean(gt(surprise, model.position_limit));
}

}  // namespace sscvae::runtime
