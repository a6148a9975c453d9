#include "sscvae/models/backbone.h"

#include "sscvae/models/lite_backbone.h"
#include "sscvae/models/reference_backbone.h"

namespace sscvae::models {

nn::Norm norm_of(Normalization normalization) {
  switch (normalization) {
    case Normalization::kBatch:
      return nn::Norm::kBatch;
    case Normalization::kGroup:
      return nn::Norm::kGroup;
    case Normalization::kNone:
      break;
  }
  return nn::Norm::kNone;
}

std::shared_ptr<Backbone2d> make_encoder(const ModelOptions& options, int64_t feature_dim) {
  return options.backbone == Backbone::kReference ? make_reference_encoder(options, feature_dim)
                                                  : make_lite_encoder(options, feature_dim);
}

std::shared_ptr<Backbone2d> make_decoder(const ModelOptions& options, int64_t feature_dim) {
  return options.backbone == Backbone::kReference ? make_reference_decoder(options, feature_dim)
                                                  : make_lite_decoder(options, feature_dim);
}

void set_recompute(torch::nn::Module& model, bool recompute) {
  for (const auto& module : model.modules(false))
    if (auto* half = dynamic_cast<Backbone2d*>(module.get())) half->set_recompute(recompute);
}

}  // namespace sscvae::models
