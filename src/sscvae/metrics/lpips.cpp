#include "sscvae/metrics/lpips.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/max_pool2d.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <algorithm>
#include <map>
#include <mutex>

#include "sscvae/array/shape.h"
#include "sscvae/core/error.h"
#include "sscvae/core/shipped_files.h"
#include "sscvae/metrics/frozen_network.h"
#include "sscvae/metrics/planes.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/serialization/tensor_file.h"

namespace sscvae::metrics {

namespace {

/// A tile sees this much of its neighbours: more than the reach of the last layer (AlexNet -66 ... +96 pixels,
/// SqueezeNet -88 ... +118), and a multiple of the largest stride.
constexpr int64_t kOverlap = 128;
constexpr int64_t kLargestStride = 16;

using Convolution = std::shared_ptr<FrozenConvolution>;

Convolution convolution(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t padding) {
  return std::make_shared<FrozenConvolution>(in, out, std::vector{kernel, kernel}, stride,
                                             std::vector{padding, padding}, true);
}

std::function<at::Tensor(const at::Tensor&)> rectified(Convolution layer) {
  return [layer](const at::Tensor& x) { return at::relu(layer->forward(x)); };
}

std::function<at::Tensor(const at::Tensor&)> pool(bool ceil_mode) {
  return [ceil_mode](const at::Tensor& x) { return at::max_pool2d(x, {3, 3}, {2, 2}, {0, 0}, {1, 1}, ceil_mode); };
}

/// SqueezeNet's block: 1x1 to few channels, then 1x1 and 3x3 side by side.
struct Fire : torch::nn::Module {
  Fire(int64_t in, int64_t squeezed, int64_t expanded)
      : squeeze(register_module("squeeze", convolution(in, squeezed, 1, 1, 0))),
        expand1x1(register_module("expand1x1", convolution(squeezed, expanded, 1, 1, 0))),
        expand3x3(register_module("expand3x3", convolution(squeezed, expanded, 3, 1, 1))) {}
  at::Tensor forward(const at::Tensor& input) const {
    const at::Tensor few = at::relu(squeeze->forward(input));
    return at::relu(at::cat({expand1x1->forward(few), expand3x3->forward(few)}, 1));
  }
  Convolution squeeze, expand1x1, expand3x3;
};

at::Tensor unit_vectors(const at::Tensor& features) {
  return features / (at::linalg_vector_norm(features, 2, at::IntArrayRef{1}, true) + 1e-10);
}

struct GroupImpl : torch::nn::Module {};

}  // namespace

int64_t smallest_side(LpipsNet net) { return net == LpipsNet::kAlex ? 31 : 17; }

std::string weights_file(LpipsNet net) {
  return net == LpipsNet::kAlex ? "lpips/lpips_alex_v0.1.safetensors" : "lpips/lpips_squeeze_v0.1.safetensors";
}

LpipsImpl::LpipsImpl(LpipsNet net) : net_(net) {
  // Constants of the method, not weights: no part of the state dict.
  shift_ = at::tensor({-0.030, -0.088, -0.188}, at::kDouble).view({1, 3, 1, 1});
  scale_ = at::tensor({0.458, 0.448, 0.450}, at::kDouble).view({1, 3, 1, 1});
  features_ = register_module("features", std::make_shared<GroupImpl>());
  const bool alex = net == LpipsNet::kAlex;
  alex ? build_alex() : build_squeeze();
  const std::vector<int64_t> channels =
      alex ? std::vector<int64_t>{64, 192, 384, 256, 256} : std::vector<int64_t>{64, 128, 256, 384, 384, 512, 512};
  for (size_t layer = 0; layer < channels.size(); ++layer) {
    const auto head = register_module("lin" + std::to_string(layer), std::make_shared<GroupImpl>());
    heads_.push_back(head->register_parameter("weight", at::zeros({channels[layer]}), false));
  }
  eval();
}

void LpipsImpl::add_step(Step step) {
  if (step.stride > 0) strides_.push_back(step.stride);
  steps_.push_back(std::move(step));
}

void LpipsImpl::build_alex() {
  const auto add = [this](const char* name, Convolution layer, int64_t stride) {
    add_step({rectified(features_->register_module(name, layer)), stride});
  };
  add("0", convolution(3, 64, 11, 4, 2), 4);
  add_step({pool(false)});
  add("3", convolution(64, 192, 5, 1, 2), 8);
  add_step({pool(false)});
  add("6", convolution(192, 384, 3, 1, 1), 16);
  add("8", convolution(384, 256, 3, 1, 1), 16);
  add("10", convolution(256, 256, 3, 1, 1), 16);
}

void LpipsImpl::build_squeeze() {
  const auto add = [this](const char* name, int64_t in, int64_t squeezed, int64_t expanded, int64_t stride) {
    const auto fire = features_->register_module(name, std::make_shared<Fire>(in, squeezed, expanded));
    add_step({[fire](const at::Tensor& x) { return fire->forward(x); }, stride});
  };
  add_step({rectified(features_->register_module("0", convolution(3, 64, 3, 2, 0))), 2});
  add_step({pool(true)});
  add("3", 64, 16, 64, 0);
  add("4", 128, 16, 64, 4);
  add_step({pool(true)});
  add("6", 128, 32, 128, 0);
  add("7", 256, 32, 128, 8);
  add_step({pool(true)});
  add("9", 256, 48, 192, 16);
  add("10", 384, 48, 192, 16);
  add("11", 384, 64, 256, 16);
  add("12", 512, 64, 256, 16);
}

void LpipsImpl::check(const at::Tensor& a, const at::Tensor& b) const {
  check_shape(a, "lpips: image", "N,3,H,W", {-1, 3, -1, -1});
  if (!b.defined() || a.sizes() != b.sizes())
    throw ShapeError("lpips: expected equal shapes, got " + shape_text(a) + " and " + shape_text(b));
  const int64_t least = smallest_side(net_);
  if (a.size(0) > 0 && a.size(2) >= least && a.size(3) >= least) return;
  const std::string side = std::to_string(least);
  throw ShapeError("lpips: expected images of at least " + side + "x" + side + " pixels, got " +
                   std::to_string(a.size(3)) + "x" + std::to_string(a.size(2)));
}

std::vector<at::Tensor> LpipsImpl::distance_maps(const at::Tensor& a, const at::Tensor& b) {
  check(a, b);
  const at::Tensor shift = shift_.to(a.options()), scale = scale_.to(a.options());
  at::Tensor x = (a - shift) / scale, y = (b - shift) / scale;
  std::vector<at::Tensor> maps;
  for (const Step& step : steps_) {
    x = step.run(x);
    y = step.run(y);
    if (step.stride == 0) continue;
    const at::Tensor weights = heads_[maps.size()].view({1, -1, 1, 1});
    maps.push_back(((unit_vectors(x) - unit_vectors(y)).square() * weights).sum(1));
  }
  return maps;
}

at::Tensor LpipsImpl::forward(const at::Tensor& a, const at::Tensor& b) {
  at::Tensor distance;
  for (const at::Tensor& map : distance_maps(a, b)) {
    const at::Tensor mean = map.mean({1, 2});
    distance = distance.defined() ? distance + mean : mean;
  }
  return distance;
}

namespace {

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

at::Tensor cut(const at::Tensor& image, const Span& rows, const Span& columns) {
  return image.narrow(2, rows.fed, rows.fed_end - rows.fed).narrow(3, columns.fed, columns.fed_end - columns.fed);
}

}  // namespace

at::Tensor LpipsImpl::tiled_distance(const at::Tensor& a, const at::Tensor& b, int64_t tile) {
  check(a, b);
  SSCVAE_ASSERT(tile > 0 && tile % kLargestStride == 0);
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> sums(strides_.size(), at::zeros({a.size(0)}, a.options().dtype(at::kDouble)));
  std::vector<int64_t> counts(strides_.size(), 0);
  for (const Span& rows : spans(a.size(2), tile))
    for (const Span& columns : spans(a.size(3), tile)) {
      const std::vector<at::Tensor> maps = distance_maps(cut(a, rows, columns), cut(b, rows, columns));
      for (size_t layer = 0; layer < maps.size(); ++layer) {
        const auto [top, height] = rows.own_positions(strides_[layer], maps[layer].size(1));
        const auto [left, width] = columns.own_positions(strides_[layer], maps[layer].size(2));
        if (height == 0 || width == 0) continue;
        const at::Tensor own = maps[layer].narrow(1, top, height).narrow(2, left, width);
        sums[layer] = sums[layer] + own.to(at::kDouble).sum({1, 2});
        counts[layer] += height * width;
      }
    }
  at::Tensor distance = at::zeros_like(sums.front());
  for (size_t layer = 0; layer < sums.size(); ++layer)
    distance = distance + sums[layer] / static_cast<double>(counts[layer]);
  return distance;
}

Lpips load_lpips(LpipsNet net, const std::filesystem::path& path) {
  Lpips lpips(net);
  load_network(*lpips, serialization::read_tensor_file(path).tensors, path.string());
  return lpips;
}

Lpips shipped_lpips(LpipsNet net) {
  static std::mutex mutex;
  static std::map<std::string, Lpips> loaded;
  const std::string path = find_shipped_file(weights_file(net));
  if (path.empty())
    throw IoError("lpips: no weights file '" + weights_file(net) +
                  "' among the shipped weights (SSCVAE_MODELS names their folder)");
  const std::lock_guard<std::mutex> lock(mutex);
  const auto found = loaded.find(path);
  return found != loaded.end() ? found->second : loaded.emplace(path, load_lpips(net, path)).first->second;
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
  const at::Tensor first = fed(a), second = fed(b);
  Lpips network = shipped_lpips(net);
  double sum = 0;
  for (int64_t i = 0; i < first.size(0); ++i)
    sum += network->tiled_distance(first.narrow(0, i, 1), second.narrow(0, i, 1)).item<double>();
  return sum / static_cast<double>(first.size(0));
}

}  // namespace sscvae::metrics
