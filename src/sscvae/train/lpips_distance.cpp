#include "sscvae/train/lpips_distance.h"

#include <torch/types.h>

#include <memory>

#include "sscvae/core/error.h"
#include "sscvae/core/shipped_files.h"
#include "sscvae/graph/run_values.h"
#include "sscvae/networks/filled_graph.h"
#include "sscvae/nn/live.h"

namespace sscvae::train {

namespace {

/// The weights where they are used.
struct Lpips {
  metrics::LpipsNet net;
  nn::live::Graph graph;
  std::vector<at::Tensor> heads;
  at::Tensor shift, scale;

  std::vector<at::Tensor> features(const at::Tensor& images) const {
    const std::vector<at::Tensor> values = graph::run_values<at::Tensor>(graph, (images - shift) / scale);
    std::vector<at::Tensor> outputs;
    for (const graph::Value output : graph.outputs) outputs.push_back(values[static_cast<size_t>(output)]);
    return outputs;
  }
  at::Tensor distance(const at::Tensor& a, const at::Tensor& b) const {
    metrics::check_lpips_images(net, a, b);
    const std::vector<at::Tensor> x = features(a), y = features(b);
    at::Tensor sum;
    for (size_t layer = 0; layer < heads.size(); ++layer) {
      const at::Tensor mean = metrics::lpips_map(x[layer], y[layer], heads[layer]).mean({1, 2});
      sum = sum.defined() ? sum + mean : mean;
    }
    return sum;
  }
};

at::Tensor of_colours(const double (&values)[3], c10::Device device) {
  return at::tensor({values[0], values[1], values[2]}, at::kFloat).view({1, 3, 1, 1}).to(device);
}

}  // namespace

PerceptualDistance lpips_distance(const metrics::LpipsWeights& weights, c10::Device device) {
  const auto there = [&](const std::string& name) { return as_tensor(weights.tensors.at(name)).to(device); };
  const auto network = std::make_shared<Lpips>(Lpips{weights.net,
                                                     networks::with_values<at::Tensor>(weights.network, there, {}),
                                                     {},
                                                     of_colours(metrics::kLpipsShift, device),
                                                     of_colours(metrics::kLpipsScale, device)});
  for (size_t layer = 0; layer < network->graph.outputs.size(); ++layer)
    network->heads.push_back(as_tensor(weights.head(layer)).to(device));
  return [network](const at::Tensor& a, const at::Tensor& b) { return network->distance(a, b); };
}

PerceptualDistance shipped_perceptual_distance(c10::Device device) {
  const std::string name = metrics::weights_file(metrics::LpipsNet::kAlex), path = find_shipped_file(name);
  if (path.empty())
    throw IoError("train.adversarial.perceptual_weight > 0 needs the file '" + name +
                  "' that comes with the program; SSCVAE_MODELS can name its folder");
  return lpips_distance(metrics::load_lpips(metrics::LpipsNet::kAlex, path), device);
}

}  // namespace sscvae::train
