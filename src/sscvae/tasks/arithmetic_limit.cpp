#include "sscvae/tasks/arithmetic_limit.h"

#include <ATen/Context.h>
#include <ATen/ops/full.h>
#include <ATen/ops/mm.h>
#include <c10/core/InferenceMode.h>
#include <c10/core/TensorOptions.h>

#include <algorithm>
#include <chrono>
#include <limits>

#include "sscvae/core/text.h"
#include "sscvae/nn/arrays.h"

namespace sscvae::tasks {

namespace {

constexpr int64_t kMatrixSide = 2048, kMatrixSideOnGpu = 8192;
constexpr int kMostProducts = 20;
constexpr double kSeconds = 0.4;

}  // namespace

void finish_work(c10::Device device) {
  if (device.is_cuda()) at::detail::getCUDAHooks().deviceSynchronize(device.has_index() ? device.index() : 0);
}

ArithmeticLimit measure_arithmetic_limit(c10::Device device, bool bf16) {
  using Clock = std::chrono::steady_clock;
  const auto since = [](Clock::time_point begin) {
    return std::chrono::duration<double>(Clock::now() - begin).count();
  };
  const c10::InferenceMode no_gradients;
  const auto options = at::TensorOptions(bf16 ? at::kBFloat16 : at::kFloat).device(device);
  const int64_t length = device.is_cuda() ? kMatrixSideOnGpu : kMatrixSide;
  const at::Tensor left = at::full({length, length}, 0.5, options), right = at::full({length, length}, 0.25, options);
  at::mm(left, right);
  finish_work(device);
  double best = std::numeric_limits<double>::infinity();
  int products = 0;
  for (const auto begin = Clock::now(); products == 0 || (products < kMostProducts && since(begin) < kSeconds);
       ++products) {
    const auto start = Clock::now();
    at::mm(left, right);
    finish_work(device);
    best = std::min(best, since(start));
  }
  const auto side = static_cast<double>(length);
  return {2 * side * side * side / best / 1e9,
          format("best of %d products of %lld x %lld matrices, %s", products, static_cast<long long>(length),
                 static_cast<long long>(length), bf16 ? "bfloat16" : "float32")};
}

}  // namespace sscvae::tasks
