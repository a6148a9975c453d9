#include "sscvae/metrics/lpips.h"

#include <algorithm>
#include <map>
#include <mutex>

#include "sscvae/array/reductions.h"
#include "sscvae/array/shape.h"
#include "sscvae/core/error.h"
#include "sscvae/core/shipped_files.h"
#include "sscvae/metrics/feature_weights.h"
#include "sscvae/metrics/planes.h"
#include "sscvae/networks/bind.h"
#include "sscvae/networks/feature_networks.h"
#include "sscvae/serialization/tensor_file.h"

namespace sscvae::metrics {

namespace {

/// A tile sees this much of its neighbours: more than the reach of the last layer (AlexNet -66 ... +96 pixels,
/// SqueezeNet -88 ... +118), and a multiple of the largest stride.
constexpr int64_t kOverlap = 128;
constexpr int64_t kLargestStride = 16;

/// (x - shift) / scale.
Array normalised(const Array& images) {
  const Array result = Array::empty(images.sizes());
  for (int64_t c = 0; c < 3; ++c) result.select(1, c).copy_((images.select(1, c) - kLpipsShift[c]) / kLpipsScale[c]);
  return result;
}

std::vector<int64_t> strides_of(LpipsNet net) {
  if (net == LpipsNet::kAlex) return {4, 8, 16, 16, 16};
  return {2, 4, 8, 16, 16, 16, 16};
}

graph::Graph bound_features(const LpipsWeights& weights) {
  return networks::bind(weights.network, [&](const std::string& name) { return weights.tensors.at(name); });
}

/// One axis of a tile: the pixels that are fed and those that are the tile's own.
struct Span {
  int64_t fed, fed_end, own, own_end;
  bool last;

  /// The tile's own positions in a map of `count` positions over the fed pixels: first and how many.
  std::pair<int64_t, int64_t> own_positions(int64_t stride, int64_t count) const {
    const int64_t first = own / stride - fed / stride;
    const int64_t end = last ? count : std::min(count, own_end / stride - fed / stride);
    return {std::min(first, count), std::max<int64_t>(0, end - first)};
  }
};

std::vector<Span> spans(int64_t size, int64_t tile) {
  std::vector<Span> found;
  for (int64_t own = 0; own < size; own += tile) {
    const int64_t end = std::min(size, own + tile);
    found.push_back(
        {std::max<int64_t>(0, own - kOverlap), std::min(size, own + tile + kOverlap), own, end, end == size});
  }
  return found;
}

Array cut(const Array& image, const Span& rows, const Span& columns) {
  return image.narrow(2, rows.fed, rows.fed_end - rows.fed).narrow(3, columns.fed, columns.fed_end - columns.fed);
}

/// The network with the weights that came with the program, loaded once and kept; one thread at a time may use it.
/// Errors: IoError naming the file where it is not there; FormatError.
Lpips& shipped_lpips(LpipsNet net) {
  static std::map<std::string, Lpips> loaded;
  const std::string path = find_shipped_file(weights_file(net));
  if (path.empty())
    throw IoError("lpips: no weights file '" + weights_file(net) +
                  "' among the shipped weights (SSCVAE_MODELS names their folder)");
  const auto found = loaded.find(path);
  return found != loaded.end() ? found->second : loaded.emplace(path, load_lpips(net, path)).first->second;
}

}  // namespace

int64_t smallest_side(LpipsNet net) { return net == LpipsNet::kAlex ? 31 : 17; }

std::string weights_file(LpipsNet net) {
  return net == LpipsNet::kAlex ? "lpips/lpips_alex_v0.1.safetensors" : "lpips/lpips_squeeze_v0.1.safetensors";
}

LpipsWeights load_lpips(LpipsNet net, const std::filesystem::path& path) {
  LpipsWeights weights{
      net == LpipsNet::kAlex ? networks::alexnet_features() : networks::squeezenet_features(), {}, net};
  Expected expected = expected_of(weights.network);
  for (size_t layer = 0; layer < weights.network.graph.outputs.size(); ++layer) {
    const auto value = static_cast<size_t>(weights.network.graph.outputs[layer]);
    expected.emplace_back("lin" + std::to_string(layer) + ".weight", Sizes{weights.network.channels[value]});
  }
  weights.tensors = checked_weights(expected, serialization::read_tensor_file(path).tensors, path.string());
  return weights;
}

void check_lpips_images(LpipsNet net, const Array& a, const Array& b) {
  check_shape(a, "lpips: image", "N,3,H,W", {-1, 3, -1, -1});
  if (!b.defined() || a.sizes() != b.sizes())
    throw ShapeError("lpips: expected equal shapes, got " + shape_text(a) + " and " + shape_text(b));
  const int64_t least = smallest_side(net);
  if (a.size(0) > 0 && a.size(2) >= least && a.size(3) >= least) return;
  const std::string side = std::to_string(least);
  throw ShapeError("lpips: expected images of at least " + side + "x" + side + " pixels, got " +
                   std::to_string(a.size(3)) + "x" + std::to_string(a.size(2)));
}

Lpips::Lpips(const LpipsWeights& weights)
    : net_(weights.net), strides_(strides_of(net_)), engine_(bound_features(weights), engine::Precision::kFp32) {
  for (size_t layer = 0; layer < strides_.size(); ++layer) heads_.push_back(weights.head(layer));
}

std::vector<Array> Lpips::distance_maps(const Array& a, const Array& b) {
  const std::vector<Array> x = engine_.run(normalised(a)).outputs, y = engine_.run(normalised(b)).outputs;
  std::vector<Array> maps;
  for (size_t layer = 0; layer < x.size(); ++layer) maps.push_back(lpips_map(x[layer], y[layer], heads_[layer]));
  return maps;
}

Array Lpips::distance(const Array& a, const Array& b) {
  check_lpips_images(net_, a, b);
  const Array sums = Array::zeros({a.size(0)}, kFloat64);
  for (const Array& map : distance_maps(a, b)) sums += mean(map.to(kFloat64), {1, 2});
  return sums;
}

Array Lpips::tiled_distance(const Array& a, const Array& b, int64_t tile) {
  check_lpips_images(net_, a, b);
  SSCVAE_ASSERT(tile > 0 && tile % kLargestStride == 0);
  std::vector<Array> sums;
  for (size_t layer = 0; layer < strides_.size(); ++layer) sums.push_back(Array::zeros({a.size(0)}, kFloat64));
  std::vector<int64_t> counts(strides_.size(), 0);
  for (const Span& rows : spans(a.size(2), tile))
    for (const Span& columns : spans(a.size(3), tile)) {
      const std::vector<Array> maps = distance_maps(cut(a, rows, columns), cut(b, rows, columns));
      for (size_t layer = 0; layer < maps.size(); ++layer) {
        const auto [top, height] = rows.own_positions(strides_[layer], maps[layer].size(1));
        const auto [left, width] = columns.own_positions(strides_[layer], maps[layer].size(2));
        if (height == 0 || width == 0) continue;
        sums[layer] += sum(maps[layer].narrow(1, top, height).narrow(2, left, width).to(kFloat64), {1, 2});
        counts[layer] += height * width;
      }
    }
  const Array distance = Array::zeros({a.size(0)}, kFloat64);
  for (size_t layer = 0; layer < sums.size(); ++layer) distance += sums[layer] / static_cast<double>(counts[layer]);
  return distance;
}

Array three_channels(const Array& images) {
  const bool fits = images.defined() && images.dim() == 4 && (images.size(1) == 1 || images.size(1) == 3);
  if (!fits) throw ShapeError("images: expected [N, 1, H, W] or [N, 3, H, W], got " + shape_text(images));
  return images.expand({-1, 3, -1, -1});
}

double lpips(const Array& a, const Array& b, LpipsNet net, bool centred) {
  check_image_pair(a, b);
  const auto fed = [centred](const Array& image) {
    const Array values = plain(image.dim() == 3 ? image.unsqueeze(0) : image, kFloat32);
    return three_channels(centred ? 2.0 * values - 1.0 : values);
  };
  const Array first = fed(a), second = fed(b);
  static std::mutex mutex;
  const std::lock_guard<std::mutex> lock(mutex);
  Lpips& network = shipped_lpips(net);
  double total = 0;
  for (int64_t i = 0; i < first.size(0); ++i)
    total += network.tiled_distance(first.narrow(0, i, 1), second.narrow(0, i, 1)).item<double>();
  return total / static_cast<double>(first.size(0));
}

}  // namespace sscvae::metrics
