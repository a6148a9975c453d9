#include "sscvae/onnx/onnx_export.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <set>
#include <sstream>

#include "sscvae/core/error.h"
#include "sscvae/models/frozen.h"
#include "sscvae/onnx/node_writer.h"
#include "support/small_models.h"

namespace sscvae::onnx {
namespace {

using testing::small_options;
using testing::stirred_model;

int count(const Model& model, const std::string& type) {
  int found = 0;
  for (const Operator& op : model.operators) found += op.type == type;
  return found;
}

Model exported(const models::ModelOptions& options, const std::vector<std::string>& outputs = {}) {
  return to_onnx(models::frozen(*stirred_model(options)), outputs);
}

/// Every input is made before it is used, every name once, and nothing is there that nobody uses.
void expect_sound(const Model& model) {
  std::set<std::string> known{""}, used;
  const auto make = [&](const std::string& name) {
    EXPECT_TRUE(known.insert(name).second) << name << " is made twice";
  };
  for (const ValueInfo& input : model.inputs) make(input.name);
  for (const Initializer& constant : model.initializers) make(constant.name);
  std::set<std::string> names;
  for (const Operator& op : model.operators) {
    EXPECT_TRUE(names.insert(op.name).second) << op.name << " is there twice";
    for (const std::string& input : op.inputs) {
      EXPECT_TRUE(known.contains(input)) << op.name << " uses " << input << " before it is made";
      used.insert(input);
    }
    for (const std::string& output : op.outputs) make(output);
    used.insert(op.outputs.begin() + 1, op.outputs.end());  // an operator's further outputs come with it
  }
  for (const ValueInfo& output : model.outputs) {
    EXPECT_TRUE(known.contains(output.name)) << output.name;
    used.insert(output.name);
  }
  for (const std::string& name : known) EXPECT_TRUE(name.empty() || used.contains(name)) << name << " is not used";
}

std::vector<std::string> output_names(const Model& model) {
  std::vector<std::string> names;
  for (const ValueInfo& output : model.outputs) names.push_back(output.name);
  return names;
}

class Export : public ::testing::TestWithParam<std::tuple<std::string, std::string>> {};

TEST_P(Export, IsSound) {
  const auto& [name, profile] = GetParam();
  const models::ModelOptions options = small_options(name, profile);
  const Model model = exported(options);
  expect_sound(model);
  EXPECT_EQ(output_names(model), std::vector<std::string>{"reconstruction"});
  EXPECT_EQ(model.inputs.at(0).name, "image");
  EXPECT_EQ(model.inputs.at(0).shape, (std::vector<Dimension>{"batch", int64_t{1}, "height", "width"}));
  EXPECT_EQ(model.outputs.at(0).shape, model.inputs.at(0).shape);
  EXPECT_EQ(count(model, "BatchNormalization"), 0);
}

TEST_P(Export, BytesAreThoseOfTheModelAlone) {
  const auto& [name, profile] = GetParam();
  std::ostringstream first, second;
  write_onnx(first, exported(small_options(name, profile)));
  write_onnx(second, exported(small_options(name, profile)));
  EXPECT_EQ(first.str(), second.str());
}

SSCVAE_FOR_ALL_MODELS(Export);

TEST(Export, EveryValueMayBeAnOutput) {
  const std::vector<std::string> wanted{"logits", "code", "coded_features", "features", "threshold", "code"};
  for (const char* profile : {"sound", "reference", "paper"}) {
    const Model model = exported(small_options("ssc-vae", profile), wanted);
    expect_sound(model);
    EXPECT_EQ(output_names(model), (std::vector<std::string>{"reconstruction", "features", "threshold", "code",
                                                             "coded_features", "logits"}));
    EXPECT_EQ(model.outputs.at(3).shape,
              (std::vector<Dimension>{"batch", int64_t{32}, "latent_height", "latent_width"}));
  }
  const Model shared = exported(small_options("vq-vae", "sound"), {"code", "coded_features"});  // one value, two names
  expect_sound(shared);
  EXPECT_EQ(count(shared, "Identity"), 1);
}

TEST(Export, AThresholdThatIsANumberIsAnOutput) {
  const Model model = exported(small_options("sc-vae", "sound"), {"threshold"});
  expect_sound(model);
  const int64_t one = 1;
  EXPECT_EQ(model.outputs.at(1).shape, (std::vector<Dimension>{one, one, one, one}));
}

TEST(Export, OutputsThatAreNotThereAreRefused) {
  const auto message_of = [](const std::vector<std::string>& outputs) -> std::string {
    try {
      exported(small_options("vae", "sound"), outputs);
    } catch (const UsageError& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_EQ(message_of({"threshold"}),
            "outputs: the model has no threshold; it has reconstruction, features, code, log_variance, logits");
  EXPECT_NE(message_of({"cod"}).find("did you mean 'code'?"), std::string::npos);
}

TEST(Export, TransposesOnlyBetweenMapsAndRows) {
  // Features and thresholds become rows, coded features maps again; the code is asked for only here.
  const models::ModelOptions lite = small_options("ssc-vae", "sound");
  EXPECT_EQ(count(exported(lite), "Transpose"), 3);
  EXPECT_EQ(count(exported(lite, {"code"}), "Transpose"), 4);
  EXPECT_EQ(count(exported(small_options("sc-vae", "sound")), "Transpose"), 2);
  EXPECT_EQ(count(exported(small_options("vae", "sound")), "Transpose"), 0);
  // In each of two attentions: four over queries, three over keys.
  EXPECT_EQ(count(exported(small_options("vae", "reference")), "Transpose"), 8);
  EXPECT_EQ(count(exported(small_options("vae", "paper")), "Transpose"), 6);
}

TEST(Export, AScaleOfAttentionThatNoWeightCanTakeIsAProduct) {
  graph::Graph graph;
  graph.nodes = {{graph::Input{}, {}, "image"},
                 {graph::Attention{graph::SoftmaxAxis::kKeys, 0.5}, {0, 0, 0}, "attention"}};
  graph.reconstruction = 1;
  expect_sound(to_onnx(graph));
  EXPECT_EQ(count(to_onnx(graph), "Mul"), 1);
}

TEST(Export, ColourIsUnshuffledByTheFirstWeights) {
  models::ModelOptions options = small_options("vae", "sound");
  options.in_channels = 3;
  const Model model = exported(options);
  expect_sound(model);
  EXPECT_EQ(count(model, "SpaceToDepth"), 1);
  EXPECT_EQ(count(model, "Gather"), 0);
}

TEST(Export, IterationsAreProductsWithConstants) {
  models::ModelOptions options = small_options("ssc-vae", "reference");
  const int products = count(exported(options), "MatMul");
  options.sparse_coder.num_iterations += 3;
  const Model longer = exported(options);
  EXPECT_EQ(count(longer, "MatMul"), products + 3);
  EXPECT_EQ(count(longer, "Clip"), options.sparse_coder.num_iterations + 1);  // projected start
  EXPECT_EQ(count(exported(small_options("ssc-vae", "sound")), "Clip"), 0);   // thresholds are never negative
  int inhibitions = 0;
  for (const Initializer& constant : longer.initializers) inhibitions += constant.name.ends_with("/inhibition");
  EXPECT_EQ(inhibitions, 1);
}

TEST(Export, NoAndFewIterations) {
  using networks::InitialCode, networks::Iteration;
  for (const auto& [iteration, start] : {std::pair{Iteration::kTied, InitialCode::kZero},
                                         {Iteration::kTied, InitialCode::kProjected},
                                         {Iteration::kUntied, InitialCode::kZero},
                                         {Iteration::kPerLayer, InitialCode::kZero}})
    for (const int64_t steps : {0, 1, 2}) {
      models::ModelOptions options = small_options("ssc-vae", "sound");
      options.sparse_coder.initial_code = start;
      options.sparse_coder.iteration = iteration;
      options.sparse_coder.num_iterations = steps;
      SCOPED_TRACE(::testing::Message() << static_cast<int>(iteration) << static_cast<int>(start) << steps);
      expect_sound(exported(options, {"code", "threshold"}));  // the threshold, as nothing uses it without iterations
    }
}

TEST(NodeWriter, NamesAreUnique) {
  NodeWriter writer;
  writer.enter("a");
  EXPECT_EQ(writer.add("Relu", {"x"}), "a/Relu");
  EXPECT_EQ(writer.add("Relu", {"x"}), "a/Relu_2");
  EXPECT_EQ(writer.number(1, "Relu"), "a/Relu_3");
  writer.enter("b");
  EXPECT_EQ(writer.add("Relu", {"x"}), "b/Relu");
}

TEST(NodeWriter, AnOutputKeepsItsUsers) {
  NodeWriter writer;
  writer.enter("a");
  const std::string x = writer.add("Relu", {"image"}), y = writer.add("Neg", {x});
  writer.expose(x, {"code", {}});
  writer.expose(x, {"copy", {}});
  writer.expose(writer.number(1, "one"), {"number", {}});
  EXPECT_EQ(writer.model.operators.at(0).outputs.at(0), "code");
  EXPECT_EQ(writer.model.operators.at(1).inputs.at(0), "code");
  EXPECT_EQ(writer.model.operators.at(2).inputs.at(0), "code");
  EXPECT_EQ(writer.model.operators.at(2).outputs.at(0), "copy");
  EXPECT_EQ(writer.model.operators.at(3).inputs.at(0), "a/one");
  EXPECT_EQ(output_names(writer.model), (std::vector<std::string>{"code", "copy", "number"}));
}

}  // namespace
}  // namespace sscvae::onnx
