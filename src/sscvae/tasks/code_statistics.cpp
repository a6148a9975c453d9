#include "sscvae/tasks/code_statistics.h"

#include <torch/types.h>

#include <cmath>
#include <nlohmann/json.hpp>

namespace sscvae::tasks {

namespace {

double total(const at::Tensor& tensor) { return tensor.sum(at::kDouble).item<double>(); }

}  // namespace

void CodeMeter::add(const models::ForwardResult& result) {
  if (!result.code.defined() || result.indices.defined()) return;
  const at::Tensor code = result.code.detach().to(at::kFloat);
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
  if (result.features.defined() && result.coded_features.defined()) {
    const at::Tensor features = result.features.detach().to(at::kFloat);
    residual_ += total((features - result.coded_features.detach().to(at::kFloat)).square());
    energy_ += total(features.square());
  }
}

void CodeMeter::add(const CodeMeter& other) {
  positions_ += other.positions_;
  entries_ += other.entries_;
  thresholds_ += other.thresholds_;
  nonzeros_ += other.nonzeros_;
  hoyer_ += other.hoyer_;
  all_zero_ += other.all_zero_;
  negative_ += other.negative_;
  residual_ += other.residual_;
  energy_ += other.energy_;
}

CodeStatistics CodeMeter::value() const {
  CodeStatistics value;
  value.positions = positions_;
  if (positions_ == 0) return value;
  const double positions = static_cast<double>(positions_);
  value.nnz = nonzeros_ / positions;
  value.zero_fraction = 1 - nonzeros_ / static_cast<double>(entries_);
  value.hoyer = hoyer_ / positions;
  value.fit_error = energy_ > 0 ? residual_ / energy_ : 0;
  value.negative_threshold_share = thresholds_ > 0 ? negative_ / static_cast<double>(thresholds_) : 0;
  value.all_zero_share = all_zero_ / positions;
  return value;
}

Json to_json(const CodeStatistics& statistics) {
  Json json;
  json["nnz"] = json_number(statistics.nnz);
  json["zero_fraction"] = json_number(statistics.zero_fraction);
  json["hoyer"] = json_number(statistics.hoyer);
  json["fit_error"] = json_number(statistics.fit_error);
  json["negative_threshold_share"] = json_number(statistics.negative_threshold_share);
  json["all_zero_share"] = json_number(statistics.all_zero_share);
  json["positions"] = statistics.positions;
  return json;
}

}  // namespace sscvae::tasks
