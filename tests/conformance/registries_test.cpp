#include <gtest/gtest.h>
#include <torch/csrc/autograd/grad_mode.h>
#include <torch/types.h>

#include <cmath>
#include <cstdlib>

#include "sscvae/core/atomic_file.h"
#include "sscvae/core/error.h"
#include "sscvae/data/registry.h"
#include "sscvae/experiments/experiment.h"
#include "sscvae/experiments/presets.h"
#include "sscvae/image/synthetic.h"
#include "sscvae/metrics/set_metrics.h"
#include "sscvae/models/registry.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/serialization/safetensors.h"
#include "sscvae/serialization/torch_checkpoint.h"
#include "support/paths.h"

/// What every entry of the other registries keeps: datasets, metrics, protocols, formats, presets. Models have a test
/// of their own, commands that of the program.
namespace sscvae {
namespace {

using Strings = std::vector<std::string>;

/// The images of the smallest folder that has a dataset's layout; a table is written where a name ends in .csv.
Strings layout_of(const std::string& dataset) {
  if (dataset == "folder") return {"a/0.png", "a/1.png", "2.jpg", "3.png", "4.png"};
  if (dataset == "ultrasound")
    return {"breast/high_quality/0.png", "breast/high_quality/1.png", "thyroid/high_quality/0.png",
            "thyroid/high_quality/1.png", "thyroid/high_quality/2.png"};
  if (dataset == "bsds500") return {"train/0.jpg", "train/1.jpg", "val/2.jpg", "test/3.jpg", "test/4.jpg"};
  if (dataset == "mini-imagenet")
    return {"images/0.jpg", "images/1.jpg", "images/2.jpg", "images/3.jpg", "images/4.jpg"};
  return {};
}

void make_layout(const std::string& dataset, const std::filesystem::path& root) {
  for (const std::string& name : layout_of(dataset)) {
    create_folder((root / name).parent_path());
    image::write_image(root / name, image::dead_leaves(1, 24, 20, 1));
  }
  if (dataset != "mini-imagenet") return;
  write_atomically(root / "train.csv", "filename,label\n0.jpg,a\n1.jpg,b\n2.jpg,a\n");
  write_atomically(root / "val.csv", "filename,label\n3.jpg,c\n");
  write_atomically(root / "test.csv", "filename,label\n4.jpg,d\n");
}

TEST(DatasetConformance, EachImageIsInOnePart) {
  for (const data::DatasetEntry& entry : data::dataset_entries()) {
    SCOPED_TRACE(entry.name);
    const testing::TemporaryFolder folder;
    make_layout(entry.name, folder.path());
    data::DataOptions options;
    options.dataset = entry.name;
    options.root = folder.path().string();
    const Strings images = layout_of(entry.name);
    ASSERT_FALSE(images.empty()) << "a new dataset? this test needs its layout";
    const data::SplitManifest manifest = data::make_manifest(options);
    const std::set<std::string> listed(images.begin(), images.end());
    std::set<std::string> found;
    for (const data::ManifestRow& row : manifest.rows) EXPECT_TRUE(found.insert(row.path).second) << row.path;
    EXPECT_EQ(found, listed);
    for (const char* part : {"train", "test"}) EXPECT_FALSE(manifest.paths(part).empty()) << part;
    EXPECT_EQ(data::make_manifest(options).hash(), manifest.hash()) << "another split the second time";
    EXPECT_EQ(data::parse_manifest(manifest.csv(), "x").rows, manifest.rows);
  }
}

TEST(DatasetConformance, AnEmptyFolderIsRefusedWithTheLayout) {
  for (const data::DatasetEntry& entry : data::dataset_entries()) {
    const testing::TemporaryFolder folder;
    data::DataOptions options;
    options.dataset = entry.name;
    options.root = folder.path().string();
    try {
      data::make_manifest(options);
      ADD_FAILURE() << entry.name << " took an empty folder";
    } catch (const IoError& error) {
      EXPECT_NE(std::string(error.what()).find(entry.name), std::string::npos) << error.what();
    }
  }
}

/// Three images, each further from the first.
std::array<at::Tensor, 3> ever_worse() {
  torch::manual_seed(1);
  const at::Tensor image = image::to_array(image::dead_leaves(3, 64, 64, 3)), noise = torch::randn_like(image);
  return {image, (image + noise * 0.03).clamp(0, 1), (image + noise * 0.2).clamp(0, 1)};
}

double cost(metrics::Direction better, double value) { return better == metrics::Direction::kHigher ? -value : value; }

TEST(MetricConformance, FiguresOfImagesFollowTheirDirectionUnderEveryProtocol) {
  ::setenv("SSCVAE_MODELS", (testing::source_folder() / "models").c_str(), 1);
  const auto [image, near, far] = ever_worse();
  for (const metrics::MetricEntry& entry : metrics::metric_entries()) {
    if (entry.needs != metrics::Needs::kImages) continue;
    for (const metrics::Protocol& protocol : metrics::protocols()) {
      SCOPED_TRACE(entry.name + " under " + protocol.name);
      ASSERT_EQ(metrics::missing_weights(entry), "");
      const auto of = [&](const at::Tensor& other) {
        return cost(entry.better, metrics::compare_images(image, other, protocol, {entry.name}).at(entry.name));
      };
      ASSERT_NE(entry.better, metrics::Direction::kNeither);
      EXPECT_LT(of(image), of(near));
      EXPECT_LT(of(near), of(far));
      EXPECT_TRUE(std::isfinite(of(far)));
      if (entry.better == metrics::Direction::kLower) {
        EXPECT_NEAR(of(image), 0, 1e-6);
      }
    }
  }
}

TEST(MetricConformance, FiguresOfCodesComeFromCodesAlone) {
  at::Tensor code = torch::zeros({1, 8, 4, 4});
  code.select(1, 2).fill_(1.5);
  metrics::Sample sample;
  sample.code = code;
  sample.features = torch::ones({1, 4, 4, 4});
  sample.coded_features = sample.features * 0.9;
  const auto values = metrics::measure(sample, metrics::protocols().front());
  const std::map<std::string, double> expected{
      {"nnz", 1}, {"zero_fraction", 7.0 / 8}, {"hoyer", 1}, {"fit_error", 0.01}};
  size_t codes = 0;
  for (const metrics::MetricEntry& entry : metrics::metric_entries()) {
    EXPECT_EQ(values.contains(entry.name), entry.needs != metrics::Needs::kImages) << entry.name;
    if (entry.needs == metrics::Needs::kImages) continue;
    ASSERT_TRUE(expected.contains(entry.name)) << entry.name << ": a new figure? this test needs its value";
    EXPECT_NEAR(values.at(entry.name), expected.at(entry.name), 1e-6) << entry.name;
    ++codes;
  }
  EXPECT_EQ(codes, expected.size());
}

TEST(MetricConformance, FiguresOfSetsGrowWithTheDistance) {
  torch::manual_seed(2);
  const auto cloud = [](const at::Tensor& rows) {
    metrics::FeatureCloud features;
    features.add(rows);
    return features;
  };
  const at::Tensor other = torch::randn({60, 6});
  const metrics::FeatureCloud a = cloud(torch::randn({60, 6})), near = cloud(other);
  const metrics::FeatureCloud far = cloud(other + 1), farther = cloud(other + 3);
  for (const metrics::SetMetricEntry& entry : metrics::set_metric_entries()) {
    EXPECT_EQ(&metrics::find_set_metric(entry.name), &entry);
    ASSERT_EQ(entry.better, metrics::Direction::kLower);
    EXPECT_LT(entry.compute(a, a).value, 1e-6) << entry.name;
    EXPECT_LT(entry.compute(a, near).value, entry.compute(a, far).value) << entry.name;
    EXPECT_LT(entry.compute(a, far).value, entry.compute(a, farther).value) << entry.name;
  }
}

TEST(ProtocolConformance, RulesAreToldApartAndKept) {
  std::set<std::vector<std::pair<std::string, std::string>>> described;
  const at::Tensor image = torch::rand({3, 300, 270});
  for (const metrics::Protocol& protocol : metrics::protocols()) {
    SCOPED_TRACE(protocol.name);
    EXPECT_EQ(&metrics::find_protocol(protocol.name), &protocol);
    EXPECT_FALSE(protocol.summary.empty() || protocol.source.empty());
    EXPECT_TRUE(described.insert(protocol.describe()).second) << "another protocol says the same of itself";
    const auto [height, width] = metrics::cropped_size(protocol, 300, 270);
    EXPECT_EQ(metrics::crop(protocol, image).sizes(), at::IntArrayRef({3, height, width}));
    const at::Tensor measured = metrics::measured_image(protocol, image);
    EXPECT_EQ(measured.size(0), protocol.channels == metrics::ChannelRule::kAll ? 3 : 1);
    const bool whole_levels = at::allclose(measured * 255, (measured * 255).round(), 0, 1e-9);
    EXPECT_EQ(whole_levels, protocol.round_to_8bit);
  }
}

TEST(FormatConformance, ImagesComeBack) {
  const testing::TemporaryFolder folder;
  for (const int64_t channels : {1, 3})
    for (const int depth : {8, 16})
      for (const char* extension : {".png", ".PNG", ".jpg", ".jpeg"}) {
        const bool is_png = std::tolower(extension[1]) == 'p';
        if (!is_png && depth == 16) continue;  // refused, which other tests see
        const image::Image leaves = image::dead_leaves(5, 33, 21, channels);
        const image::Image picture = image::from_array(image::to_array(leaves), depth);
        const std::filesystem::path path = folder / ("image" + std::to_string(depth) + extension);
        SCOPED_TRACE(path);
        ASSERT_TRUE(image::has_image_extension(path));
        image::write_image(path, picture);
        const image::Image back = image::read_image(path);
        EXPECT_EQ(back.channels, channels);
        EXPECT_EQ(back.bit_depth, depth);
        const image::ImageSize size = image::read_image_size(path);
        EXPECT_EQ(std::pair(size.width, size.height), std::pair(int64_t{33}, int64_t{21}));
        const at::Tensor difference = as_tensor(image::to_array(back) - image::to_array(picture)).abs();
        if (is_png) EXPECT_EQ(back.bytes, picture.bytes);
        else EXPECT_LT(difference.mean().item<double>(), 0.02);
      }
}

TEST(FormatConformance, TensorsComeBackBitForBit) {
  const testing::TemporaryFolder folder;
  serialization::StateDict state;
  for (const at::ScalarType type : {at::kFloat, at::kDouble, at::kHalf, at::kBFloat16, at::kLong, at::kInt, at::kByte})
    state.add(at::toString(type), (torch::rand({3, 4}) * 100).to(type));
  state.add("transposed", torch::rand({5, 2}).t());
  state.add("empty", torch::zeros({0, 3}));
  state.add("scalar", torch::tensor(1.5));
  serialization::write_safetensors(folder / "a.safetensors", state);
  serialization::write_torch_checkpoint(folder / "a.pt", state);
  for (const serialization::StateDict& back : {serialization::read_safetensors(folder / "a.safetensors").tensors,
                                               serialization::read_torch_checkpoint(folder / "a.pt")}) {
    EXPECT_EQ(back.names(), state.names());
    for (const auto& [name, tensor] : state) {
      EXPECT_EQ(back.at(name).type(), tensor.type()) << name;
      EXPECT_TRUE(at::equal(back.at(name), tensor)) << name;
    }
  }
}

class PresetConformance : public ::testing::TestWithParam<std::string> {};

TEST_P(PresetConformance, ResolvesReadsBackAndRuns) {
  const experiments::Experiment experiment = experiments::resolve_experiment(GetParam(), {});
  EXPECT_EQ(experiments::resolve_experiment_text(experiment.toml(), "x").toml(), experiment.toml());
  const auto model = models::make_autoencoder(experiment.options.model, 1);
  model->eval();
  const at::NoGradGuard no_grad;
  const at::Tensor images = torch::rand({1, experiment.options.model.in_channels, 37, 45});
  const at::Tensor result = models::forward_any_size(*model, images).reconstruction;
  EXPECT_EQ(result.sizes(), images.sizes());
  EXPECT_TRUE(result.isfinite().all().item<bool>());
}

INSTANTIATE_TEST_SUITE_P(Registry, PresetConformance, ::testing::ValuesIn([] {
                           Strings names;
                           for (const experiments::Preset& preset : experiments::list_presets())
                             names.push_back(preset.name);
                           return names;
                         }()),
                         [](const auto& entry) {
                           std::string name = entry.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace sscvae
