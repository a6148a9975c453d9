#pragma once

#include "sscvae/models/network_autoencoder.h"

namespace sscvae::workshop {

/// Lets the sparse coder of a model iterate by plain operations while it lives: for comparison, and where operations
/// are counted. The model must outlive it.
class PlainIterations {
 public:
  explicit PlainIterations(models::Autoencoder& model) : model_(dynamic_cast<models::NetworkAutoencoder*>(&model)) {
    if (!model_) return;
    was_plain_ = model_->plain_iterations();
    model_->set_plain_iterations(true);
  }
  ~PlainIterations() {
    if (model_) model_->set_plain_iterations(was_plain_);
  }
  PlainIterations(const PlainIterations&) = delete;
  PlainIterations& operator=(const PlainIterations&) = delete;

 private:
  models::NetworkAutoencoder* model_;
  bool was_plain_ = false;
};

}  // namespace sscvae::workshop
