#include "sscvae/tasks/code_pictures.h"

#include <c10/core/InferenceMode.h>
#include <torch/types.h>

#include <algorithm>

#include "sscvae/core/error.h"
#include "sscvae/core/text.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/report/colormap.h"

namespace sscvae::tasks {

namespace {

constexpr int64_t kAtomBatch = 32;

at::Tensor enlarged(const at::Tensor& map, int64_t times) {
  return times > 1 ? map.repeat_interleave(times, 0).repeat_interleave(times, 1) : map;
}

CodeMap draw(const std::string& name, const std::string& what, const at::Tensor& map, double low, double high,
             int64_t enlarge) {
  return {name, format("%s %.4g to %.4g", what.c_str(), low, high), low, high,
          report::apply_colormap(enlarged(map, enlarge), low, high)};
}

double lowest(const at::Tensor& map) { return map.min().item<double>(); }
double highest(const at::Tensor& map) { return map.max().item<double>(); }

/// Mean over atoms of [1,K or 1,h or 1,w or 1], spread over the positions of the code.
at::Tensor mean_over_atoms(const at::Tensor& threshold, const at::Tensor& code) {
  const at::Tensor mean = threshold.detach().to(at::kCPU, at::kFloat).mean(1, true);
  return mean.expand({1, 1, code.size(2), code.size(3)}).squeeze(0).squeeze(0).contiguous();
}

/// Each code at all nine positions, less the mean picture.
at::Tensor decoded_codes(models::Autoencoder& model) {
  std::vector<at::Tensor> pictures;
  const c10::Device device = model.parameters().front().device();
  for (int64_t first = 0; first < model.num_codes(); first += kAtomBatch) {
    const int64_t count = std::min(kAtomBatch, model.num_codes() - first);
    const at::Tensor indices = at::arange(first, first + count, at::TensorOptions(at::kLong).device(device));
    pictures.push_back(model.decode_indices(indices.reshape({count, 1, 1}).expand({count, 3, 3}).contiguous()));
  }
  const at::Tensor all = at::cat(pictures);
  return all - all.mean(0, true);
}

}  // namespace

at::Tensor decoded_atoms(models::Autoencoder& model) {
  if (model.num_codes() > 0) {
    const c10::InferenceMode no_gradients;
    return decoded_codes(model).to(at::kCPU, at::kFloat);
  }
  const at::Tensor dictionary = model.dictionary();
  if (!dictionary.defined()) throw UsageError("model " + model.options().name + " has neither dictionary nor codebook");
  const c10::InferenceMode no_gradients;
  const int64_t atoms = dictionary.size(1);
  const auto options = dictionary.options();
  const at::Tensor empty = model.decode(at::zeros({1, atoms, 3, 3}, options));
  std::vector<at::Tensor> pictures;
  for (int64_t first = 0; first < atoms; first += kAtomBatch) {
    const int64_t count = std::min(kAtomBatch, atoms - first);
    at::Tensor code = at::zeros({count, atoms, 3, 3}, options);
    for (int64_t i = 0; i < count; ++i) code[i][first + i][1][1].fill_(1);
    pictures.push_back(model.decode(code) - empty);
  }
  return at::cat(pictures).to(at::kCPU, at::kFloat);
}

std::vector<CodeMap> code_maps(const models::ForwardResult& result, int64_t enlarge) {
  std::vector<CodeMap> maps;
  if (result.indices.defined()) {
    const at::Tensor indices = result.indices.to(at::kCPU, at::kFloat).squeeze(0);
    maps.push_back(draw("indices", "number of the code,", indices, 0, std::max(1.0, highest(indices)), enlarge));
  }
  if (!result.sparse_code().defined()) return maps;
  const at::Tensor code = result.code.detach().to(at::kCPU, at::kFloat);
  const at::Tensor nonzeros = code.ne(0).sum(1).squeeze(0).to(at::kFloat);
  maps.push_back(draw("nonzeros", "non-zeros per position,", nonzeros, 0, std::max(1.0, highest(nonzeros)), enlarge));
  const at::Tensor magnitude = code.abs().sum(1).squeeze(0);
  maps.push_back(draw("magnitude", "sum of |z|,", magnitude, 0, std::max(1e-12, highest(magnitude)), enlarge));
  at::Tensor before, after;
  if (result.threshold_inference.defined()) before = mean_over_atoms(result.threshold_inference, code);
  if (result.threshold_refinement.defined()) after = mean_over_atoms(result.threshold_refinement, code);
  const at::Tensor& any = before.defined() ? before : after;
  if (!any.defined()) return maps;
  double low = lowest(any), high = highest(any);  // one scale of colours for both
  if (after.defined()) {
    low = std::min(low, lowest(after));
    high = std::max(high, highest(after));
  }
  const auto add = [&](const char* name, const char* when, const at::Tensor& map) {
    if (!map.defined()) return;
    const std::string what =
        format("threshold %s refinement, mean over atoms, %.4g to %.4g on a scale of", when, lowest(map), highest(map));
    maps.push_back(draw(name, what, map, low, high, enlarge));
  };
  add("threshold_inference", "before", before);
  add("threshold_refinement", "after", after);
  return maps;
}

}  // namespace sscvae::tasks
