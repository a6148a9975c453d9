#include "sscvae/train/ema.h"

#include <ATen/ops/_foreach_copy.h>
#include <ATen/ops/_foreach_lerp.h>

#include <algorithm>

#include "sscvae/core/error.h"
#include "sscvae/nn/arrays.h"

namespace sscvae::train {

namespace {

void copy_buffers(torch::nn::Module& to, torch::nn::Module& from) {
  const auto targets = to.buffers(), sources = from.buffers();
  SSCVAE_ASSERT(targets.size() == sources.size());
  if (!targets.empty()) at::_foreach_copy_(targets, sources);
}

}  // namespace

double average_decay(double decay, int64_t step) {
  const double time = static_cast<double>(step);
  return std::min(decay, (1 + time) / (10 + time));
}

void update_average(torch::nn::Module& average, torch::nn::Module& model, double decay, int64_t step) {
  const at::NoGradGuard no_grad;
  const auto targets = average.parameters(), sources = model.parameters();
  SSCVAE_ASSERT(targets.size() == sources.size());
  const double share = 1 - average_decay(decay, step);
  at::_foreach_lerp_(targets, sources, at::Scalar(share));
  copy_buffers(average, model);
}

void copy_weights(torch::nn::Module& to, torch::nn::Module& from) {
  const at::NoGradGuard no_grad;
  const auto targets = to.parameters(), sources = from.parameters();
  SSCVAE_ASSERT(targets.size() == sources.size());
  for (size_t i = 0; i < targets.size(); ++i) at::Tensor(targets[i]).copy_(sources[i]);
  copy_buffers(to, from);
}

}  // namespace sscvae::train
