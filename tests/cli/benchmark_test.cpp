#include <torch/types.h>

#include "cli/program.h"
#include "sscvae/core/cpu_features.h"
#include "sscvae/nn/arrays.h"

namespace sscvae::testing {
namespace {

/// The JSON of `sscvae benchmark` with these options, a run without warm-up on one thread.
nlohmann::json benchmark_json(std::vector<std::string> options) {
  options.insert(options.begin(), {"benchmark", "--warmup", "0", "--threads", "1", "--json", "-", "--quiet"});
  const Outcome outcome = run(options);
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  return outcome.code == 0 ? nlohmann::json::parse(outcome.out) : nlohmann::json();
}

std::vector<std::string> with_tiny_model(std::vector<std::string> options) {
  for (const std::string& value : tiny_options()) options.insert(options.end(), {"--set", value});
  return options;
}

void expect_times(const nlohmann::json& pass, size_t repeats) {
  ASSERT_EQ(pass["seconds"].size(), repeats);
  EXPECT_GT(pass["min_seconds"], 0.0);
  EXPECT_LE(pass["min_seconds"], pass["median_seconds"]);
  EXPECT_LE(pass["min_seconds"], pass["mean_seconds"]);
  EXPECT_DOUBLE_EQ(pass["items_per_second"].get<double>() * pass["median_seconds"].get<double>(),
                   pass["items"].get<double>());
}

TEST(Benchmark, InferenceIsTimedAndCountedByLayer) {
  const auto report = benchmark_json(with_tiny_model({"--size", "16x24", "--repeats", "3", "--layers"}));
  ASSERT_EQ(report["passes"].size(), 1u);
  const auto& pass = report["passes"][0];
  expect_times(pass, 3);
  EXPECT_EQ(pass["items"], 1);
  EXPECT_GT(pass["peak_tensor_bytes"], 0);
  EXPECT_NEAR(pass["share_of_limit"].get<double>(),
              pass["gflops"].get<double>() / report["limit"]["gflops"].get<double>(), 1e-12);
  const Outcome cost = run(with_tiny_model({"complexity", "--size", "16x24", "--json", "-"}));
  const auto plain =
      benchmark_json(with_tiny_model({"--size", "16x24", "--repeats", "1", "--engine", "plain"}))["passes"][0];
  EXPECT_EQ(plain["macs"], nlohmann::json::parse(cost.out)["macs"]);
  EXPECT_EQ(pass["macs"], plain["macs"]);
  int64_t of_steps = 0;
  for (const auto& row : report["layers"]) of_steps += row.value("macs", int64_t{0});
  EXPECT_EQ(of_steps, pass["macs"].get<int64_t>()) << "what the steps say they save nothing of";
  EXPECT_EQ(report["machine"]["threads"], 1);
  EXPECT_EQ(report["precision"], "fp32");
  EXPECT_GT(report["peak_resident_bytes"], pass["peak_tensor_bytes"]);
  double share = 0;
  std::set<std::string> layers;
  for (const auto& row : report["layers"]) {
    share += row["share"].get<double>();
    layers.insert(row["layer"].get<std::string>());
  }
  EXPECT_NEAR(share, 1, 1e-9);
  EXPECT_GT(layers.size(), 4u);
}

TEST(Benchmark, WhatIsMeasuredIsWhatTheModelComputes) {
  const TemporaryFolder folder;
  const std::string weights = write_tiny_weights(folder / "w.safetensors"), input = (folder / "x.safetensors").string(),
                    out = (folder / "y.safetensors").string(), traced = (folder / "t.safetensors").string();
  serialization::StateDict images;
  images.add("input", at::arange(2 * 16 * 16, at::kFloat).reshape({2, 1, 16, 16}) / 512);
  serialization::write_safetensors(input, images);
  const auto report =
      benchmark_json({"--weights", weights, "--input", input, "--out", out, "--repeats", "1", "--precision", "fp32"});
  EXPECT_EQ(report["subject"]["batch"], 2);
  EXPECT_EQ(report["passes"][0]["items"], 2);
  EXPECT_EQ(report["subject"]["weights_sha256"].get<std::string>().size(), 64u);
  ASSERT_EQ(run({"trace", "--weights", weights, "--input", input, "--out", traced}).code, 0);
  const auto tensor = [](const std::string& path) {
    return serialization::read_safetensors(path).tensors.at("reconstruction");
  };
  EXPECT_TRUE(at::allclose(tensor(out), tensor(traced), 1e-5, 1e-6));
}

TEST(Benchmark, TrainingTakesStepsOfTheConfiguration) {
  const auto forward = benchmark_json(with_tiny_model({"--engine", "plain", "--size", "16x16", "--repeats", "1"}));
  for (const std::string precision : {"fp32", "bf16"}) {
    const auto report = benchmark_json(
        with_tiny_model({"--stage", "training", "--size", "16x16", "--repeats", "2", "--precision", precision}));
    expect_times(report["passes"][0], 2);
    EXPECT_EQ(report["passes"][0]["name"], "step");
    EXPECT_EQ(report["precision"], precision == "bf16" && !cpu_features().has_fast_bf16() ? "fp32" : precision);
    EXPECT_GT(report["results"]["first_loss"], 0.0);
    // Backwards costs twice what forwards does, but for the gradient of the image, which nobody wants.
    const auto macs = report["passes"][0]["macs"].get<double>(), once = forward["passes"][0]["macs"].get<double>();
    EXPECT_LE(macs, 3.01 * once) << precision;
    EXPECT_GT(macs, 2.5 * once) << precision;
  }
}

TEST(Benchmark, LayersOfTrainingHaveKernelsOfOurOwn) {
  const auto of_model = [](std::vector<std::string> options) {
    for (const char* value :
         {"model.name=ssc-vae", "profile=reference", "model.reference.hidden_channels_1=32",
          "model.reference.hidden_channels_2=64", "model.sparse_coder.atom_dim=32", "model.sparse_coder.num_atoms=64"})
      options.insert(options.end(), {"--set", value});
    return benchmark_json(options);
  };
  const auto forward = of_model({"--engine", "plain", "--size", "32x32", "--repeats", "1"});
  const auto once = forward["passes"][0]["macs"].get<double>();
  for (const std::string precision : {"fp32", "bf16"}) {
    const auto report =
        of_model({"--stage", "training", "--layers", "--size", "32x32", "--repeats", "1", "--precision", precision});
    int64_t macs = 0;
    for (const auto& row : report["layers"]) macs += row.value("macs", int64_t{0});
    EXPECT_EQ(macs, report["passes"][0]["macs"].get<int64_t>()) << precision;
    EXPECT_LE(static_cast<double>(macs), 3.01 * once) << precision;
    EXPECT_GT(static_cast<double>(macs), 2.8 * once) << precision;
  }
}

TEST(Benchmark, ListaGivesCodeAndGradients) {
  const TemporaryFolder folder;
  const std::string out = (folder / "out.safetensors").string();
  const auto report = benchmark_json({"--stage", "lista", "--positions", "40", "--atom-dim", "8", "--atoms", "16",
                                      "--iterations", "3", "--repeats", "2", "--out", out});
  ASSERT_EQ(report["passes"].size(), 2u);
  for (const auto& pass : report["passes"]) expect_times(pass, 2);
  // Correlations, Gram matrix, three iterations; backwards each product costs twice, that of the features' too.
  const int64_t correlations = 40 * 8 * 16, gram = 16 * 8 * 16, iteration = 40 * 16 * 16;
  EXPECT_EQ(report["passes"][0]["macs"], correlations + gram + 3 * iteration);
  EXPECT_EQ(report["passes"][1]["macs"], 3 * (correlations + gram + 3 * iteration));
  const double share = report["results"]["nonzero_share"];
  EXPECT_TRUE(share > 0 && share < 1) << share;
  const auto tensors = serialization::read_safetensors(out).tensors;
  EXPECT_EQ(tensors.at("code").sizes(), (Sizes{40, 16}));
  for (const char* name : {"features", "dictionary", "lipschitz", "threshold"})
    EXPECT_GT(as_tensor(tensors.at(std::string("gradient.") + name)).abs().sum().item<double>(), 0) << name;
}

TEST(Benchmark, LoadingCountsTheImagesOfItsBatches) {
  const TemporaryFolder folder;
  const std::string images = (folder / "images").string();
  ASSERT_EQ(run({"data", "synth", "--count", "3", "--size", "32x40", "--out", images, "--quiet"}).code, 0);
  const auto report = benchmark_json(
      with_tiny_model({"--stage", "loading", "--data", images, "--size", "16x16", "--batch", "4", "--repeats", "2"}));
  ASSERT_EQ(report["passes"].size(), 2u);
  for (const auto& pass : report["passes"]) expect_times(pass, 2);
  EXPECT_EQ(report["passes"][0]["items"], 3);
  EXPECT_EQ(report["passes"][1]["items"], 4 * report["subject"]["batches_per_pass"].get<int>());
  EXPECT_EQ(report["subject"]["patch_size"], 16);
}

TEST(Benchmark, TextIsForPeople) {
  const Outcome outcome = run(with_tiny_model({"benchmark", "--size", "16x16", "--repeats", "1", "--layers"}));
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  for (const char* text :
       {"median ms", "arithmetic limit: ", "measured here", "peak memory of the process", "(between operations)"})
    EXPECT_NE(outcome.out.find(text), std::string::npos) << text << "\n" << outcome.out;
}

void expect_benchmark_failure(std::vector<std::string> options, int code, const std::string& text) {
  options.insert(options.begin(), "benchmark");
  const Outcome outcome = run(options);
  EXPECT_EQ(outcome.code, code) << outcome.err;
  EXPECT_EQ(outcome.error_lines(), 1) << outcome.err;
  EXPECT_NE(outcome.err.find(text), std::string::npos) << outcome.err;
  EXPECT_EQ(outcome.out, "");
}

TEST(Benchmark, MistakesAreOneLine) {
  const TemporaryFolder folder;
  expect_benchmark_failure({"--stage", "inferense"}, 2, "did you mean 'inference'?");
  expect_benchmark_failure({"--repeats", "0"}, 2, "--repeats");
  expect_benchmark_failure({"--warmup", "-1"}, 2, "--warmup");
  expect_benchmark_failure({"--size", "12"}, 2, "--size");
  expect_benchmark_failure({"--batch", "0"}, 2, "--batch");
  expect_benchmark_failure({"--data", "images"}, 2, "--data: not an option of --stage inference");
  expect_benchmark_failure({"--stage", "lista", "--batch", "2"}, 2, "--batch: not an option of --stage lista");
  expect_benchmark_failure({"--stage", "lista", "--positions", "0"}, 2, "--positions");
  expect_benchmark_failure({"--stage", "lista", "--engine", "plain", "--precision", "bf16"}, 2, "--precision bf16");
  expect_benchmark_failure({"--engine", "fats"}, 2, "--engine: expected fast or plain");
  expect_benchmark_failure({"--stage", "loading", "--engine", "plain"}, 2,
                           "--engine: not an option of --stage loading");
  expect_benchmark_failure({"--stage", "training", "--model", "vq-gan"}, 2, "discriminator");
  expect_benchmark_failure({"--stage", "loading"}, 2, "needs --data");
  expect_benchmark_failure({"--stage", "loading", "--data", (folder / "none").string()}, 3, "none");
  expect_benchmark_failure({"--weights", (folder / "none.safetensors").string()}, 3, "none.safetensors");
  serialization::StateDict wrong;
  wrong.add("input", at::zeros({1, 2, 8, 8}));
  serialization::write_safetensors(folder / "x.safetensors", wrong);
  const std::string input = (folder / "x.safetensors").string();
  expect_benchmark_failure({"--input", input}, 4, "input: expected [N, 1, H, W]");
  expect_benchmark_failure({"--input", input, "--size", "8x8"}, 2, "--input brings");
  expect_benchmark_failure({"--stage", "lista", "--input", input}, 4, "features");
  expect_benchmark_failure({"--out", input}, 2, "--overwrite");
}

}  // namespace
}  // namespace sscvae::testing
