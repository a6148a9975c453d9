#include "sscvae/tasks/novelty_check.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "sscvae/core/atomic_file.h"
#include "sscvae/core/error.h"
#include "sscvae/core/log.h"
#include "sscvae/core/text.h"
#include "sscvae/core/wording.h"
#include "sscvae/image/image.h"
#include "sscvae/report/colormap.h"
#include "sscvae/runtime/novelty.h"

namespace sscvae::tasks {

NoveltyCheck::NoveltyCheck(const std::string& maps, double threshold_scale, runtime::Inference& inference) {
  const bool scaled = threshold_scale != 1;
  if (!scaled) model_ = runtime::code_model_of(inference.opened());
  if (model_) inference.set_code_model(*model_);
  const std::string reason = scaled ? "usual codes were learned with --strength 1, another one has no map"
                                    : "the weights do not say what usual images look like ('sscvae calibrate')";
  if (!model_ && !maps.empty()) throw UsageError("--novelty-maps: " + reason);
  if (!model_ && inference.model().code_kind() == runtime::CodeKind::kSparse)
    note("no check whether an image is unlike the training images: " + reason);
}

void NoveltyCheck::add(const std::filesystem::path& map, const runtime::InferenceResult& result, Json& json) const {
  if (!model_) return;
  const double share = runtime::unusual_share(*model_, result.surprise);
  json["unusual_share"] = share;
  json["unusual_limit"] = model_->image_limit;
  json["unusual"] = share > model_->image_limit;
  if (map.empty()) return;
  create_folder(map.parent_path());
  image::write_image(map, report::apply_colormap(result.surprise, 0, std::max(1.0, 2 * model_->position_limit)));
}

void NoveltyCheck::count(const Json& json) {
  if (json.value("unusual", false))
    unusual_.emplace_back(json["name"].get<std::string>(), json["unusual_share"].get<double>());
}

void NoveltyCheck::warn_of_unusual(size_t total) const {
  if (unusual_.empty()) return;
  warn(share_text(unusual_.size(), total, "image") + agreeing(unusual_.size(), " looks", " look") +
       " unlike those that the weights know, which may give worse results; the first: " + unusual_[0].first +
       format(" (%.0f %% of its code is unusual, up to %.0f %% is common)", 100 * unusual_[0].second,
              100 * model_->image_limit));
}

}  // namespace sscvae::tasks
