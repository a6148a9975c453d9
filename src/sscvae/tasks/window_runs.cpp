#include "sscvae/tasks/window_runs.h"

#include <algorithm>

#include "sscvae/core/error.h"
#include "sscvae/data/registry.h"

namespace sscvae::tasks {

WindowsResult run_windows(runtime::Inference& inference, const metrics::Protocol& protocol, const Array& original,
                          const Array& input) {
  WindowsResult result;
  std::vector<Array> outputs;
  for (const Array& window : metrics::windows_of(protocol, input)) {
    const runtime::InferenceResult of_window = inference.run(window);
    outputs.push_back(of_window.reconstruction);
    if (result.windows++ == 0) result.code = of_window.code;
    else result.code.add(of_window.code);
    result.seconds += of_window.seconds;
    result.pixels += static_cast<double>(window.size(-2) * window.size(-1));
  }
  const std::vector<Array> originals = parts_of(protocol, original), inputs = parts_of(protocol, input);
  const std::vector<Array> parts =
      metrics::measured_parts(protocol, std::move(outputs), input.size(-2), input.size(-1));
  SSCVAE_ASSERT(parts.size() == originals.size());
  for (size_t i = 0; i < parts.size(); ++i) result.parts.push_back({originals[i], inputs[i], parts[i]});
  return result;
}

std::vector<Array> parts_of(const metrics::Protocol& protocol, const Array& image) {
  return protocol.windows == metrics::WindowRule::kEach ? metrics::windows_of(protocol, image) : std::vector{image};
}

std::map<std::string, double> compare_parts(const std::vector<Array>& originals, const std::vector<Array>& others,
                                            const metrics::Protocol& protocol, const std::vector<std::string>& names,
                                            std::vector<std::string>* notes) {
  SSCVAE_ASSERT(originals.size() == others.size());
  std::map<std::string, double> means;
  for (size_t i = 0; i < originals.size(); ++i) {
    std::vector<std::string> lines;
    for (const auto& [name, value] : metrics::compare_images(originals[i], others[i], protocol, names, &lines))
      means[name] += value / static_cast<double>(originals.size());
    for (const std::string& line : lines)  // the same of many windows is said once
      if (notes && std::find(notes->begin(), notes->end(), line) == notes->end()) notes->push_back(line);
  }
  return means;
}

metrics::Protocol protocol_with_stride(const std::string& name, int64_t stride, const std::string& dataset) {
  metrics::Protocol protocol = metrics::find_protocol(name);
  if (protocol.windows == metrics::WindowRule::kNone) {
    if (stride != 0) throw UsageError("--stride: protocol '" + name + "' has no windows");
    return protocol;
  }
  if (stride < 0 || stride > protocol.window)
    throw UsageError("--stride: expected 1 to " + std::to_string(protocol.window) + ", got " + std::to_string(stride));
  protocol.window_stride = stride > 0 ? stride : data::find_dataset(dataset).test_stride;
  return protocol;
}

}  // namespace sscvae::tasks
