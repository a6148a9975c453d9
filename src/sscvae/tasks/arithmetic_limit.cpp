#include "sscvae/tasks/arithmetic_limit.h"

#include <algorithm>
#include <chrono>
#include <limits>

#include "sscvae/array/array.h"
#include "sscvae/core/text.h"
#include "sscvae/engine/engine.h"

namespace sscvae::tasks {

namespace {

constexpr int64_t kChannels = 2048, kHeight = 32, kWidth = 64;  // as many positions as channels
constexpr int kMostProducts = 20;
constexpr double kSeconds = 0.4;

/// A convolution of side 1 is the product of two matrices.
graph::Graph one_product() {
  graph::Convolution convolution{Array::full({kChannels, kChannels, 1, 1}, 0.25), Array::zeros({kChannels})};
  graph::Graph graph;
  graph.in_channels = kChannels;
  graph.nodes = {{graph::Input{}, {}, "matrix"}, {convolution, {0}, "product"}};
  graph.reconstruction = 1;
  return graph;
}

}  // namespace

ArithmeticLimit arithmetic_limit_of(const std::function<void()>& product, int64_t side, const std::string& type) {
  using Clock = std::chrono::steady_clock;
  const auto since = [](Clock::time_point begin) {
    return std::chrono::duration<double>(Clock::now() - begin).count();
  };
  product();
  double best = std::numeric_limits<double>::infinity();
  int products = 0;
  for (const auto begin = Clock::now(); products == 0 || (products < kMostProducts && since(begin) < kSeconds);
       ++products) {
    const auto start = Clock::now();
    product();
    best = std::min(best, since(start));
  }
  const auto length = static_cast<double>(side);
  return {2 * length * length * length / best / 1e9,
          format("best of %d products of %lld x %lld matrices, %s", products, static_cast<long long>(side),
                 static_cast<long long>(side), type.c_str())};
}

ArithmeticLimit measure_arithmetic_limit(bool bf16) {
  engine::Engine engine(one_product(), bf16 ? engine::Precision::kBf16 : engine::Precision::kFp32);
  const Array matrix = Array::full({1, kChannels, kHeight, kWidth}, 0.5);
  return arithmetic_limit_of([&] { engine.run(matrix); }, kChannels, bf16 ? "bfloat16" : "float32");
}

}  // namespace sscvae::tasks
