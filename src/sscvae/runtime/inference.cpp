#include "sscvae/runtime/inference.h"

#include <chrono>
#include <cmath>

#include "sscvae/array/array.h"
#include "sscvae/array/elementwise.h"
#include "sscvae/array/reductions.h"
#include "sscvae/array/selection.h"
#include "sscvae/array/shape.h"
#include "sscvae/core/error.h"
#include "sscvae/core/log.h"
#include "sscvae/core/text.h"
#include "sscvae/image/noise_level.h"
#include "sscvae/image/padding.h"
#include "sscvae/image/temper.h"
#include "sscvae/image/tiles.h"
#include "sscvae/runtime/noise_range.h"
#include "sscvae/runtime/novelty.h"

namespace sscvae::runtime {

namespace {

constexpr Tiling kLiteTiling{1408, 64}, kReferenceTiling{512, 40};  // about 2^21 and 2^18 pixels
constexpr int kSymmetries = 8;
constexpr double kLeastToldLevel = 1.5;  // training hardly shows lower ones, and models do not extrapolate

/// One of the symmetries of the square, [C,H,W].
Array turned(Array image, int symmetry) {
  if (symmetry & 1) image = flip(image, {2});
  if (symmetry & 2) image = flip(image, {1});
  return symmetry & 4 ? image.transpose(1, 2) : image;
}

Array turned_back(Array image, int symmetry) {
  if (symmetry & 4) image = image.transpose(1, 2);
  if (symmetry & 2) image = flip(image, {1});
  return symmetry & 1 ? flip(image, {2}) : image;
}

void check_finite(const Array& result) {
  if (!all(isfinite(result))) throw FormatError("the weights make numbers of this image that are not finite");
}

/// The code of that part of the pixels and what goes with it, from a pass over `height` rows of pixels.
graph::PassValues part_of(const graph::PassValues& whole, const image::OwnPart& own, int64_t height) {
  const auto cut = [&](const Array& map, int64_t first_axis) {
    if (!map.defined() || (map.size(first_axis) == 1 && map.size(first_axis + 1) == 1)) return map;  // one position
    const auto scaled = [&](int64_t pixels) { return pixels * map.size(first_axis) / height; };
    return map.slice(first_axis, scaled(own.top), scaled(own.bottom))
        .slice(first_axis + 1, scaled(own.left), scaled(own.right));
  };
  graph::PassValues part;
  part.features = cut(whole.features, 2);
  part.threshold = cut(whole.threshold, 2);
  part.code = cut(whole.code, 2);
  part.indices = cut(whole.indices, 1);
  part.coded_features = cut(whole.coded_features, 2);
  part.mean = cut(whole.mean, 2);
  part.log_variance = cut(whole.log_variance, 2);
  return part;
}

void check_strength(double strength, const Model& model) {
  if (!(strength > 0) || !std::isfinite(strength))
    throw UsageError("--strength: expected a number > 0, got " + to_text(strength));
  if (strength != 1 && model.code_kind() != CodeKind::kSparse)
    throw UsageError("--strength: model " + model.options().name + " has no sparse coder");
}

RunnerSettings settings_of(const InferenceOptions& options) {
  return {options.engine, options.threshold_scale, options.train_mode};
}

}  // namespace

Inference::Inference(const ModelSource& source, const InferenceOptions& options)
    : settings_(settings_of(options)),
      compute_(engine_compute(settings_, resolve_compute(options.compute))),
      tile_(options.tile),
      code_step_(options.code_step),
      ensemble_(options.ensemble) {
  if (options.tile < -1) throw UsageError("--tile: expected a number of pixels, 0 or auto");
  opened_ = open_model(source);
  if (!(code_step_ >= 0) || !std::isfinite(code_step_))
    throw UsageError("--code-step: expected a number >= 0, got " + to_text(code_step_));
  if (code_step_ > 0 && model().code_kind() != CodeKind::kSparse)
    throw UsageError("--code-step: model " + model().options().name + " has no sparse code");
  check_strength(options.threshold_scale, model());
}

Tiling automatic_tiling(networks::Backbone backbone) {
  return backbone == networks::Backbone::kLite ? kLiteTiling : kReferenceTiling;
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

std::string Inference::text() const {
  return compute_.text() + (has_engine(settings_, compute_) ? ", fast engine" : ", plain engine") +
         (ensemble_ ? ", ensemble of 8" : "");
}

void Inference::round_code(graph::PassValues& values) {
  if (!decoder_) decoder_ = std::make_unique<engine::Engine>(model().decoder(), engine::Precision::kFp32);
  values.code = round(values.code / code_step_) * code_step_;
  const graph::PassValues decoded = decoder_->run(values.code);
  values.coded_features = decoded.coded_features;
  values.reconstruction = decoded.reconstruction;
  values.logits = {};
}

graph::PassValues Inference::pass(const Array& images) {
  if (!runner_) runner_ = make_runner(model(), compute_, settings_);
  graph::PassValues values = runner_->run(image::reflect_pad_to_multiple(images, model().size_multiple()), level_);
  if (code_step_ > 0) round_code(values);
  for (Array* image_sized : {&values.logits, &values.reconstruction})
    if (image_sized->defined()) *image_sized = image::crop_to(*image_sized, images.size(2), images.size(3));
  return values;
}

Array Inference::code(const Array& image) {
  check_shape(image, "image", "C,H,W", {channels(), -1, -1});
  const int64_t multiple = model().size_multiple();
  const Array code = pass(image.unsqueeze(0)).sparse_code();
  return thinned(code, image::round_up(image.size(1), multiple));
}

bool Inference::set_noise_level(std::optional<double> sigma_8bit) {
  told_level_ = sigma_8bit;
  return model().knows_noise_levels();
}

Array Inference::removed_share(const Array& image, InferenceResult& result, double sigma_8bit) {
  if (!image::NoiseProbe::is_wanted(sigma_8bit, !told_level_)) return {};
  const bool grey = is_grey_in_colour(image);
  const image::NoiseProbe probe(image, sigma_8bit, grey);
  const InferenceResult moved = run_once(probe.input());
  check_finite(moved.reconstruction);
  result.seconds += moved.seconds;
  const Array removed = probe.removed(result.reconstruction, moved.reconstruction);
  return grey ? mean(removed, {0}, true) : removed;
}

InferenceResult Inference::run(const Array& image) {
  check_shape(image, "image", "C,H,W", {channels(), -1, -1});
  const bool denoises = opened_.experiment.options.task == experiments::Task::kDenoise;
  std::optional<double> sigma = told_level_;
  if (!sigma && denoises) sigma = image::estimate_sigma_8bit(image);
  if (sigma) level_ = level_for_weights(image, std::max(*sigma, kLeastToldLevel));
  InferenceResult result = run_once(image);
  const Array removed = denoises ? removed_share(image, result, *sigma) : Array();
  for (int symmetry = 1; ensemble_ && symmetry < kSymmetries; ++symmetry) {
    const InferenceResult other = run_once(turned(image, symmetry).contiguous());
    result.reconstruction = result.reconstruction + turned_back(other.reconstruction, symmetry);
    result.seconds += other.seconds;
  }
  if (ensemble_) result.reconstruction = result.reconstruction / kSymmetries;
  level_.reset();
  check_finite(result.reconstruction);
  if (!denoises) return result;
  result.sigma_8bit = sigma;
  if (is_grey_in_colour(image))
    result.reconstruction = mean(result.reconstruction, {0}, true).expand_as(result.reconstruction);
  result.reconstruction = image::temper(image, result.reconstruction, *sigma, !told_level_, removed);
  return result;
}

InferenceResult Inference::run_once(const Array& image) {
  const auto begin = std::chrono::steady_clock::now();
  InferenceResult result;
  result.code = CodeMeter(model().num_codes(), code_step_);
  const int64_t multiple = model().size_multiple();
  const auto reconstruct = [&](const Array& input, const image::OwnPart& own) {
    const graph::PassValues forward = pass(input);
    result.code.add(part_of(forward, own, image::round_up(input.size(2), multiple)));
    const Array output = forward.reconstruction;
    if (!code_model_) return output;
    const Array map = surprise_map(*code_model_, forward.sparse_code(), image::round_up(input.size(2), multiple),
                                   image::round_up(input.size(3), multiple));
    return cat({output, map.slice(2, 0, input.size(2)).slice(3, 0, input.size(3))}, 1);
  };
  const Array batch = image.unsqueeze(0);
  const int64_t tile = tile_for(image.size(1), image.size(2));
  Array whole;
  if (tile > 0) whole = image::process_tiled(batch, tile, tiling().overlap, multiple, reconstruct);
  else
    whole =
        reconstruct(batch, {0, image::round_up(image.size(1), multiple), 0, image::round_up(image.size(2), multiple)});
  result.reconstruction = whole.squeeze(0).to(kFloat32);
  if (code_model_) {
    result.surprise = result.reconstruction.select(0, channels());
    result.reconstruction = result.reconstruction.narrow(0, 0, channels());
  }
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return result;
}

}  // namespace sscvae::runtime
