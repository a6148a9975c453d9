#include "sscvae/runtime/code_meter.h"

#include <cmath>

#include "sscvae/array/array.h"
#include "sscvae/array/elementwise.h"
#include "sscvae/array/reductions.h"

namespace sscvae::runtime {

void CodeMeter::add(const graph::PassValues& result) {
  const Array code = result.sparse_code();
  if (result.indices.defined()) {
    kind_ = CodeKind::kDiscrete;
    positions_ += result.indices.numel();
    usage_.add(result.indices);
    symbols_.add(result.indices.unsqueeze(1));
  } else if (code.defined()) {
    kind_ = CodeKind::kSparse;
    add_sparse(result, code.to(kFloat32));
    if (code_step_ > 0) symbols_.add(round(code.to(kFloat64) / code_step_).to(kInt64));
  } else if (result.log_variance.defined()) {
    kind_ = CodeKind::kGaussian;
    positions_ += result.mean.numel() / result.mean.size(1);
    const Array mean = result.mean.to(kFloat64), log_variance = result.log_variance.to(kFloat64);
    divergence_ += sum(0.5 * (square(mean) + exp(log_variance) - 1 - log_variance));
  } else {
    return;
  }
  if (result.features.defined() && result.coded_features.defined()) {
    const Array features = result.features.to(kFloat32);
    residual_ += sum(square(features - result.coded_features.to(kFloat32)));
    energy_ += sum(square(features));
  }
}

void CodeMeter::add_sparse(const graph::PassValues& result, const Array& code) {
  const Array nonzero = sum(ne(code, 0), {1});  // [N,h,w]
  const double atoms = static_cast<double>(code.size(1));
  positions_ += nonzero.numel();
  entries_ += code.numel();
  nonzeros_ += sum(nonzero);
  const Array empty = eq(nonzero, 0);
  all_zero_ += sum(empty);
  const Array l1 = sum(abs(code), {1}), l2 = sqrt(sum(square(code), {1}));
  const Array hoyer = (std::sqrt(atoms) - l1 / l2) / (std::sqrt(atoms) - 1);
  hoyer_ += atoms > 1 ? sum(where(empty, ones_like(hoyer), hoyer)) : static_cast<double>(nonzero.numel());
  if (result.threshold.defined()) {
    thresholds_ += result.threshold.numel();
    negative_ += sum(lt(result.threshold, 0));
  }
}

void CodeMeter::add(const CodeMeter& other) {
  if (other.kind_ != CodeKind::kNone) kind_ = other.kind_;
  usage_.add(other.usage_);
  symbols_.add(other.symbols_);
  positions_ += other.positions_;
  entries_ += other.entries_;
  thresholds_ += other.thresholds_;
  nonzeros_ += other.nonzeros_;
  hoyer_ += other.hoyer_;
  all_zero_ += other.all_zero_;
  negative_ += other.negative_;
  residual_ += other.residual_;
  energy_ += other.energy_;
  divergence_ += other.divergence_;
}

CodeStatistics CodeMeter::value() const {
  CodeStatistics value;
  value.kind = kind_;
  value.positions = positions_;
  if (positions_ == 0) return value;
  value.fit_error = energy_ > 0 ? residual_ / energy_ : 0;
  if (kind_ == CodeKind::kDiscrete) {
    value.codes_used = usage_.used_share();
    value.perplexity = usage_.perplexity();
    return value;
  }
  const double positions = static_cast<double>(positions_);
  value.kl_bits = divergence_ / positions / std::log(2.0);
  if (kind_ == CodeKind::kGaussian) return value;
  value.nnz = nonzeros_ / positions;
  value.zero_fraction = 1 - nonzeros_ / static_cast<double>(entries_);
  value.hoyer = hoyer_ / positions;
  value.negative_threshold_share = thresholds_ > 0 ? negative_ / static_cast<double>(thresholds_) : 0;
  value.all_zero_share = all_zero_ / positions;
  return value;
}

std::map<std::string, double> figures_of(const CodeStatistics& statistics) {
  if (statistics.kind == CodeKind::kDiscrete)
    return {{"codes_used", statistics.codes_used},
            {"perplexity", statistics.perplexity},
            {"fit_error", statistics.fit_error}};
  if (statistics.kind == CodeKind::kGaussian) return {{"kl_bits", statistics.kl_bits}};
  if (statistics.kind == CodeKind::kNone) return {};
  return {{"nnz", statistics.nnz},
          {"zero_fraction", statistics.zero_fraction},
          {"hoyer", statistics.hoyer},
          {"fit_error", statistics.fit_error},
          {"negative_threshold_share", statistics.negative_threshold_share},
          {"all_zero_share", statistics.all_zero_share}};
}

}  // namespace sscvae::runtime
