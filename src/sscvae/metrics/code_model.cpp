#include "sscvae/metrics/code_model.h"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "sscvae/core/error.h"
#include "sscvae/core/shape.h"

namespace sscvae::metrics {

namespace {

constexpr double kUsualPositions = 0.99, kLeastImageLimit = 0.05, kImageMargin = 1.5;

std::vector<double> numbers_of(const at::Tensor& values) {
  const at::Tensor flat = values.to(at::kDouble).contiguous();
  return {flat.const_data_ptr<double>(), flat.const_data_ptr<double>() + flat.numel()};
}

/// [K] -> [1,K,1,1] beside a code.
at::Tensor by_atom(const std::vector<double>& values, const at::Tensor& code) {
  return torch::tensor(values, at::kDouble).to(code.options().dtype(at::kFloat)).view({1, -1, 1, 1});
}

}  // namespace

at::Tensor CodeModel::surprise(const at::Tensor& code) const {
  check_shape(code, "code", "N,K,h,w", {-1, static_cast<int64_t>(shares.size()), -1, -1});
  std::vector<double> used(shares.size()), per_magnitude(shares.size());
  for (size_t k = 0; k < shares.size(); ++k) {
    used[k] = std::log2((1 - shares[k]) / shares[k]);
    per_magnitude[k] = 1 / (magnitudes[k] * std::numbers::ln2);
  }
  const at::Tensor z = code.to(at::kFloat);
  return (z.ne(0) * by_atom(used, z) + z.abs() * by_atom(per_magnitude, z)).sum(1);
}

CodeModel fit_code_model(const std::vector<at::Tensor>& codes) {
  if (codes.empty()) throw UsageError("no codes to learn from");
  const int64_t atoms = codes[0].dim() == 4 ? codes[0].size(1) : 0;
  at::Tensor counts = at::zeros({atoms}, at::kDouble), sums = at::zeros({atoms}, at::kDouble);
  int64_t positions = 0;
  for (const at::Tensor& code : codes) {
    check_shape(code, "code", "1,K,h,w", {1, atoms, -1, -1});
    counts += code.ne(0).sum(at::IntArrayRef{0, 2, 3}, false, at::kDouble);
    sums += code.abs().sum(at::IntArrayRef{0, 2, 3}, false, at::kDouble);
    positions += code.size(2) * code.size(3);
  }
  const double used = counts.sum().item<double>();
  if (used == 0) throw UsageError("the codes of these images are all zero: nothing to learn from");
  CodeModel model;
  const double nearly_all = static_cast<double>(positions) - 0.5;
  model.shares = numbers_of(counts.clamp(0.5, nearly_all) / static_cast<double>(positions));
  model.magnitudes = numbers_of(at::where(counts.gt(0), sums / counts, sums.sum() / used));

  std::vector<at::Tensor> surprises;
  for (const at::Tensor& code : codes) surprises.push_back(model.surprise(code).flatten());
  const at::Tensor sorted = std::get<0>(at::cat(surprises).sort());
  const auto limit = static_cast<int64_t>(kUsualPositions * static_cast<double>(sorted.numel() - 1));
  model.position_limit = sorted[limit].item<double>();
  double largest = 0;
  for (const at::Tensor& surprise : surprises)
    largest = std::max(largest, surprise.gt(model.position_limit).to(at::kDouble).mean().item<double>());
  model.image_limit = std::clamp(kImageMargin * largest, kLeastImageLimit, 1.0);
  return model;
}

}  // namespace sscvae::metrics
