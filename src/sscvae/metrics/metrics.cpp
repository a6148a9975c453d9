#include "sscvae/metrics/metrics.h"

#include <ATen/TensorOperators.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "sscvae/core/error.h"
#include "sscvae/core/shape.h"
#include "sscvae/metrics/planes.h"

namespace sscvae::metrics {

at::Tensor plain(const at::Tensor& tensor, at::ScalarType dtype) {
  return tensor.detach().to(at::kCPU, dtype).contiguous();
}

namespace {

/// Where it lies: a GPU gives back one number in place of all.
at::Tensor in_double(const at::Tensor& tensor) { return tensor.detach().to(at::kDouble).contiguous(); }

}  // namespace

void check_image_pair(const at::Tensor& a, const at::Tensor& b) {
  const bool is_image = a.defined() && a.dim() >= 2 && a.dim() <= 4 && a.numel() > 0;
  if (!is_image)
    throw ShapeError("image: expected [H, W], [C, H, W] or [N, C, H, W] and not empty, got " + shape_text(a));
  if (!b.defined() || a.sizes() != b.sizes())
    throw ShapeError("images to compare: expected equal shapes, got " + shape_text(a) + " and " + shape_text(b));
}

double mean_squared_error(const at::Tensor& a, const at::Tensor& b) {
  check_image_pair(a, b);
  constexpr int64_t kPart = int64_t{1} << 20;  // values in double precision at a time
  const at::Tensor first = a.detach().reshape({-1}), second = b.detach().to(a.device()).reshape({-1});
  at::Tensor sum;
  for (int64_t begin = 0; begin < first.numel(); begin += kPart) {
    const int64_t count = std::min(kPart, first.numel() - begin);
    const at::Tensor difference = in_double(first.narrow(0, begin, count)) - in_double(second.narrow(0, begin, count));
    const at::Tensor part = difference.square().sum();
    sum = sum.defined() ? sum + part : part;
  }
  return sum.item<double>() / static_cast<double>(first.numel());
}

double psnr_db(const at::Tensor& a, const at::Tensor& b, double data_range) {
  return 10 * std::log10(data_range * data_range / mean_squared_error(a, b));
}

namespace {

/// The code as [N,K,positions], where it lies: on a GPU it is large, and a figure of it small.
at::Tensor code_columns(const at::Tensor& code) {
  const bool fits = code.defined() && (code.dim() == 3 || code.dim() == 4) && code.numel() > 0;
  if (!fits) throw ShapeError("code: expected [K, h, w] or [N, K, h, w] and not empty, got " + shape_text(code));
  const int64_t positions = code.size(-1) * code.size(-2);
  return code.detach().reshape({-1, code.size(-3), positions});
}

}  // namespace

double hoyer(const at::Tensor& code) {
  const at::Tensor columns = code_columns(code).to(at::kDouble);
  const double root = std::sqrt(static_cast<double>(columns.size(1)));
  if (columns.size(1) == 1) return 1;
  const at::Tensor l1 = columns.abs().sum(1);
  const at::Tensor l2 = columns.square().sum(1).sqrt();
  const at::Tensor sparsity = (root - l1 / l2) / (root - 1);
  return sparsity.masked_fill(l1 == 0, 1.0).mean().item<double>();
}

double nonzeros_per_position(const at::Tensor& code) {
  const at::Tensor columns = code_columns(code);
  return static_cast<double>(columns.count_nonzero().item<int64_t>()) /
         static_cast<double>(columns.size(0) * columns.size(2));
}

double zero_fraction(const at::Tensor& code) {
  const at::Tensor columns = code_columns(code);
  return 1 - static_cast<double>(columns.count_nonzero().item<int64_t>()) / static_cast<double>(columns.numel());
}

double fit_error(const at::Tensor& features, const at::Tensor& coded_features) {
  if (!features.defined() || !coded_features.defined() || features.sizes() != coded_features.sizes() ||
      features.numel() == 0)
    throw ShapeError("features and coded features: expected equal shapes and not empty, got " + shape_text(features) +
                     " and " + shape_text(coded_features));
  const at::Tensor wanted = plain(features);
  const double missed = (wanted - plain(coded_features)).square().sum().item<double>();
  const double total = wanted.square().sum().item<double>();
  if (total == 0) return missed == 0 ? 0 : std::numeric_limits<double>::infinity();
  return missed / total;
}

}  // namespace sscvae::metrics
