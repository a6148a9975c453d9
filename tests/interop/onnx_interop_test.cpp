#include <gtest/gtest.h>

#include "interop/python.h"
#include "sscvae/experiments/profiles.h"
#include "sscvae/image/noise_level.h"
#include "sscvae/image/temper.h"
#include "sscvae/models/frozen.h"
#include "sscvae/models/threshold_scale.h"
#include "sscvae/networks/table.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/onnx/fold.h"
#include "sscvae/onnx/onnx_export.h"
#include "sscvae/serialization/safetensors.h"
#include "support/small_models.h"
#include "support/tolerances.h"

namespace sscvae::onnx {
namespace {

using testing::small_options;

/// Batch, height and width.
using Cases = std::vector<std::array<int64_t, 3>>;
/// The second fits the grid of learned thresholds; in the last, noise is estimated from saturated pixels, too.
const Cases kSmall{{2, 40, 24}, {1, 64, 64}, {1, 16, 16}};

/// Models with the names of their files, in a folder.
class Files {
 public:
  explicit Files(const Cases& cases = kSmall) : cases_(cases) {}
  /// Images [N,C,H,W] in the place of random ones.
  explicit Files(std::vector<at::Tensor> images, bool tempered = false)
      : images_(std::move(images)), tempered_(tempered) {}

  /// Once with the reconstruction alone, and once with every value.
  void add(const std::string& name, models::Autoencoder& model) {
    const graph::Graph graph = models::frozen(model);
    std::vector<std::string> outputs;
    for (const NamedValue& named : named_values())
      if (graph.*named.value >= 0) outputs.push_back(named.name);
    write(name, model, graph, {});
    write(name + "_all", model, graph, outputs);
  }
  void add(const std::string& name, const models::ModelOptions& options) {
    add(name, *testing::stirred_model(options));
  }

  void expect_agreement(const std::string& judge) const {
    std::vector<std::string> arguments{judge, std::to_string(testing::kOtherRuntime.float32)};
    arguments.insert(arguments.end(), names_.begin(), names_.end());
    const testing::PythonResult result = testing::run_script("onnx_models.py", arguments);
    EXPECT_EQ(result.code, 0) << result.output;
  }

 private:
  void write(const std::string& name, models::Autoencoder& model, const graph::Graph& graph,
             const std::vector<std::string>& outputs) {
    const c10::InferenceMode no_gradients;
    names_.push_back((folder_ / name).string());
    Model exported = to_onnx(graph, outputs, tempered_);
    exported.name = name;
    write_onnx(names_.back() + ".onnx", exported);
    serialization::StateDict values;
    std::vector<at::Tensor> images = images_;
    for (const auto& [batch, height, width] : cases_) {
      images.push_back(torch::rand({batch, model.options().in_channels, height, width}));
      images.back().slice(3, 0, 3).zero_();
      images.back().slice(2, 0, 1).fill_(1);
    }
    const int64_t smallest = smallest_size(graph);
    images.push_back(torch::rand({1, model.options().in_channels, smallest, smallest}));
    for (size_t i = 0; i < images.size(); ++i) {
      const at::Tensor& image = images[i];
      const std::string prefix = std::to_string(i) + "/";
      models::ForwardResult result = model.forward(image);
      if (tempered_) result.reconstruction = tempered(image, result.reconstruction);
      values.add(prefix + "image", image);
      for (const ValueInfo& output : exported.outputs) values.add(prefix + output.name, value_of(result, output.name));
    }
    serialization::write_safetensors(names_.back() + ".safetensors", values, {});
  }

  static at::Tensor tempered(const at::Tensor& images, const at::Tensor& results) {
    std::vector<at::Tensor> all;
    for (int64_t n = 0; n < images.size(0); ++n)
      all.push_back(image::temper(images[n], results[n], image::estimate_sigma_8bit(images[n]), true));
    return at::stack(all);
  }

  static at::Tensor value_of(const models::ForwardResult& result, const std::string& name) {
    const std::map<std::string, at::Tensor> values{
        {"reconstruction", result.reconstruction}, {"features", result.features},
        {"threshold", result.threshold},           {"code", result.code},
        {"coded_features", result.coded_features}, {"logits", result.logits},
        {"log_variance", result.log_variance}};
    return values.at(name);
  }

  Cases cases_;
  std::vector<at::Tensor> images_;
  bool tempered_ = false;
  testing::TemporaryFolder folder_;
  std::vector<std::string> names_;
};

void add_registry(Files& files) {
  for (const std::string& model : networks::model_names())
    for (const std::string& profile : experiments::profile_names())
      files.add(model + "-" + profile, small_options(model, profile));
}

/// What no profile of the registry asks for.
void add_variants(Files& files) {
  models::ModelOptions colour = small_options("ssc-vae", "sound");
  colour.in_channels = 3;
  files.add("colour", colour);
  for (const auto norm : {models::Normalization::kBatch, models::Normalization::kGroup}) {
    models::ModelOptions options = small_options("sc-vae-in", "sound");
    options.lite.normalization = norm;
    options.lite.unshuffle = 1;
    files.add("lite-norm" + std::to_string(static_cast<int>(norm)), options);
  }
  for (const auto iteration : {networks::Iteration::kUntied, networks::Iteration::kPerLayer}) {
    models::ModelOptions options = small_options("ssc-vae", "sound");
    options.sparse_coder.iteration = iteration;
    files.add("iteration" + std::to_string(static_cast<int>(iteration)), options);
  }
  for (const auto threshold : {networks::ThresholdKind::kPerAtom, networks::ThresholdKind::kPerPosition}) {
    models::ModelOptions options = small_options("sc-vae", "sound");
    options.sparse_coder.threshold = threshold;
    files.add("threshold" + std::to_string(static_cast<int>(threshold)), options);
  }
  for (const auto threshold : {networks::ThresholdKind::kScalar, networks::ThresholdKind::kInferred}) {
    models::ModelOptions options = small_options("csc", "sound");
    options.in_channels = 3;
    options.csc.threshold = threshold;
    options.csc.threshold_refinement = networks::ThresholdRefinement::kNone;
    files.add("csc-colour" + std::to_string(static_cast<int>(threshold)), options);
  }
  models::ModelOptions scales = small_options("csc", "sound");
  scales.csc.attention_width = 8;
  scales.csc.attention_scales = 3;
  files.add("csc-scales", scales);
  models::ModelOptions grouped = small_options("csc", "sound");
  grouped.csc.kernel = 4;
  grouped.csc.num_atoms = 48;
  grouped.csc.threshold = networks::ThresholdKind::kPerAtom;
  grouped.csc.threshold_refinement = networks::ThresholdRefinement::kNone;
  grouped.csc.shrinkage = models::Shrinkage::kGrouped;
  files.add("csc-grouped", grouped);
  models::ModelOptions skip = small_options("ssc-vae", "sound");
  skip.lite.block_skip = true;
  skip.feature_norm = models::FeatureNorm::kNone;
  skip.sparse_coder.atom_dim = 64;
  files.add("block-skip", skip);
  models::ModelOptions none = small_options("ssc-vae", "sound");
  none.sparse_coder.num_iterations = 0;
  files.add("no-iterations", none);
  const auto stronger = testing::stirred_model(small_options("ssc-vae", "reference"));
  models::set_threshold_scale(*stronger, 1.7);
  files.add("threshold-scale", *stronger);
}

class OnnxInterop : public ::testing::TestWithParam<std::string> {};

TEST_P(OnnxInterop, EveryModelAndProfile) {
  SSCVAE_SKIP_WITHOUT_PYTHON(GetParam());
  SSCVAE_SKIP_WITHOUT_PYTHON("safetensors");
  Files files;
  add_registry(files);
  files.expect_agreement(GetParam());
}

TEST_P(OnnxInterop, OptionsBeyondTheProfiles) {
  SSCVAE_SKIP_WITHOUT_PYTHON(GetParam());
  SSCVAE_SKIP_WITHOUT_PYTHON("safetensors");
  Files files;
  add_variants(files);
  files.expect_agreement(GetParam());
}

/// With sums over whole groups from end to end, half a million values in float32, this one would fail.
TEST_P(OnnxInterop, GroupsOfManyPixels) {
  SSCVAE_SKIP_WITHOUT_PYTHON(GetParam());
  SSCVAE_SKIP_WITHOUT_PYTHON("safetensors");
  Files files({{1, 512, 512}});
  files.add("large", small_options("vae", "reference"));
  files.expect_agreement(GetParam());
}

/// Images large enough for windows (image/noise_level.h): noise throughout, within a flat frame, on half of a drawing,
/// strokes on white paper, noise on squares of 8 pixels, and nothing but one colour.
TEST_P(OnnxInterop, NoiseLevelsOfFramesAndDrawings) {
  SSCVAE_SKIP_WITHOUT_PYTHON(GetParam());
  SSCVAE_SKIP_WITHOUT_PYTHON("safetensors");
  torch::manual_seed(8);
  const auto noisy = [] { return torch::randn({1, 1, 128, 160}) * 0.05 + 0.5; };
  at::Tensor framed = noisy(), half = at::full({1, 1, 128, 160}, 0.3), paper = at::ones({1, 1, 128, 160});
  framed.slice(2, 0, 30).fill_(0.125);
  framed.slice(3, 130).fill_(0.125);
  half.slice(3, 0, 60).add_(torch::randn({1, 1, 128, 60}) * 0.05);
  for (int64_t column = 20; column < 140; column += 9) paper.slice(3, column, column + 4).slice(2, 20, 100).fill_(0.4);
  const at::Tensor rows = at::arange(128).div(8, "floor"), columns = at::arange(160).div(8, "floor");
  const at::Tensor squares =
      (rows.unsqueeze(1) + columns).remainder(2).mul(0.6) + torch::randn({1, 1, 128, 160}) * 0.01;
  Files files({noisy(), framed, half, paper, squares + 0.2, at::full({1, 1, 128, 160}, 0.7)});
  files.add("noise", small_options("csc", "sound"));
  files.expect_agreement(GetParam());
}

/// Noise in smaller images is estimated by other filters, which the file does not have.
TEST_P(OnnxInterop, SmallerImagesAreRefusedWhereNoiseIsEstimated) {
  if (GetParam() == "onnx") GTEST_SKIP() << "a checker runs nothing";
  SSCVAE_SKIP_WITHOUT_PYTHON(GetParam());
  const testing::TemporaryFolder folder;
  const graph::Graph graph = models::frozen(*testing::stirred_model(small_options("csc", "sound")));
  EXPECT_EQ(smallest_size(graph), 16);
  write_onnx(folder / "m.onnx", to_onnx(graph));
  const std::string multiple = std::to_string(graph.size_multiple);
  const testing::PythonResult result =
      testing::run_script("onnx_models.py", {"refuses", GetParam(), (folder / "m.onnx").string(), multiple});
  EXPECT_EQ(result.code, 0) << result.output;
}

/// Levels from none to one at which hardly anything is held back; in each batch an image with black and white areas.
TEST_P(OnnxInterop, DenoisersTemperTheirResults) {
  SSCVAE_SKIP_WITHOUT_PYTHON(GetParam());
  SSCVAE_SKIP_WITHOUT_PYTHON("safetensors");
  torch::manual_seed(9);
  std::vector<at::Tensor> images;
  for (const double sigma : {0.0, 2.0, 3.0, 12.0}) {
    images.push_back(torch::full({2, 1, 128, 160}, 0.5) + torch::randn({2, 1, 128, 160}) * (sigma / 255));
    images.back()[1].slice(1, 20, 60).slice(2, 0, 50).fill_(1);
    images.back()[1].slice(1, 70, 128).slice(2, 30, 80).fill_(0);
  }
  Files files(std::move(images), true);
  files.add("tempered", small_options("csc", "sound"));
  files.expect_agreement(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Judges, OnnxInterop, ::testing::Values("onnx", "onnxruntime", "openvino"),
                         [](const auto& judge) { return judge.param; });

}  // namespace
}  // namespace sscvae::onnx
