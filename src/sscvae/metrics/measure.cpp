#include <algorithm>
#include <limits>

#include "sscvae/array/elementwise.h"
#include "sscvae/array/reductions.h"
#include "sscvae/core/error.h"
#include "sscvae/core/shipped_files.h"
#include "sscvae/metrics/metrics.h"
#include "sscvae/metrics/perceptual.h"
#include "sscvae/metrics/planes.h"
#include "sscvae/metrics/protocol.h"

namespace sscvae::metrics {

namespace {

double protocol_ssim(const Sample& sample, const Protocol& protocol) {
  return (protocol.ssim == SsimKind::kUniform7 ? ssim_uniform : ssim_gaussian)(sample.original, sample.reconstruction,
                                                                               protocol.data_range);
}

std::vector<MetricEntry> image_entries() {
  return {
      {"psnr", "dB", "peak signal-to-noise ratio", "10 log10(range^2 / MSE), one MSE over the measured channels",
       Direction::kHigher, Needs::kImages,
       [](const Sample& s, const Protocol& p) { return psnr_db(s.original, s.reconstruction, p.data_range); }},
      {"ssim", "", "structural similarity, of the protocol's kind", "Wang et al. 2004", Direction::kHigher,
       Needs::kImages, protocol_ssim},
      {"ssim_gaussian11", "", "structural similarity, 11x11 Gaussian window", "Wang et al. 2004", Direction::kHigher,
       Needs::kImages,
       [](const Sample& s, const Protocol& p) { return ssim_gaussian(s.original, s.reconstruction, p.data_range); }},
      {"ssim_uniform7", "", "structural similarity, 7x7 flat window, sample covariance", "scikit-image's default",
       Direction::kHigher, Needs::kImages,
       [](const Sample& s, const Protocol& p) { return ssim_uniform(s.original, s.reconstruction, p.data_range); }},
      {"nmi", "", "normalised mutual information, 100x100 bins (1 independent, 2 equal)", "Studholme et al. 1999",
       Direction::kHigher, Needs::kImages,
       [](const Sample& s, const Protocol&) { return nmi(s.original, s.reconstruction); }},
      {"mse", "", "mean squared error", "definition", Direction::kLower, Needs::kImages,
       [](const Sample& s, const Protocol&) { return mean_squared_error(s.original, s.reconstruction); }}};
}

std::vector<MetricEntry> perceptual_entries() {
  return {{"lpips", "", "learned perceptual distance of version 0.1, AlexNet", "Zhang et al. 2018", Direction::kLower,
           Needs::kImages,
           [](const Sample& s, const Protocol& p) {
             return lpips(s.original, s.reconstruction, LpipsNet::kAlex, p.lpips_centred);
           },
           true, weights_file(LpipsNet::kAlex)},
          {"lpips_squeeze", "", "learned perceptual distance of version 0.1, SqueezeNet", "Zhang et al. 2018",
           Direction::kLower, Needs::kImages,
           [](const Sample& s, const Protocol& p) {
             return lpips(s.original, s.reconstruction, LpipsNet::kSqueeze, p.lpips_centred);
           },
           true, weights_file(LpipsNet::kSqueeze)}};
}

std::vector<MetricEntry> code_entries() {
  return {{"nnz", "values", "values other than zero at a position of the code", "definition", Direction::kNeither,
           Needs::kCode, [](const Sample& s, const Protocol&) { return nonzeros_per_position(s.code); }},
          {"zero_fraction", "", "share of exact zeros in the code", "definition", Direction::kNeither, Needs::kCode,
           [](const Sample& s, const Protocol&) { return zero_fraction(s.code); }},
          {"hoyer", "", "Hoyer sparsity of the code, mean over positions (0 flat, 1 a single atom)", "Hoyer 2004",
           Direction::kNeither, Needs::kCode, [](const Sample& s, const Protocol&) { return hoyer(s.code); }},
          {"fit_error", "", "share of the features' energy that the code misses, |E-Dz|^2/|E|^2", "definition",
           Direction::kLower, Needs::kFeatures,
           [](const Sample& s, const Protocol&) { return fit_error(s.features, s.coded_features); }}};
}

bool has_inputs(const MetricEntry& entry, const Sample& sample) {
  switch (entry.needs) {
    case Needs::kImages:
      return sample.original.defined() && sample.reconstruction.defined();
    case Needs::kCode:
      return sample.code.defined();
    case Needs::kFeatures:
      return sample.features.defined() && sample.coded_features.defined();
  }
  return false;
}

void add_note(std::vector<std::string>* notes, std::string note) {
  if (notes && std::find(notes->begin(), notes->end(), note) == notes->end()) notes->push_back(std::move(note));
}

/// The sample with its images as the protocol sees them.
Sample measured(const Sample& sample, const Protocol& protocol, std::vector<std::string>* notes) {
  Sample seen = sample;
  if (!sample.original.defined() || !sample.reconstruction.defined()) return seen;
  check_image_pair(sample.original, sample.reconstruction);
  seen.original = measured_image(protocol, sample.original);
  seen.reconstruction = measured_image(protocol, sample.reconstruction);
  const int64_t broken = count_nonzero(logical_not(isfinite(seen.reconstruction)));
  if (broken > 0) add_note(notes, "the second image holds " + std::to_string(broken) + " values that are not finite");
  return seen;
}

}  // namespace

const std::vector<MetricEntry>& metric_entries() {
  static const std::vector<MetricEntry> table = [] {
    std::vector<MetricEntry> entries = image_entries();
    for (MetricEntry& entry : perceptual_entries()) entries.push_back(std::move(entry));
    for (MetricEntry& entry : code_entries()) entries.push_back(std::move(entry));
    return entries;
  }();
  return table;
}

std::string missing_weights(const MetricEntry& entry) {
  if (entry.weights.empty() || !find_shipped_file(entry.weights).empty()) return "";
  return entry.name + ": its weights '" + entry.weights +
         "' are not among the shipped files (SSCVAE_MODELS names their folder)";
}

std::string direction_text(Direction direction) {
  return direction == Direction::kHigher ? "higher" : direction == Direction::kLower ? "lower" : "neither";
}

std::map<std::string, double> measure(const Sample& sample, const Protocol& protocol,
                                      const std::vector<std::string>& names, std::vector<std::string>* notes) {
  for (const std::string& name : names) find_metric(name);
  const Sample seen = measured(sample, protocol, notes);
  Protocol with_all_channels = protocol;
  with_all_channels.channels = ChannelRule::kAll;
  std::map<std::string, double> values;
  for (const MetricEntry& entry : metric_entries()) {
    const bool wanted = names.empty() || std::find(names.begin(), names.end(), entry.name) != names.end();
    if (!wanted || !has_inputs(entry, seen)) continue;
    values[entry.name] = std::numeric_limits<double>::quiet_NaN();
    if (const std::string missing = missing_weights(entry); !missing.empty()) {
      add_note(notes, missing);
      continue;
    }
    try {
      values[entry.name] =
          entry.compute(entry.all_channels ? measured(sample, with_all_channels, nullptr) : seen, protocol);
    } catch (const ShapeError& error) {
      add_note(notes, error.what());
    }
  }
  return values;
}

std::map<std::string, double> compare_images(const Array& original, const Array& reconstruction,
                                             const Protocol& protocol, const std::vector<std::string>& names,
                                             std::vector<std::string>* notes) {
  check_image_pair(original, reconstruction);
  Sample sample;
  sample.original = original;
  sample.reconstruction = reconstruction;
  return measure(sample, protocol, names, notes);
}

}  // namespace sscvae::metrics
