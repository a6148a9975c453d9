// Times convolutions of training, ours and LibTorch's (oneDNN), interleaved, the best of several rounds: forwards, the
// gradient of the input (ours is the same kernel with turned weights) and the gradient of the weight, in GFLOP/s as if
// multiplied directly. In float32, 3x3 kernels only.
//   sscvae_convolution_benchmark bf16|fp32 [rounds] [batch]
#include <torch/types.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "sscvae/kernels/bfloat16_convolution.h"
#include "sscvae/kernels/bfloat16_weight_gradient.h"
#include "sscvae/kernels/winograd.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/nn/tensor_allocator.h"

namespace {

using namespace sscvae;

struct Shape {
  int64_t ins, outs, side, kernel;
};

double seconds(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

void run_ours(const at::Tensor& x, const at::Tensor& weight, at::Tensor& y) {
  const kernels::Taps taps = weight.size(2) == 3 ? kernels::Taps{3, 3, -1, -1} : kernels::Taps{};
  if (x.scalar_type() == at::kFloat) kernels::Winograd(weight, {}).run(x, y, {});
  else kernels::Bfloat16Convolution(weight, {}, taps).run(x, y, {});
}

void our_weight_gradient(const at::Tensor& x, const at::Tensor& dy, int64_t kernel) {
  if (x.scalar_type() == at::kFloat) kernels::winograd_weight_gradient(x, dy, false);
  else kernels::bfloat16_weight_gradient(x, dy, kernel, false);
}

void measure(const Shape& s, at::ScalarType type, int rounds, int64_t batch) {
  const auto map = [&](int64_t channels) {
    return torch::randn({batch, channels, s.side, s.side}).to(type).contiguous(at::MemoryFormat::ChannelsLast);
  };
  const at::Tensor x = map(s.ins), dy = map(s.outs), weight = torch::randn({s.outs, s.ins, s.kernel, s.kernel}) * 0.02;
  const at::Tensor rounded = weight.to(type).contiguous(at::MemoryFormat::ChannelsLast);
  at::Tensor y = at::empty_like(dy);
  const auto theirs = [&](bool input, bool of_weight) {
    at::convolution_backward(dy, x, rounded, std::nullopt, {1, 1}, {s.kernel / 2, s.kernel / 2}, {1, 1}, false, {0, 0},
                             1, {input, of_weight, false});
  };
  const std::vector<std::function<void()>> works{
      [&] { run_ours(x, weight, y); },
      [&] { at::conv2d(x, rounded, {}, 1, s.kernel / 2); },
      [&] { our_weight_gradient(x, dy, s.kernel); },
      [&] { theirs(false, true); },
      [&] { theirs(true, false); },
  };
  std::vector<double> best(works.size(), std::numeric_limits<double>::infinity());
  for (int round = 0; round < rounds; ++round)
    for (size_t i = 0; i < works.size(); ++i) best[i] = std::min(best[i], seconds(works[i]));
  const double gflop = 2e-9 * static_cast<double>(weight.numel() * batch * s.side * s.side);
  std::printf("%4lld -> %4lld, %3lld x %3lld, %lldx%lld:", static_cast<long long>(s.ins),
              static_cast<long long>(s.outs), static_cast<long long>(s.side), static_cast<long long>(s.side),
              static_cast<long long>(s.kernel), static_cast<long long>(s.kernel));
  const char* names[] = {"forward", "oneDNN", "weight", "oneDNN", "input (oneDNN)"};
  for (size_t i = 0; i < works.size(); ++i) std::printf("  %s %6.0f", names[i], gflop / best[i]);
  std::printf("\n");
}

}  // namespace

int main(int argc, char** argv) {
  sscvae::nn::use_tensor_heap();  // as the program
  const std::string precision = argc > 1 ? argv[1] : "";
  if (precision != "fp32" && precision != "bf16") {
    std::fprintf(stderr, "usage: %s bf16|fp32 [rounds] [batch]\n", argv[0]);
    return 2;
  }
  if (precision == "bf16" && !kernels::has_bfloat16_kernels()) {
    std::fprintf(stderr, "needs a processor with AVX512_BF16\n");
    return 1;
  }
  const at::ScalarType type = precision == "fp32" ? at::kFloat : at::kBFloat16;
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 3, batch = argc > 3 ? std::atoi(argv[3]) : 4;
  for (const Shape& shape : {Shape{128, 512, 256, 3},
                             {128, 64, 256, 3},
                             {64, 128, 256, 1},
                             {512, 512, 128, 3},
                             {512, 512, 64, 3},
                             {512, 256, 32, 3},
                             {256, 512, 32, 1},
                             {128, 128, 256, 3},
                             {64, 64, 8, 3},
                             {16, 16, 64, 3}})
    if (shape.kernel == 3 || type == at::kBFloat16) measure(shape, type, rounds, batch);
  return 0;
}
