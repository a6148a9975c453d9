#include "sscvae/tasks/code_pictures.h"

#include <algorithm>

#include "sscvae/array/array.h"
#include "sscvae/array/elementwise.h"
#include "sscvae/array/reductions.h"
#include "sscvae/array/selection.h"
#include "sscvae/core/error.h"
#include "sscvae/core/text.h"
#include "sscvae/engine/engine.h"
#include "sscvae/report/colormap.h"

namespace sscvae::tasks {

namespace {

constexpr int64_t kAtomBatch = 32;

Array enlarged(const Array& map, int64_t times) {
  return times > 1 ? repeat_interleave(repeat_interleave(map, times, 0), times, 1) : map;
}

CodeMap draw(const std::string& name, const std::string& what, const Array& map, double low, double high,
             int64_t enlarge) {
  return {name, format("%s %.4g to %.4g", what.c_str(), low, high), low, high,
          report::apply_colormap(enlarged(map, enlarge), low, high)};
}

double lowest(const Array& map) { return min(map); }
double highest(const Array& map) { return max(map); }

/// Mean over atoms of [1,K or 1,h or 1,w or 1], spread over the positions of the code.
Array mean_over_atoms(const Array& threshold, const Array& code) {
  return mean(threshold.to(kFloat32), {1}, true)
      .expand({1, 1, code.size(2), code.size(3)})
      .squeeze(0)
      .squeeze(0)
      .contiguous();
}

/// Each code at all nine positions, less the mean picture.
Array decoded_codes(const runtime::Model& model) {
  std::vector<Array> pictures;
  engine::Engine decoder(model.decoder(), engine::Precision::kFp32);
  for (int64_t first = 0; first < model.num_codes(); first += kAtomBatch) {
    const int64_t count = std::min(kAtomBatch, model.num_codes() - first);
    const Array numbers = (Array::range(count) + static_cast<double>(first)).to(kInt64).view({count, 1, 1});
    pictures.push_back(decoder.run(model.codes_by_number(numbers.expand({count, 3, 3}))).reconstruction);
  }
  const Array all = cat(pictures);
  return all - mean(all, {0}, true);
}

}  // namespace

Array decoded_atoms(const runtime::Model& model) {
  if (model.num_codes() > 0) return decoded_codes(model);
  if (model.code_kind() != runtime::CodeKind::kSparse)
    throw UsageError("model " + model.options().name + " has neither dictionary nor codebook");
  engine::Engine decoder(model.decoder(), engine::Precision::kFp32);
  const int64_t atoms = model.code_channels();
  const Array empty = decoder.run(Array::zeros({1, atoms, 3, 3})).reconstruction;
  std::vector<Array> pictures;
  for (int64_t first = 0; first < atoms; first += kAtomBatch) {
    const int64_t count = std::min(kAtomBatch, atoms - first);
    const Array code = Array::zeros({count, atoms, 3, 3});
    for (int64_t i = 0; i < count; ++i) code.select(0, i).select(0, first + i).select(0, 1).select(0, 1).fill_(1);
    pictures.push_back(decoder.run(code).reconstruction - empty);
  }
  return cat(pictures);
}

std::vector<CodeMap> code_maps(const graph::PassValues& result, int64_t enlarge) {
  std::vector<CodeMap> maps;
  if (result.indices.defined()) {
    const Array indices = result.indices.to(kFloat32).squeeze(0);
    maps.push_back(draw("indices", "number of the code,", indices, 0, std::max(1.0, highest(indices)), enlarge));
  }
  if (!result.sparse_code().defined()) return maps;
  const Array code = result.code.to(kFloat32);
  const Array nonzeros = sum(ne(code, 0), {1}).squeeze(0).to(kFloat32);
  maps.push_back(draw("nonzeros", "non-zeros per position,", nonzeros, 0, std::max(1.0, highest(nonzeros)), enlarge));
  const Array magnitude = sum(abs(code), {1}).squeeze(0);
  maps.push_back(draw("magnitude", "sum of |z|,", magnitude, 0, std::max(1e-12, highest(magnitude)), enlarge));
  Array before, after;
  if (result.threshold_inference.defined()) before = mean_over_atoms(result.threshold_inference, code);
  if (result.threshold_refinement.defined()) after = mean_over_atoms(result.threshold_refinement, code);
  const Array& any = before.defined() ? before : after;
  if (!any.defined()) return maps;
  double low = lowest(any), high = highest(any);  // one scale of colours for both
  if (after.defined()) {
    low = std::min(low, lowest(after));
    high = std::max(high, highest(after));
  }
  const auto add = [&](const char* name, const char* when, const Array& map) {
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
