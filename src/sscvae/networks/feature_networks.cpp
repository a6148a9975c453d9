#include "sscvae/networks/feature_networks.h"

#include "sscvae/networks/scope.h"

namespace sscvae::networks {

namespace {

struct Frozen {
  int64_t out, kernel, stride = 1, padding = 0;
};

Value rectified(const Scope& s, const std::string& name, Value x, const Frozen& shape) {
  const Scope at = s.in(name);
  const Array weight = at.declare("weight", {shape.out, s.channels(x), shape.kernel, shape.kernel}, {});
  const Array bias = at.declare("bias", {shape.out}, {});
  return s.relu(at.add(graph::Convolution{weight, bias, shape.stride, shape.padding}, {x}, shape.out));
}

/// Windows of 3, two apart.
Value halved(const Scope& s, Value x, bool ceil) { return s.add(graph::MaxPool{3, 2, 0, ceil}, {x}, s.channels(x)); }

Value joined(const Scope& s, const std::vector<Value>& parts) {
  int64_t channels = 0;
  for (const Value part : parts) channels += s.channels(part);
  return s.add(graph::Join{}, parts, channels);
}

/// SqueezeNet's block: 1x1 to few channels, then 1x1 and 3x3 side by side.
Value fire(const Scope& s, Value x, int64_t squeezed, int64_t expanded) {
  const Value few = rectified(s, "squeeze", x, {squeezed, 1});
  return joined(s,
                {rectified(s, "expand1x1", few, {expanded, 1}), rectified(s, "expand3x3", few, {expanded, 3, 1, 1})});
}

}  // namespace

Network alexnet_features() {
  const Scope network, s = network.in("features");
  std::vector<Value>& outputs = network.graph().outputs;
  outputs.push_back(rectified(s, "0", network.image(3), {64, 11, 4, 2}));
  outputs.push_back(rectified(s, "3", halved(s, outputs.back(), false), {192, 5, 1, 2}));
  outputs.push_back(rectified(s, "6", halved(s, outputs.back(), false), {384, 3, 1, 1}));
  outputs.push_back(rectified(s, "8", outputs.back(), {256, 3, 1, 1}));
  outputs.push_back(rectified(s, "10", outputs.back(), {256, 3, 1, 1}));
  return std::move(network.network());
}

Network squeezenet_features() {
  const Scope network, s = network.in("features");
  std::vector<Value>& outputs = network.graph().outputs;
  outputs.push_back(rectified(s, "0", network.image(3), {64, 3, 2, 0}));
  Value x = fire(s.in("3"), halved(s, outputs.back(), true), 16, 64);
  outputs.push_back(fire(s.in("4"), x, 16, 64));
  x = fire(s.in("6"), halved(s, outputs.back(), true), 32, 128);
  outputs.push_back(fire(s.in("7"), x, 32, 128));
  outputs.push_back(fire(s.in("9"), halved(s, outputs.back(), true), 48, 192));
  outputs.push_back(fire(s.in("10"), outputs.back(), 48, 192));
  outputs.push_back(fire(s.in("11"), outputs.back(), 64, 256));
  outputs.push_back(fire(s.in("12"), outputs.back(), 64, 256));
  return std::move(network.network());
}

}  // namespace sscvae::networks
