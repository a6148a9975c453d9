#include "sscvae/networks/model_size.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace sscvae::networks {

namespace {

double real(int64_t number) { return static_cast<double>(number); }

double half(double channels) { return std::floor(channels / 2); }

double convolution_size(double in, double out, double side, bool bias = true) {
  return in * out * side * side + (bias ? out : 0);
}

double norm_size(Normalization kind, double channels) {
  if (kind == Normalization::kBatch) return 4 * channels + 1;  // with running statistics and their count
  return kind == Normalization::kGroup ? 2 * channels : 0;
}

double residual_size(double channels) {
  return convolution_size(channels, half(channels), 3, false) + convolution_size(half(channels), channels, 1, false);
}

double lite_residual_size(double channels, Normalization norm) {
  return norm_size(norm, channels) + 2 * convolution_size(channels, channels, 3);
}

double attention_size(double channels, double reduction, double side) {
  return 2 * channels * std::max(1.0, std::floor(channels / reduction)) + 2 * side * side;
}

/// Encoder and decoder around `dim` feature channels.
double lite_size(const ModelOptions& options, double dim) {
  const int64_t folded =
      std::min<int64_t>(std::bit_width(static_cast<uint64_t>(options.lite.unshuffle)) - 1, options.down_samples);
  const double width = real(options.lite.width), pixels = real(options.in_channels << (2 * folded));
  const double halvings = real(options.down_samples - folded);
  const double stages =
      (halvings + 1) * real(options.lite.num_blocks) * lite_residual_size(width, options.lite.normalization);
  const double encoder = convolution_size(pixels, width, 3) + halvings * convolution_size(width, width, 2) +
                         convolution_size(width, dim, 3);
  const double decoder = convolution_size(dim, width, 3) + halvings * convolution_size(width, 4 * width, 1) +
                         convolution_size(width, pixels, 3);
  return 2 * stages + encoder + decoder;
}

double reference_size(const ModelOptions& options, double dim) {
  const double first = real(options.reference.hidden_channels_1), second = real(options.reference.hidden_channels_2);
  const double colours = real(options.in_channels);
  const double attention =
      options.reference.attention == Attention::kNone ? 0 : 4 * convolution_size(second, half(second), 1, false);
  double size = 2 * (2 * residual_size(second) + attention) + 2 * second + 2 * first;
  size += convolution_size(colours, first, 3) + convolution_size(second, dim, 3);
  size += convolution_size(dim, second, 3) + convolution_size(first, colours, 3);
  for (int64_t level = 0; level < options.down_samples; ++level) {
    const double falling = level == 0 ? first : second, rising = level == 0 ? second : first;
    size += residual_size(falling) + convolution_size(falling, second, 3) +
            norm_size(options.reference.normalization, second);
    size += residual_size(rising) + convolution_size(rising, first, 2) + convolution_size(first, first, 3) +
            norm_size(options.reference.normalization, first);
  }
  return size;
}

double backbone_size(const ModelOptions& options, double dim) {
  return options.backbone == Backbone::kReference ? reference_size(options, dim) : lite_size(options, dim);
}

double threshold_size(const SparseCoderOptions& options) {
  const double atoms = real(options.num_atoms);
  const double offset = options.threshold_activation == ThresholdActivation::kSigned ? 0 : 1;
  if (options.threshold == ThresholdKind::kScalar) return offset + 1;
  if (options.threshold == ThresholdKind::kPerAtom) return offset + atoms;
  if (options.threshold == ThresholdKind::kPerPosition)
    return offset + real(options.grid_height) * real(options.grid_width);
  const double network = convolution_size(real(options.atom_dim), atoms, 3) + 2 * residual_size(atoms);
  if (options.threshold_refinement == ThresholdRefinement::kNone) return offset + network;
  return offset + network + attention_size(atoms, real(options.cbam_reduction), real(options.cbam_kernel));
}

/// The network that infers the thresholds of `csc`.
double controller_size(const ModelOptions& options) {
  const ConvolutionalCoderOptions& o = options.csc;
  const double width = real(o.attention_width), atoms = real(o.num_atoms), blocks = real(o.attention_blocks);
  const auto stage = [&](double channels) { return blocks * lite_residual_size(channels, Normalization::kNone); };
  double size = convolution_size(real(options.in_channels * o.stride * o.stride), width, 3) + width + stage(width);
  for (int64_t level = 1; level < o.attention_scales; ++level) {
    const double fine = std::ldexp(width, static_cast<int>(level) - 1), coarse = 2 * fine;
    size += convolution_size(fine, coarse, 2) + stage(coarse);
    size += convolution_size(coarse, 4 * fine, 1, false) + stage(fine);
  }
  size += convolution_size(width, atoms, 1);
  if (o.threshold_refinement == ThresholdRefinement::kNone) return size;
  const double reduction = real(std::min(options.sparse_coder.cbam_reduction, o.num_atoms));
  return size + attention_size(atoms, reduction, real(options.sparse_coder.cbam_kernel));
}

}  // namespace

double size_of_sparse_coding(const ModelOptions& options) {
  const SparseCoderOptions& coder = options.sparse_coder;
  const double dim = real(coder.atom_dim), atoms = real(coder.num_atoms);
  const double free_layers = coder.iteration == Iteration::kTied     ? 0
                             : coder.iteration == Iteration::kUntied ? 1
                                                                     : real(coder.num_iterations);
  const double lipschitz = coder.lipschitz == Lipschitz::kTrainable ? 1 : 0;
  return backbone_size(options, dim) + dim * atoms + lipschitz + threshold_size(coder) +
         free_layers * atoms * (dim + atoms);
}

double size_of_vector_quantized(const ModelOptions& options) {
  const VectorQuantizerOptions& quantizer = options.quantizer;
  const double codes = real(quantizer.num_codes), dim = real(quantizer.code_dim);
  const bool means = quantizer.update == CodebookUpdate::kEma;
  return backbone_size(options, dim) + codes * dim * (means ? 2 : 1) + (means || quantizer.revival > 0 ? codes : 0);
}

double size_of_variational(const ModelOptions& options) {
  const double dim = real(options.vae.latent_dim);
  return backbone_size(options, dim) + convolution_size(dim, 2 * dim, 1);
}

double size_of_convolutional_coder(const ModelOptions& options) {
  const ConvolutionalCoderOptions& o = options.csc;
  const double atoms = real(o.num_atoms), side = real(o.kernel * o.stride), layers = real(o.num_iterations);
  double size = 2 * layers * atoms * real(options.in_channels) * side * side + 1;
  size += 2 * layers * (o.threshold == ThresholdKind::kScalar ? 1 : atoms);
  if (o.shrinkage == Shrinkage::kGrouped) {
    const double rank = real(std::min(o.group_rank, o.num_atoms)), window = real(o.group_window);
    size += layers * (atoms + 2 * atoms * rank + rank * window * window);
  }
  return size + (o.threshold == ThresholdKind::kInferred ? controller_size(options) : 0);
}

}  // namespace sscvae::networks
