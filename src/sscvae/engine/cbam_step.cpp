#include <algorithm>
#include <vector>

#include "sscvae/array/array.h"
#include "sscvae/array/elementwise.h"
#include "sscvae/array/parallel.h"
#include "sscvae/array/products.h"
#include "sscvae/array/reductions.h"
#include "sscvae/engine/steps.h"

namespace sscvae::engine {

namespace {

using graph::Value;

constexpr int64_t kPixelsAtOnce = 1024;

/// Channel attention, then spatial attention, in three passes over the map.
class CbamStep : public Step {
 public:
  CbamStep(const graph::Node& node, Value makes)
      : Step(node.name, "cbam", node.inputs, makes), op_(std::get<graph::Cbam>(node.operation)) {
    op_.convolution = op_.convolution.contiguous();
  }
  void run(Pass& pass) const override {
    const Array x = pass.map(inputs[0], kFloat32), out = pass.arena.map(x.sizes(), kFloat32);
    const int64_t channels = x.size(1), pixels = x.size(2) * x.size(3);
    const Array summary = Array::empty({2, pixels}), gate = Array::empty({pixels});
    for (int64_t n = 0; n < x.size(0); ++n) {
      const float* from = x.data<float>() + n * pixels * channels;
      float* to = out.data<float>() + n * pixels * channels;
      const Array factors = channel_factors(from, pixels, channels);
      refine(from, factors.data<float>(), pixels, channels, to, summary.data<float>());
      blend(summary.data<float>(), x.size(2), x.size(3), gate.data<float>());
      const Array gates = sigmoid(gate);
      parallel_for(0, pixels, kPixelsAtOnce, [&](int64_t begin, int64_t end) {
        for (int64_t p = begin; p < end; ++p)
          for (int64_t c = 0; c < channels; ++c) to[p * channels + c] *= gates.data<float>()[p];
      });
    }
    pass.values[static_cast<size_t>(output)] = out;
  }
  int64_t macs(const Array& result) const override {  // two descriptors through both layers; then the map
    return result.size(0) * 2 * (op_.squeeze.numel() + op_.excite.numel()) +
           op_.convolution.numel() * positions_of(result);
  }

 private:
  /// sigmoid of what the perceptron makes of the mean and of the largest number of each channel: [C].
  Array channel_factors(const float* x, int64_t pixels, int64_t channels) const {
    const int64_t parts = (pixels + kPixelsAtOnce - 1) / kPixelsAtOnce;
    const Array sums = Array::zeros({parts, channels}), largest = Array::empty({parts, channels});
    parallel_for(0, parts, 1, [&](int64_t begin, int64_t end) {
      for (int64_t part = begin; part < end; ++part) {
        const int64_t first = part * kPixelsAtOnce, last = std::min(first + kPixelsAtOnce, pixels);
        float* sum = sums.data<float>() + part * channels;
        float* most = largest.data<float>() + part * channels;
        std::copy_n(x + first * channels, channels, most);
        for (int64_t p = first; p < last; ++p)
          for (int64_t c = 0; c < channels; ++c) {
            const float value = x[p * channels + c];
            sum[c] += value;
            most[c] = value > most[c] || value != value ? value : most[c];
          }
      }
    });
    const Array mean = sscvae::sum(sums, {0}, true) / static_cast<double>(pixels), top = amax(largest, {0}, true);
    const auto perceptron = [&](const Array& descriptor) {
      return linear(relu(linear(descriptor, op_.squeeze)), op_.excite);
    };
    return sigmoid(perceptron(mean) + perceptron(top)).contiguous();
  }

  /// out = x factors; summary [2][pixels] of the mean and the largest channel of what spatial attention sees.
  void refine(const float* x, const float* factors, int64_t pixels, int64_t channels, float* out,
              float* summary) const {
    const bool refined = op_.spatial_input == graph::SpatialInput::kRefined;
    parallel_for(0, pixels, kPixelsAtOnce, [&](int64_t begin, int64_t end) {
      for (int64_t p = begin; p < end; ++p) {
        const float* from = x + p * channels;
        float* to = out + p * channels;
        for (int64_t c = 0; c < channels; ++c) to[c] = from[c] * factors[c];
        const float* seen = refined ? to : from;
        float sums[8] = {}, most[8];
        std::fill_n(most, 8, seen[0]);
        int64_t c = 0;
        for (; c + 8 <= channels; c += 8)
          for (int64_t j = 0; j < 8; ++j) {
            sums[j] += seen[c + j];
            most[j] = seen[c + j] > most[j] || seen[c + j] != seen[c + j] ? seen[c + j] : most[j];
          }
        for (; c < channels; ++c) {
          sums[0] += seen[c];
          most[0] = seen[c] > most[0] || seen[c] != seen[c] ? seen[c] : most[0];
        }
        float sum = 0, top = most[0];
        for (int64_t j = 0; j < 8; ++j) {
          sum += sums[j];
          top = most[j] > top || most[j] != most[j] ? most[j] : top;
        }
        summary[p] = sum / static_cast<float>(channels);
        summary[pixels + p] = top;
      }
    });
  }

  /// The convolution of the summary with [1,2,k,k].
  void blend(const float* summary, int64_t height, int64_t width, float* gate) const {
    const int64_t side = op_.convolution.size(2), before = side / 2;
    const float* filter = op_.convolution.data<float>();
    parallel_for(0, height, std::max<int64_t>(1, kPixelsAtOnce / width), [&](int64_t begin, int64_t end) {
      for (int64_t y = begin; y < end; ++y) {
        float* line = gate + y * width;
        std::fill_n(line, width, 0.0F);
        for (int64_t i = 0; i < 2 * side * side; ++i) {
          const int64_t row = y + i / side % side - before, shift = i % side - before;
          if (row < 0 || row >= height) continue;
          const float* from = summary + (i / (side * side) * height + row) * width + shift;
          const int64_t first = std::max<int64_t>(0, -shift), last = std::min(width, width - shift);
          for (int64_t p = first; p < last; ++p) line[p] += filter[i] * from[p];
        }
      }
    });
  }

  graph::Cbam op_;
};

}  // namespace

StepPtr make_cbam(const graph::Node& node, Value output) { return std::make_unique<CbamStep>(node, output); }

}  // namespace sscvae::engine
