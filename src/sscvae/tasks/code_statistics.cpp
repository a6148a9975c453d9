#include "sscvae/tasks/code_statistics.h"

#include <torch/types.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "sscvae/nn/arrays.h"

namespace sscvae::tasks {

namespace {

double total(const at::Tensor& tensor) { return tensor.sum(at::kDouble).item<double>(); }

}  // namespace

CodeKind code_kind(models::Autoencoder& model) {
  if (model.num_codes() > 0) return CodeKind::kDiscrete;
  if (model.dictionary().defined()) return CodeKind::kSparse;
  return model.options().name == "vae" ? CodeKind::kGaussian : CodeKind::kNone;
}

void CodeMeter::add(const models::ForwardResult& result) {
  const at::Tensor code = result.sparse_code();
  if (result.indices.defined()) {
    kind_ = CodeKind::kDiscrete;
    positions_ += result.indices.numel();
    usage_.add(result.indices.cpu());
    symbols_.add(result.indices.unsqueeze(1).cpu());
  } else if (code.defined()) {
    kind_ = CodeKind::kSparse;
    add_sparse(result, code.detach().to(at::kFloat));
    if (code_step_ > 0) symbols_.add((code.detach().to(at::kDouble) / code_step_).round().to(at::kLong).cpu());
  } else if (result.log_variance.defined()) {
    kind_ = CodeKind::kGaussian;
    positions_ += result.mean.numel() / result.mean.size(1);
    const at::Tensor mean = result.mean.to(at::kDouble), log_variance = result.log_variance.to(at::kDouble);
    divergence_ += total(0.5 * (mean.square() + log_variance.exp() - 1 - log_variance));
  } else {
    return;
  }
  if (result.features.defined() && result.coded_features.defined()) {
    const at::Tensor features = result.features.detach().to(at::kFloat);
    residual_ += total((features - result.coded_features.detach().to(at::kFloat)).square());
    energy_ += total(features.square());
  }
}

void CodeMeter::add_sparse(const models::ForwardResult& result, const at::Tensor& code) {
  const at::Tensor nonzero = code.ne(0).sum(1);  // [N,h,w]
  const double atoms = static_cast<double>(code.size(1));
  positions_ += nonzero.numel();
  entries_ += code.numel();
  nonzeros_ += total(nonzero);
  const at::Tensor empty = nonzero.eq(0);
  all_zero_ += total(empty);
  const at::Tensor l1 = code.abs().sum(1), l2 = code.norm(2, 1);
  const at::Tensor hoyer = (std::sqrt(atoms) - l1 / l2) / (std::sqrt(atoms) - 1);
  hoyer_ += atoms > 1 ? total(at::where(empty, at::ones_like(hoyer), hoyer)) : static_cast<double>(nonzero.numel());
  if (result.threshold.defined()) {
    thresholds_ += result.threshold.numel();
    negative_ += total(result.threshold.lt(0));
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

Json to_json(const CodeStatistics& statistics) {
  Json json;
  for (const auto& [name, value] : figures_of(statistics)) json[name] = json_number(value);
  json["positions"] = statistics.positions;
  return json;
}

}  // namespace sscvae::tasks
