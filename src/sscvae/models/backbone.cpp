#include "sscvae/models/backbone.h"

#include "sscvae/models/lite_backbone.h"
#include "sscvae/models/reference_backbone.h"

namespace sscvae::models {

std::shared_ptr<Backbone2d> make_encoder(const ModelOptions& options) {
  return options.backbone == Backbone::kReference ? make_reference_encoder(options) : make_lite_encoder(options);
}

std::shared_ptr<Backbone2d> make_decoder(const ModelOptions& options) {
  return options.backbone == Backbone::kReference ? make_reference_decoder(options) : make_lite_decoder(options);
}

}  // namespace sscvae::models
