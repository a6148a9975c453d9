#pragma once

#include <ATen/autocast_mode.h>
#include <ATen/core/Tensor.h>

#include <optional>

/// Maps [N,C,h,w] as matrices with a row of channels for each position, which is how our kernels read them.
namespace sscvae::nn {

/// Does it lie on the CPU in float32, with no automatic casting to other types?
inline bool is_plain_float(const at::Tensor& x) {
  return x.is_cpu() && x.scalar_type() == at::kFloat && !at::autocast::is_autocast_enabled(at::kCPU);
}

inline at::Tensor channels_last(const at::Tensor& map) { return map.contiguous(at::MemoryFormat::ChannelsLast); }

/// What functions with a backward pass of their own take where a tensor may be missing.
inline std::optional<at::Tensor> if_defined(const at::Tensor& x) {
  return x.defined() ? std::optional<at::Tensor>(x) : std::nullopt;
}

/// [N,C,h,w] -> [N h w,C], without a copy where memory is channels-last.
inline at::Tensor rows_of(const at::Tensor& map) {
  return channels_last(map).permute({0, 2, 3, 1}).reshape({-1, map.size(1)});
}

/// Rows as a map with the N, h and w of `size`.
inline at::Tensor map_of_rows(const at::Tensor& rows, at::IntArrayRef size) {
  return rows.view({size[0], size[2], size[3], rows.size(1)}).permute({0, 3, 1, 2});
}

}  // namespace sscvae::nn
