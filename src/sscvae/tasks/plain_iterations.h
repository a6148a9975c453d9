#pragma once

#include <vector>

#include "sscvae/models/autoencoder.h"
#include "sscvae/nn/sparse_coder.h"

namespace sscvae::tasks {

/// Lets all sparse coders of a model iterate by plain operations while it lives: for comparison, and where operations
/// are counted. The model must outlive it.
class PlainIterations {
 public:
  explicit PlainIterations(models::Autoencoder& model) {
    for (const auto& module : model.modules(false))
      if (auto* coder = dynamic_cast<nn::SparseCoderImpl*>(module.get()); coder && !coder->plain_iterations())
        changed_.push_back(coder);
    for (nn::SparseCoderImpl* coder : changed_) coder->set_plain_iterations(true);
  }
  ~PlainIterations() {
    for (nn::SparseCoderImpl* coder : changed_) coder->set_plain_iterations(false);
  }
  PlainIterations(const PlainIterations&) = delete;
  PlainIterations& operator=(const PlainIterations&) = delete;

 private:
  std::vector<nn::SparseCoderImpl*> changed_;
};

}  // namespace sscvae::tasks
