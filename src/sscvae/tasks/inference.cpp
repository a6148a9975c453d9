#include "sscvae/tasks/inference.h"

#include <c10/core/InferenceMode.h>
#include <torch/types.h>

#include <chrono>
#include <cmath>
#include <span>

#include "sscvae/array/shape.h"
#include "sscvae/core/error.h"
#include "sscvae/core/log.h"
#include "sscvae/core/text.h"
#include "sscvae/image/noise_level.h"
#include "sscvae/image/padding.h"
#include "sscvae/image/temper.h"
#include "sscvae/image/tiles.h"
#include "sscvae/kernels/bfloat16_unit.h"
#include "sscvae/models/frozen.h"
#include "sscvae/models/threshold_scale.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/tasks/engine_result.h"
#include "sscvae/tasks/noise_range.h"
#include "sscvae/tasks/novelty.h"
#include "sscvae/train/training_step.h"

namespace sscvae::tasks {

namespace {

constexpr Tiling kLiteTiling{1408, 64}, kReferenceTiling{512, 40};  // about 2^21 and 2^18 pixels
constexpr int kSymmetries = 8;
constexpr double kLeastToldLevel = 1.5;  // training hardly shows lower ones, and models do not extrapolate

/// One of the symmetries of the square, [C,H,W].
at::Tensor turned(at::Tensor image, int symmetry) {
  if (symmetry & 1) image = image.flip({2});
  if (symmetry & 2) image = image.flip({1});
  return symmetry & 4 ? image.transpose(1, 2) : image;
}

at::Tensor turned_back(at::Tensor image, int symmetry) {
  if (symmetry & 4) image = image.transpose(1, 2);
  if (symmetry & 2) image = image.flip({1});
  return symmetry & 1 ? image.flip({2}) : image;
}

void check_finite(const at::Tensor& result) {
  if (!at::isfinite(result).all().item<bool>())
    throw FormatError("the weights make numbers of this image that are not finite");
}

/// The code of that part of the pixels and what goes with it, from a pass over `height` rows of pixels.
models::ForwardResult part_of(const models::ForwardResult& whole, const image::OwnPart& own, int64_t height) {
  const auto cut = [&](const at::Tensor& map, int64_t first_axis) {
    if (!map.defined() || (map.size(first_axis) == 1 && map.size(first_axis + 1) == 1)) return map;  // one position
    const auto scaled = [&](int64_t pixels) { return pixels * map.size(first_axis) / height; };
    return map.slice(first_axis, scaled(own.top), scaled(own.bottom))
        .slice(first_axis + 1, scaled(own.left), scaled(own.right));
  };
  models::ForwardResult part;
  part.features = cut(whole.features, 2);
  part.threshold = cut(whole.threshold, 2);
  part.code = cut(whole.code, 2);
  part.indices = cut(whole.indices, 1);
  part.coded_features = cut(whole.coded_features, 2);
  part.mean = cut(whole.mean, 2);
  part.log_variance = cut(whole.log_variance, 2);
  return part;
}

}  // namespace

void apply_strength(models::Autoencoder& model, double scale) {
  if (!(scale > 0) || !std::isfinite(scale))
    throw UsageError("--strength: expected a number > 0, got " + to_text(scale));
  const bool found = models::set_threshold_scale(model, scale);
  if (!found && scale != 1) throw UsageError("--strength: model " + model.options().name + " has no sparse coder");
}

bool has_engine(const std::string& engine, const Compute& compute) {
  if (engine != "fast" && engine != "plain")
    throw UsageError("--engine: expected fast or plain, got '" + engine + "'" + suggestion(engine, {"fast", "plain"}));
  return engine == "fast" && compute.device.is_cpu();
}

Compute engine_compute(const std::string& engine, Compute compute) {
  if (!has_engine(engine, compute) || !compute.bf16 || kernels::has_bfloat16_kernels()) return compute;
  note("this processor has no AVX512_BF16: the fast engine computes in fp32, which is faster here than bf16");
  compute.bf16 = false;
  return compute;
}

namespace {

bool wants_channels_last(const Compute& compute) { return compute.device.is_cuda() && (compute.bf16 || compute.tf32); }

}  // namespace

void place_model(models::Autoencoder& model, const Compute& compute) {
  model.to(compute.device);
  if (wants_channels_last(compute)) train::use_channels_last(model);
}

at::Tensor placed(const at::Tensor& images, const Compute& compute) {
  const at::Tensor there = images.to(compute.device);
  return wants_channels_last(compute) ? there.contiguous(at::MemoryFormat::ChannelsLast) : there;
}

Inference::Inference(const ModelSource& source, const InferenceOptions& options)
    : compute_(engine_compute(options.engine, resolve_compute(options.compute))),
      tile_(options.tile),
      code_step_(options.code_step),
      ensemble_(options.ensemble),
      wants_engine_(has_engine(options.engine, compute_)) {
  if (options.tile < -1) throw UsageError("--tile: expected a number of pixels, 0 or auto");
  opened_ = open_model(source);
  if (!(code_step_ >= 0) || !std::isfinite(code_step_))
    throw UsageError("--code-step: expected a number >= 0, got " + to_text(code_step_));
  if (code_step_ > 0 && code_kind(*opened_.model) != CodeKind::kSparse)
    throw UsageError("--code-step: model " + opened_.model->options().name + " has no sparse code");
  apply_strength(*opened_.model, options.threshold_scale);
  if (options.engine == "plain") plain_ = std::make_unique<PlainIterations>(*opened_.model);
  place_model(*opened_.model, compute_);
}

Tiling automatic_tiling(models::Backbone backbone) {
  return backbone == models::Backbone::kLite ? kLiteTiling : kReferenceTiling;
}

Tiling Inference::tiling() const {
  if (tile_ >= 0) return {tile_, std::min(kLiteTiling.overlap, tile_ / 4)};
  return automatic_tiling(opened_.experiment.options.model.backbone);
}

int64_t Inference::tile_for(int64_t height, int64_t width) const {
  const int64_t side = tiling().side;
  if (tile_ >= 0) return side > 0 && (height > side || width > side) ? side : 0;
  return height * width > side * side ? side : 0;
}

bool Inference::uses_engine() const { return wants_engine_ && !opened_.model->is_training(); }

std::string Inference::text() const {
  return compute_.text() + (uses_engine() ? ", fast engine" : ", plain engine") + (ensemble_ ? ", ensemble of 8" : "");
}

models::ForwardResult Inference::rounded(models::ForwardResult result) {
  if (code_step_ == 0) return result;
  const InferenceScope scope(compute_);
  result.code = (result.code / code_step_).round() * code_step_;
  result.coded_features = opened_.model->coded_features(result.code);
  result.reconstruction = opened_.model->decode(result.code);
  result.logits = at::Tensor();
  return result;
}

models::ForwardResult Inference::pass(const at::Tensor& images) {
  if (!uses_engine())
    return models::forward_padded(placed(images, compute_), opened_.model->size_multiple(),
                                  [&](const at::Tensor& padded) {
                                    const InferenceScope scope(compute_);
                                    return rounded(opened_.model->forward(padded));
                                  });
  if (!engine_)
    engine_ = std::make_unique<engine::Engine>(models::frozen(*opened_.model),
                                               compute_.bf16 ? engine::Precision::kBf16 : engine::Precision::kFp32);
  const Array padded = image::reflect_pad_to_multiple(images, engine_->size_multiple());
  models::ForwardResult result = rounded(forward_result(engine_->run(padded, {.sigma_8bit = level_})));
  for (at::Tensor* image_sized : {&result.logits, &result.reconstruction})
    if (image_sized->defined()) *image_sized = image::crop_to(*image_sized, images.size(2), images.size(3));
  return result;
}

at::Tensor Inference::code(const at::Tensor& image) {
  check_shape(image, "image", "C,H,W", {channels(), -1, -1});
  const c10::InferenceMode no_gradients;
  const int64_t multiple = opened_.model->size_multiple();
  const at::Tensor code = pass(image.unsqueeze(0)).sparse_code();
  return thinned(code, image::round_up(image.size(1), multiple)).to(at::kCPU, at::kFloat);
}

bool Inference::set_noise_level(std::optional<double> sigma_8bit) {
  told_level_ = sigma_8bit;
  return models::set_noise_levels(*opened_.model, {});
}

void Inference::tell_level(std::optional<double> sigma_8bit) {
  level_ = sigma_8bit;
  if (sigma_8bit) models::set_noise_levels(*opened_.model, std::span(&*sigma_8bit, 1));
  else models::set_noise_levels(*opened_.model, {});
}

at::Tensor Inference::removed_share(const at::Tensor& image, InferenceResult& result, double sigma_8bit) {
  if (!image::NoiseProbe::is_wanted(sigma_8bit, !told_level_)) return {};
  const bool grey = is_grey_in_colour(image);
  const image::NoiseProbe probe(image, sigma_8bit, grey);
  const InferenceResult moved = run_once(probe.input());
  check_finite(moved.reconstruction);
  result.seconds += moved.seconds;
  const at::Tensor removed = probe.removed(result.reconstruction, moved.reconstruction);
  return grey ? removed.mean({0}, true) : removed;
}

InferenceResult Inference::run(const at::Tensor& image) {
  check_shape(image, "image", "C,H,W", {channels(), -1, -1});
  const bool denoises = opened_.experiment.options.task == train::Task::kDenoise;
  std::optional<double> sigma = told_level_;
  if (!sigma && denoises) sigma = image::estimate_sigma_8bit(image);
  if (sigma) tell_level(level_for_weights(image, std::max(*sigma, kLeastToldLevel)));
  InferenceResult result = run_once(image);
  const at::Tensor removed = denoises ? removed_share(image, result, *sigma) : at::Tensor();
  for (int symmetry = 1; ensemble_ && symmetry < kSymmetries; ++symmetry) {
    const InferenceResult other = run_once(turned(image, symmetry).contiguous());
    result.reconstruction = result.reconstruction + turned_back(other.reconstruction, symmetry);
    result.seconds += other.seconds;
  }
  if (ensemble_) result.reconstruction = result.reconstruction / kSymmetries;
  tell_level({});
  check_finite(result.reconstruction);
  if (!denoises) return result;
  result.sigma_8bit = sigma;
  if (is_grey_in_colour(image))
    result.reconstruction = result.reconstruction.mean({0}, true).expand_as(result.reconstruction);
  result.reconstruction = image::temper(image, result.reconstruction, *sigma, !told_level_, removed);
  return result;
}

InferenceResult Inference::run_once(const at::Tensor& image) {
  const auto begin = std::chrono::steady_clock::now();
  InferenceResult result;
  result.code = CodeMeter(opened_.model->num_codes(), code_step_);
  const int64_t multiple = opened_.model->size_multiple();
  const c10::InferenceMode no_gradients;
  const auto reconstruct = [&](const at::Tensor& input, const image::OwnPart& own) {
    const models::ForwardResult forward = pass(input);
    result.code.add(part_of(forward, own, image::round_up(input.size(2), multiple)));
    const at::Tensor output = forward.reconstruction.to(at::kCPU, at::kFloat);
    if (!code_model_) return output;
    const at::Tensor map = surprise_map(*code_model_, forward.sparse_code(), image::round_up(input.size(2), multiple),
                                        image::round_up(input.size(3), multiple));
    return at::cat({output, map.slice(2, 0, input.size(2)).slice(3, 0, input.size(3)).to(at::kCPU, at::kFloat)}, 1);
  };
  const at::Tensor batch = image.unsqueeze(0);
  const int64_t tile = tile_for(image.size(1), image.size(2));
  at::Tensor whole;
  if (tile > 0) whole = image::process_tiled(batch, tile, tiling().overlap, multiple, reconstruct);
  else
    whole =
        reconstruct(batch, {0, image::round_up(image.size(1), multiple), 0, image::round_up(image.size(2), multiple)});
  result.reconstruction = whole.squeeze(0).to(at::kFloat);
  if (code_model_) {
    result.surprise = result.reconstruction[channels()];
    result.reconstruction = result.reconstruction.narrow(0, 0, channels());
  }
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return result;
}

}  // namespace sscvae::tasks
