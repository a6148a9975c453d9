#include "sscvae/nn/sparse_coder.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/softplus.h>
#include <ATen/ops/sort.h>
#include <ATen/ops/upsample_bilinear2d.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <cmath>

#include "sscvae/core/error.h"
#include "sscvae/core/random.h"
#include "sscvae/core/shape.h"
#include "sscvae/kernels/lista_kernel.h"
#include "sscvae/networks/dictionary.h"
#include "sscvae/nn/autocast.h"
#include "sscvae/nn/convolution.h"
#include "sscvae/nn/lista.h"
#include "sscvae/nn/lista_fused.h"

namespace sscvae::nn {

namespace {

constexpr double kInitialAlpha = 0.1;  // of signed learned thresholds, which have no data-dependent start

void check(const SparseCoderOptions& options) {
  if (options.threshold_refinement == ThresholdRefinement::kCbam && options.threshold != ThresholdKind::kInferred)
    throw UsageError("model.sparse_coder.threshold_refinement = \"cbam\" needs threshold = \"inferred\"");
  if (options.cbam_kernel % 2 == 0) throw UsageError("model.sparse_coder.cbam_kernel: expected an odd number");
  if (options.iteration != Iteration::kTied && options.initial_code == InitialCode::kProjected)
    throw UsageError("model.sparse_coder.initial_code = \"projected\" is defined for iteration = \"tied\" only");
}

/// [N,C,h,w] -> [N h w, C]; free of copies for channels-last memory.
at::Tensor to_rows(const at::Tensor& maps) { return maps.permute({0, 2, 3, 1}).reshape({-1, maps.size(1)}); }

at::Tensor to_maps(const at::Tensor& rows, const at::Tensor& like) {
  return rows.reshape({like.size(0), like.size(2), like.size(3), rows.size(1)}).permute({0, 3, 1, 2});
}

/// On the CPU few steps do not repay what the kernel computes beforehand, and few positions fit the cache anyway.
bool is_worth_fusing(int64_t positions, int64_t num_iterations) { return positions >= 256 && num_iterations >= 4; }

}  // namespace

SparseCoderImpl::SparseCoderImpl(SparseCoderOptions options, uint64_t seed) : options_(std::move(options)) {
  check(options_);
  const at::Tensor initial =
      networks::initial_dictionary(options_.dictionary_init, options_.atom_dim, options_.num_atoms,
                                   at::detail::createCPUGenerator(derive_seed(seed, "dictionary")));
  dictionary_ = register_parameter("_Dict", initial);
  if (options_.lipschitz == Lipschitz::kTrainable)
    lipschitz_ = register_parameter("_L", initial.detach().square().sum());
  register_thresholds();
  if (options_.iteration != Iteration::kTied) register_free_weights(seed);
}

void SparseCoderImpl::register_thresholds() {
  const int64_t num_atoms = options_.num_atoms;
  if (options_.threshold == ThresholdKind::kInferred) {
    convolution_ = register_module("_conv", same_convolution(options_.atom_dim, num_atoms, 3));
    residual_1_ = register_module("_res1", ResidualBlock(num_atoms));
    residual_2_ = register_module("_res2", ResidualBlock(num_atoms));
    if (options_.threshold_refinement == ThresholdRefinement::kCbam)
      refinement_ = register_module(
          "_cbam", Cbam(num_atoms, options_.cbam_reduction, options_.cbam_kernel, options_.cbam_spatial_input));
  } else {
    std::vector<int64_t> shape;
    if (options_.threshold == ThresholdKind::kPerAtom) shape = {num_atoms};
    if (options_.threshold == ThresholdKind::kPerPosition) shape = {1, options_.grid_height, options_.grid_width, 1};
    const bool is_signed = options_.threshold_activation == ThresholdActivation::kSigned;
    alpha_ = register_parameter("_alpha", at::full(shape, is_signed ? kInitialAlpha : 0.0));
  }
  if (options_.threshold_activation != ThresholdActivation::kSigned) {
    // softplus(offset) = kInitialAlpha until initialize_thresholds sees data.
    const bool is_softplus = options_.threshold_activation == ThresholdActivation::kSoftplus;
    offset_ = register_buffer("_threshold_offset",
                              at::full({}, is_softplus ? std::log(std::expm1(kInitialAlpha)) : kInitialAlpha));
  }
}

void SparseCoderImpl::register_free_weights(uint64_t seed) {
  const at::NoGradGuard no_grad;
  const int64_t count = options_.iteration == Iteration::kUntied ? 1 : options_.num_iterations;
  const at::Tensor tied_dictionary = dictionary(), bound = lipschitz();
  for (int64_t i = 0; i < count; ++i) {
    const auto name = [&](const char* base) { return base + (count == 1 ? std::string() : std::to_string(i)); };
    filters_.push_back(register_parameter(name("_We"), (tied_dictionary.t() / bound).contiguous()));
    inhibitions_.push_back(register_parameter(
        name("_S"), at::eye(options_.num_atoms) - at::mm(tied_dictionary.t(), tied_dictionary) / bound));
  }
}

at::Tensor SparseCoderImpl::dictionary() const {
  return options_.unit_norm_atoms ? networks::normalize_atoms(dictionary_) : dictionary_;
}

at::Tensor SparseCoderImpl::lipschitz() const {
  if (lipschitz_.defined()) return lipschitz_;
  return options_.lipschitz_margin * networks::largest_eigenvalue(dictionary());
}

at::Tensor SparseCoderImpl::activate(const at::Tensor& raw) const {
  switch (options_.threshold_activation) {
    case ThresholdActivation::kSigned:
      return raw;
    case ThresholdActivation::kSoftplus:
      return at::softplus(raw + offset_);
    case ThresholdActivation::kRelu:
      break;
  }
  return at::relu(raw + offset_);
}

SparseCoderImpl::Thresholds SparseCoderImpl::thresholds(const at::Tensor& features) {
  Thresholds result;
  if (options_.threshold == ThresholdKind::kInferred) {
    const at::Tensor raw = residual_2_->forward(residual_1_->forward(convolve(convolution_, features)));
    const AutocastDisabled full_precision(features.device().type());
    result.inferred = activate(to_full_precision(raw));
    result.refined = result.inferred;
    if (refinement_) {
      result.refined = refinement_->forward(result.inferred);
      if (options_.threshold_gain != 1.0) result.refined = result.refined * options_.threshold_gain;
    }
  } else {
    at::Tensor alpha = activate(alpha_);
    if (options_.threshold == ThresholdKind::kPerPosition) {
      alpha = alpha.permute({0, 3, 1, 2});  // [1,1,gh,gw]
      if (alpha.size(2) != features.size(2) || alpha.size(3) != features.size(3))
        alpha = at::upsample_bilinear2d(alpha, {features.size(2), features.size(3)}, false);
    } else {
      alpha = alpha.reshape({1, -1, 1, 1});
    }
    result.refined = alpha;
  }
  if (threshold_scale_ != 1.0) result.refined = result.refined * threshold_scale_;
  return result;
}

at::Tensor SparseCoderImpl::iterate(const at::Tensor& rows, const at::Tensor& dictionary, const at::Tensor& lipschitz,
                                    const at::Tensor& threshold) const {
  if (options_.iteration == Iteration::kTied) {
    const bool can_fuse = !plain_iterations_ && kernels::runs_on(rows.device().type()) &&
                          rows.scalar_type() == at::kFloat && dictionary.scalar_type() == at::kFloat;
    if (!can_fuse || (rows.device().is_cpu() && !is_worth_fusing(rows.size(0), options_.num_iterations)))
      return lista(rows, dictionary, lipschitz, threshold, options_.num_iterations, options_.initial_code);
    return lista_fused(rows, dictionary, lipschitz, threshold, options_.num_iterations, options_.initial_code);
  }
  at::Tensor code = at::zeros({rows.size(0), options_.num_atoms}, rows.options());
  for (int64_t i = 0; i < options_.num_iterations; ++i) {
    const auto layer = static_cast<size_t>(options_.iteration == Iteration::kUntied ? 0 : i);
    code = lista_step(code, at::linear(rows, filters_[layer]), inhibitions_[layer], threshold);
  }
  return code;
}

SparseCoderResult SparseCoderImpl::forward(const at::Tensor& features) {
  check_shape(features, "features", "N,d,h,w", {-1, options_.atom_dim, -1, -1});
  const Thresholds alpha = thresholds(features);
  const AutocastDisabled full_precision(features.device().type());
  const at::Tensor rows = to_rows(to_full_precision(features));
  const at::Tensor atoms = dictionary(), bound = lipschitz();

  SparseCoderResult result;
  result.threshold_inference = alpha.inferred;
  result.threshold_refinement = alpha.refined;
  result.threshold =
      alpha.refined / (2.0 * options_.quadratic_factor == 1.0 ? bound : bound * (2.0 * options_.quadratic_factor));
  // Threshold rows: one for each position, or a single row that all positions share.
  const at::Tensor& theta = result.threshold;
  const bool is_shared = theta.size(2) == 1 && theta.size(3) == 1 && theta.size(0) == 1;
  const at::Tensor theta_rows =
      is_shared ? theta.reshape({1, -1})
                : to_rows(theta.expand({features.size(0), theta.size(1), features.size(2), features.size(3)}));
  const at::Tensor code = iterate(rows, atoms, bound, theta_rows);
  result.code = to_maps(code, features);
  result.coded_features = to_maps(at::mm(code, atoms.t()), features);
  return result;
}

at::Tensor SparseCoderImpl::decode(const at::Tensor& code) {
  check_shape(code, "code", "N,K,h,w", {-1, options_.num_atoms, -1, -1});
  const AutocastDisabled full_precision(code.device().type());
  return to_maps(at::mm(to_rows(to_full_precision(code)), dictionary().t()), code);
}

void SparseCoderImpl::initialize_thresholds(const at::Tensor& features) {
  if (!offset_.defined()) return;
  const at::NoGradGuard no_grad;
  const AutocastDisabled full_precision(features.device().type());
  const at::Tensor correlations = at::mm(to_rows(to_full_precision(features)), dictionary()).abs().flatten();
  const at::Tensor sorted = std::get<0>(at::sort(correlations));
  const auto index = static_cast<int64_t>((1.0 - options_.initial_survivors) * static_cast<double>(sorted.numel() - 1));
  const double wished = std::max(1e-3, sorted.select(0, index).item<double>());
  const bool is_softplus = options_.threshold_activation == ThresholdActivation::kSoftplus;
  // expm1 overflows for large arguments, where softplus is the identity.
  offset_.fill_(is_softplus && wished < 30 ? std::log(std::expm1(wished)) : wished);
}

void SparseCoderImpl::normalize_dictionary() {
  if (!options_.unit_norm_atoms) return;
  const at::NoGradGuard no_grad;
  dictionary_.copy_(networks::normalize_atoms(dictionary_));
}

void SparseCoderImpl::set_threshold_scale(double scale) {
  if (!(scale >= 0) || !std::isfinite(scale)) throw UsageError("threshold scale: expected a number >= 0");
  threshold_scale_ = scale;
}

}  // namespace sscvae::nn
