#include "sscvae/networks/options_read.h"

#include <algorithm>

#include "sscvae/networks/table.h"

namespace sscvae::networks {

namespace {

/// Options that have an effect only under a condition.
struct Condition {
  std::string_view begins;  ///< prefix of their keys
  bool (*holds)(const ModelOptions& options);
};

bool has_attention(const ModelOptions& o) {
  const ThresholdRefinement refinement =
      o.name == "csc" ? o.csc.threshold_refinement : o.sparse_coder.threshold_refinement;
  return refinement == ThresholdRefinement::kCbam;
}
bool is_lite(const ModelOptions& o) { return o.backbone == Backbone::kLite; }
bool is_reference(const ModelOptions& o) { return o.backbone == Backbone::kReference; }
bool attends(const ModelOptions& o) { return is_reference(o) && o.reference.attention != Attention::kNone; }
bool has_map_of_thresholds(const ModelOptions& o) { return o.sparse_coder.threshold == ThresholdKind::kPerPosition; }
bool starts_from_data(const ModelOptions& o) {
  return o.sparse_coder.threshold_activation != ThresholdActivation::kSigned;
}
bool is_spectral(const ModelOptions& o) { return o.sparse_coder.lipschitz == Lipschitz::kSpectral; }
bool counts_usage(const ModelOptions& o) {
  return o.quantizer.update == CodebookUpdate::kEma || o.quantizer.revival > 0;
}
bool infers(const ModelOptions& o) { return o.csc.threshold == ThresholdKind::kInferred; }
bool is_grouped(const ModelOptions& o) { return o.csc.shrinkage == Shrinkage::kGrouped; }

constexpr Condition kConditions[] = {
    {"model.lite.", is_lite},
    {"model.reference.", is_reference},
    {"model.reference.scale_attention", attends},
    {"model.sparse_coder.threshold_gain", has_attention},
    {"model.sparse_coder.cbam_", has_attention},
    {"model.sparse_coder.grid_", has_map_of_thresholds},
    {"model.sparse_coder.initial_survivors", starts_from_data},
    {"model.sparse_coder.lipschitz_margin", is_spectral},
    {"model.quantizer.decay", counts_usage},
    {"model.csc.attention_", infers},
    {"model.csc.group_", is_grouped},
};

}  // namespace

bool reads_option(const ModelOptions& options, std::string_view key) {
  if (!key.starts_with("model.") || key == "model.name" || key == "model.in_channels") return true;
  const std::vector<std::string>& reads = find_model(options.name).reads;
  return std::any_of(reads.begin(), reads.end(), [&](const std::string& begins) { return key.starts_with(begins); }) &&
         std::all_of(std::begin(kConditions), std::end(kConditions), [&](const Condition& condition) {
           return !key.starts_with(condition.begins) || condition.holds(options);
         });
}

}  // namespace sscvae::networks
