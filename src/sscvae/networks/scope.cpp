#include "sscvae/networks/scope.h"

#include <algorithm>

#include "sscvae/array/array.h"
#include "sscvae/core/error.h"
#include "sscvae/core/text.h"

namespace sscvae::networks {

namespace {

constexpr double kNormEpsilon = 1e-5;

Array placeholder(const Sizes& shape, Role role) {
  return Array::placeholder(shape, role == Role::kCounter ? kInt64 : kFloat32);
}

Start filters(const ConvolutionShape& shape) { return {Start::Rule::kKaiming, shape.start}; }

/// Drawn even if they start as 0, so that later draws stay the same.
Start biases(const ConvolutionShape& shape, int64_t fan_in) {
  return {Start::Rule::kFanIn, shape.start == 1 ? 1.0 : 0.0, fan_in};
}

bool is_same(const Derived& a, const Derived& b) {
  const auto same = [](const Array& x, const Array& y) { return x.placeholder_id() == y.placeholder_id(); };
  return a.kind == b.kind && std::equal(a.from.begin(), a.from.end(), b.from.begin(), b.from.end(), same) &&
         a.first == b.first && a.count == b.count && a.factor == b.factor && a.activation == b.activation;
}

}  // namespace

Scope::Scope() : network_(std::make_shared<Network>()) {}

std::string Scope::below(const std::string& name) const {
  if (path_.empty() || name.empty()) return path_ + name;
  return path_ + "." + name;
}

Scope Scope::in(const std::string& name) const {
  Scope scope = *this;
  scope.path_ = below(name);
  return scope;
}

Value Scope::add(graph::Operation operation, std::vector<Value> inputs, int64_t channels,
                 const std::string& name) const {
  graph().nodes.push_back({std::move(operation), std::move(inputs), below(name)});
  network_->channels.push_back(channels);
  return static_cast<Value>(network_->channels.size()) - 1;
}

Array Scope::declare(const std::string& name, const Sizes& shape, const Start& start, Role role) const {
  network_->weights.push_back({below(name), placeholder(shape, role), start, role});
  return network_->weights.back().placeholder;
}

Array Scope::derive(Derived derived, const Sizes& shape) const {
  for (const Derived& other : network_->derived)
    if (is_same(other, derived) && other.placeholder.sizes() == shape) return other.placeholder;
  derived.placeholder = placeholder(shape, Role::kBuffer);
  network_->derived.push_back(std::move(derived));
  return network_->derived.back().placeholder;
}

Value Scope::image(int64_t channels) const {
  graph().in_channels = channels;
  return add(graph::Input{}, {}, channels, "image");
}

Value Scope::convolution(const std::string& name, Value x, const ConvolutionShape& shape) const {
  const int64_t ins = channels(x), fan_in = ins * shape.kernel * shape.kernel;
  const Scope s = in(name);
  const Array weight = s.declare("weight", {shape.out, ins, shape.kernel, shape.kernel}, filters(shape));
  const Array bias = shape.bias ? s.declare("bias", {shape.out}, biases(shape, fan_in)) : Array();
  const int64_t padding = shape.stride == 1 ? shape.kernel / 2 : 0;
  return s.add(graph::Convolution{weight, bias, shape.stride, padding}, {x}, shape.out);
}

Value Scope::expansion(const std::string& name, Value x, int64_t out) const {
  const Scope s = in(name);
  const ConvolutionShape shape{out, 2};
  const int64_t fan_in = out * 4;  // torch.nn takes the outputs of a transposed convolution for its inputs
  const Array weight = s.declare("weight", {channels(x), out, 2, 2}, filters(shape));
  return s.add(graph::TransposedConvolution{weight, s.declare("bias", {out}, biases(shape, fan_in))}, {x}, out);
}

Value Scope::norm(const std::string& name, Value x, Normalization kind, int64_t groups) const {
  if (kind == Normalization::kNone) return x;
  const int64_t c = channels(x);
  if (kind == Normalization::kGroup && (groups < 1 || c % groups != 0))
    throw UsageError(format("group normalisation: %lld channels are not divisible into %lld groups",
                            static_cast<long long>(c), static_cast<long long>(groups)));
  const Scope s = in(name);
  const Array weight = s.declare("weight", {c}, {Start::Rule::kOnes}), bias = s.declare("bias", {c}, {});
  if (kind == Normalization::kGroup) return s.add(graph::GroupNorm{groups, kNormEpsilon, weight, bias}, {x}, c);
  graph::BatchNorm batch{weight, bias, {}, {}, {}, kNormEpsilon};
  batch.mean = s.declare("running_mean", {c}, {}, Role::kBuffer);
  batch.variance = s.declare("running_var", {c}, {Start::Rule::kOnes}, Role::kBuffer);
  batch.batches = s.declare("num_batches_tracked", {}, {}, Role::kCounter);
  return s.add(batch, {x}, c);
}

Value Scope::activation(Value x, graph::Function function) const {
  return add(graph::Activation{function}, {x}, channels(x));
}

Value Scope::affine(Value x, double scale, double shift) const {
  return add(graph::Affine{scale, shift}, {x}, channels(x));
}

Value Scope::sum(Value a, Value b) const { return add(graph::Add{}, {a, b}, channels(a)); }

Value Scope::unshuffle(Value x, int64_t factor) const {
  return add(graph::PixelUnshuffle{factor}, {x}, channels(x) * factor * factor);
}

Value Scope::shuffle(Value x, int64_t factor) const {
  return add(graph::PixelShuffle{factor}, {x}, channels(x) / (factor * factor));
}

Value Scope::max_pool(Value x) const { return add(graph::MaxPool{}, {x}, channels(x)); }

Value Scope::cbam(const std::string& name, Value x, int64_t reduction, int64_t kernel,
                  graph::SpatialInput input) const {
  if (kernel % 2 == 0) throw UsageError("model.sparse_coder.cbam_kernel: expected an odd number");
  const int64_t c = channels(x), hidden = std::max<int64_t>(1, c / reduction);
  const Scope s = in(name);
  graph::Cbam cbam;
  cbam.squeeze = s.declare("ChannelAtt._fc.0.weight", {hidden, c}, {Start::Rule::kKaiming});
  cbam.excite = s.declare("ChannelAtt._fc.2.weight", {c, hidden}, {Start::Rule::kKaiming});
  cbam.convolution = s.declare("SpatialAtt._conv.weight", {1, 2, kernel, kernel}, {Start::Rule::kKaiming});
  cbam.spatial_input = input;
  return s.add(cbam, {x}, c);
}

Region::Region(const Scope& scope) : network_(scope.network()), first_(network_.graph.nodes.size()) {}

Region::~Region() {
  const size_t last = network_.graph.nodes.size();
  if (last > first_) network_.regions.push_back({static_cast<Value>(first_), static_cast<Value>(last) - 1});
}

}  // namespace sscvae::networks
