#include "sscvae/nn/codebook.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <algorithm>
#include <numeric>

#include "sscvae/array/shape.h"
#include "sscvae/core/error.h"
#include "sscvae/core/random.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/nn/autocast.h"
#include "sscvae/nn/map_rows.h"

namespace sscvae::nn {

namespace {

constexpr int64_t kDistances = 1 << 23;   // held at once
constexpr int64_t kRounds = 10;           // of Lloyd's algorithm
constexpr double kJitter = 1e-2;          // of the features' deviation, for codes that start from the same feature
constexpr double kSmallestUsage = 1e-12;  // below it a running mean keeps its code

at::Tensor code_maps_of(const at::Tensor& rows, const at::Tensor& positions) {
  return rows.reshape({positions.size(0), positions.size(1), positions.size(2), rows.size(1)})
      .permute({0, 3, 1, 2})
      .contiguous();
}

int64_t chunk_of(int64_t num_codes) { return std::max<int64_t>(1, kDistances / num_codes); }

at::Tensor nearest_codes(const at::Tensor& rows, const at::Tensor& codes) {
  const at::Tensor lengths = codes.square().sum(1);
  const int64_t chunk = chunk_of(codes.size(0));
  std::vector<at::Tensor> parts;
  for (int64_t first = 0; first < rows.size(0); first += chunk) {
    const at::Tensor some = rows.narrow(0, first, std::min(chunk, rows.size(0) - first));
    parts.push_back((lengths - 2 * at::mm(some, codes.t())).argmin(1));  // |x|^2 is the same for all codes
  }
  return parts.empty() ? at::empty({0}, rows.options().dtype(at::kLong)) : at::cat(parts);
}

struct Groups {
  at::Tensor counts, sums;  // [K], [K,d]
};

/// Number and sum of the rows of each code, by matrix products: the order of summation never depends on threads.
Groups group(const at::Tensor& rows, const at::Tensor& indices, int64_t num_codes) {
  Groups groups{at::zeros({num_codes}, rows.options()), at::zeros({num_codes, rows.size(1)}, rows.options())};
  const int64_t chunk = chunk_of(num_codes);
  for (int64_t first = 0; first < rows.size(0); first += chunk) {
    const int64_t count = std::min(chunk, rows.size(0) - first);
    const at::Tensor members =
        at::zeros({count, num_codes}, rows.options()).scatter_(1, indices.narrow(0, first, count).unsqueeze(1), 1.0);
    groups.counts += members.sum(0);
    groups.sums += at::mm(members.t(), rows.narrow(0, first, count));
  }
  return groups;
}

/// Rows by random choice without repetition, as far as they go.
at::Tensor chosen_rows(const at::Tensor& rows, int64_t count, uint64_t seed) {
  Random random(derive_seed(seed, "codebook features"));
  std::vector<int64_t> order(static_cast<size_t>(rows.size(0)));
  std::iota(order.begin(), order.end(), int64_t{0});
  for (size_t i = order.size(); i-- > 1;)
    std::swap(order[i], order[static_cast<size_t>(random.below(static_cast<int64_t>(i) + 1))]);
  std::vector<int64_t> picks;
  for (int64_t i = 0; i < count; ++i) picks.push_back(order[static_cast<size_t>(i) % order.size()]);
  const at::Tensor indices = at::from_blob(picks.data(), {count}, at::TensorOptions().dtype(at::kLong)).clone();
  at::Tensor chosen = rows.index_select(0, indices.to(rows.device()));
  if (rows.size(0) < count) {
    at::Generator generator = at::detail::createCPUGenerator(derive_seed(seed, "codebook jitter"));
    const at::Tensor noise = at::randn(chosen.sizes(), generator, at::TensorOptions().dtype(at::kFloat)).to(chosen);
    chosen = chosen + kJitter * rows.std(0, false) * noise;
  }
  return chosen;
}

/// Codes by number, without checks, which wait for a device.
at::Tensor gathered(const at::Tensor& indices, const at::Tensor& codebook) {
  return code_maps_of(codebook.index_select(0, indices.flatten()), indices);
}

}  // namespace

NearestCodes nearest_codes_of(const at::Tensor& features, const at::Tensor& codebook) {
  check_shape(features, "features", "N,d,h,w", {-1, codebook.size(1), -1, -1});
  NearestCodes result;
  {
    const at::NoGradGuard no_grad;
    result.indices =
        nearest_codes(rows_of(features), codebook).reshape({features.size(0), features.size(2), features.size(3)});
    result.quantized = gathered(result.indices, codebook);
  }
  // The value of the codes with the gradient of the features; adding zeros keeps the value exact.
  if (features.requires_grad()) result.quantized = result.quantized + (features - features.detach());
  return result;
}

at::Tensor codes_by_number(const at::Tensor& indices, const at::Tensor& codebook) {
  check_shape(indices, "indices", "N,h,w", {-1, -1, -1});
  if (indices.scalar_type() != at::kLong) throw ShapeError("indices: expected int64 values");
  const int64_t count = codebook.size(0);
  if (indices.numel() > 0 && (indices.min().item<int64_t>() < 0 || indices.max().item<int64_t>() >= count))
    throw UsageError("indices: expected numbers from 0 to " + std::to_string(count - 1));
  return gathered(indices, codebook);
}

at::Tensor codebook_loss(const at::Tensor& features, const at::Tensor& indices, const at::Tensor& codebook,
                         const networks::VectorQuantizerOptions& options) {
  const AutocastDisabled full_precision(features.device().type());
  const at::Tensor maps = to_full_precision(features), codes = gathered(indices, codebook);
  const at::Tensor commitment = options.commitment * (maps - codes.detach()).square().mean();
  if (options.update == networks::CodebookUpdate::kEma) return commitment;
  return (codes - maps.detach()).square().mean() + commitment;
}

CodebookUpdates::CodebookUpdates(networks::VectorQuantizerOptions options, uint64_t seed, at::Tensor codebook,
                                 at::Tensor usage, at::Tensor sums)
    : options_(options),
      seed_(derive_seed(seed, "codebook")),
      codebook_(std::move(codebook)),
      usage_(std::move(usage)),
      sums_(std::move(sums)) {}

void CodebookUpdates::restart_statistics() {
  const at::NoGradGuard no_grad;
  if (usage_.defined()) usage_.fill_(1.0 / static_cast<double>(options_.num_codes));
  if (sums_.defined()) sums_.copy_(codebook_ / static_cast<double>(options_.num_codes));
}

void CodebookUpdates::initialize(const at::Tensor& features) {
  if (options_.initialization == networks::CodebookInit::kUniform) return;
  const at::NoGradGuard no_grad;
  const AutocastDisabled full_precision(features.device().type());
  const at::Tensor rows = rows_of(to_full_precision(features));
  if (rows.size(0) == 0) return;
  at::Tensor codes = chosen_rows(rows, options_.num_codes, seed_);
  for (int64_t round = 0; options_.initialization == networks::CodebookInit::kKMeans && round < kRounds; ++round) {
    const Groups groups = group(rows, nearest_codes(rows, codes), options_.num_codes);
    const at::Tensor counts = groups.counts.unsqueeze(1);
    codes = at::where(counts > 0, groups.sums / counts.clamp_min(1), codes);
  }
  codebook_.copy_(codes);
  restart_statistics();
}

void CodebookUpdates::observe(const at::Tensor& features, const at::Tensor& indices) {
  if (!usage_.defined()) return;
  const at::NoGradGuard no_grad;
  const AutocastDisabled full_precision(features.device().type());
  const at::Tensor rows = rows_of(to_full_precision(features.detach()));
  const Groups groups = group(rows, indices.flatten(), options_.num_codes);
  noted_counts_ = noted_counts_.defined() ? noted_counts_ + groups.counts : groups.counts;
  noted_sums_ = noted_sums_.defined() ? noted_sums_ + groups.sums : groups.sums;
  noted_rows_ = rows;
  noted_positions_ += rows.size(0);
}

void CodebookUpdates::update(uint64_t seed) {
  if (noted_positions_ == 0) return;
  const at::NoGradGuard no_grad;
  const double share = (1 - options_.decay) / static_cast<double>(noted_positions_);
  usage_.mul_(options_.decay).add_(noted_counts_, share);
  if (sums_.defined()) {
    sums_.mul_(options_.decay).add_(noted_sums_, share);
    const at::Tensor usage = usage_.unsqueeze(1);
    codebook_.copy_(at::where(usage > kSmallestUsage, sums_ / usage.clamp_min(kSmallestUsage), codebook_));
  }
  if (options_.revival > 0) revive(seed);
  noted_counts_ = noted_sums_ = noted_rows_ = at::Tensor();
  noted_positions_ = 0;
}

void CodebookUpdates::revive(uint64_t seed) {
  const double even = 1.0 / static_cast<double>(options_.num_codes);
  const at::Tensor dead = (usage_ < options_.revival * even).nonzero().flatten();
  if (dead.numel() == 0) return;
  const at::Tensor replacements = chosen_rows(noted_rows_, dead.numel(), seed);
  codebook_.index_copy_(0, dead, replacements);
  usage_.index_fill_(0, dead, even);
  if (sums_.defined()) sums_.index_copy_(0, dead, replacements * even);
}

}  // namespace sscvae::nn
