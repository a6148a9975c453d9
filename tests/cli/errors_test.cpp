#include <iterator>

#include "cli/program.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/serialization/safetensors.h"

namespace sscvae::testing {
namespace {

/// One line on standard error, nothing on standard output, that exit code, and the text in the line.
void expect_failure(const std::vector<std::string>& arguments, int code, const std::string& text) {
  const Outcome outcome = run(arguments);
  EXPECT_EQ(outcome.code, code) << outcome.err;
  EXPECT_EQ(outcome.error_lines(), 1) << outcome.err;
  EXPECT_NE(outcome.err.find(text), std::string::npos) << outcome.err;
  EXPECT_EQ(outcome.out, "");
}

/// Every command, those of commands with commands of their own as {"data", "synth"}.
std::vector<std::vector<std::string>> every_command() {
  std::vector<std::vector<std::string>> found;
  for (const std::string& name : subcommands_of(run({"--help"}).out)) {
    found.push_back({name});
    for (const std::string& sub : subcommands_of(run({name, "--help"}).out)) found.push_back({name, sub});
  }
  return found;
}

TEST(Help, EveryCommandExplainsItselfWithAnExample) {
  const auto commands = every_command();
  EXPECT_GE(commands.size(), 22u);
  for (std::vector<std::string> command : commands) {
    const std::string name = command[0];
    const bool is_inner = command.size() > 1;
    command.push_back("--help");
    const Outcome outcome = run(command);
    EXPECT_EQ(outcome.code, 0) << name;
    EXPECT_EQ(outcome.err, "") << name;
    const size_t example = outcome.out.find("Example:\n  sscvae " + name);
    EXPECT_TRUE(is_inner || example != std::string::npos) << outcome.out;
  }
  EXPECT_EQ(run({"--version"}).code, 0);
}

TEST(Help, SaysOnceThatThereMayBeSeveral) {
  size_t lists = 0;
  for (std::vector<std::string> command : every_command()) {
    const std::string name = command.back();
    command.push_back("--help");
    std::istringstream lines(run(command).out);
    for (std::string line; std::getline(lines, line);) {
      EXPECT_EQ(line.find("... ..."), std::string::npos) << name << line;
      std::istringstream words(line);
      std::string option, type, next;
      words >> option >> type >> next;
      if (!option.starts_with("--") || type.find(',') == std::string::npos) continue;
      EXPECT_NE(next, "...") << name << line;
      ++lists;
    }
  }
  EXPECT_EQ(lists, 4u);
}

TEST(ListCommand, NoCellRepeatsAnother) {
  size_t protocols = 0;
  for (const auto& row : run_json({"list", "protocols"})) {
    const std::string choices = row["choices"];
    EXPECT_EQ(choices.find(row["summary"].get<std::string>()), std::string::npos) << choices;
    EXPECT_EQ(choices.find("protocol: "), std::string::npos) << choices;
    EXPECT_NE(choices.find("ssim: "), std::string::npos) << choices;
    ++protocols;
  }
  EXPECT_EQ(protocols, 4u);
}

/// Examples are typed off: each option in them must be one of the command's.
TEST(Help, ExamplesUseOptionsThatThereAre) {
  size_t checked = 0;
  for (const std::string& name : subcommands_of(run({"--help"}).out)) {
    const std::string help = run({name, "--help"}).out;
    const size_t start = help.find("Example:\n");
    ASSERT_NE(start, std::string::npos) << name;
    std::istringstream words(help.substr(start));
    std::vector<std::string> example{std::istream_iterator<std::string>(words), {}};
    const std::string inner = name == "data" ? run({name, example.at(3), "--help"}).out : help;
    for (const std::string& word : example)
      if (word.starts_with("--")) {
        EXPECT_NE(inner.substr(0, inner.find("Example:")).find(word), std::string::npos) << name << " " << word;
        ++checked;
      }
  }
  EXPECT_GT(checked, 20u);
}

TEST(Errors, NamesThatDoNotExist) {
  expect_failure({"evalute"}, 2, "did you mean 'evaluate'?");
  expect_failure({"data", "sinth"}, 2, "did you mean 'synth'?");
  expect_failure({"denoize", "--help"}, 2, "did you mean 'denoise'?");
  expect_failure({"--help", "denoize"}, 2, "did you mean 'denoise'?");
  expect_failure({"data", "sinth", "--help"}, 2, "did you mean 'synth'?");
  expect_failure({"config", "--config", "none.JSON"}, 3, "there is no such file");
  expect_failure({}, 2, "needs a command");
  expect_failure({"train", "--confg", "demo"}, 2, "did you mean '--config'?");
  expect_failure({"list", "modles"}, 2, "did you mean 'models'?");
  expect_failure({"config", "--set", "train.epoch=5"}, 2, "did you mean 'train.epochs'?");
  expect_failure({"config", "--set", "train.epochs=many"}, 2, "train.epochs");
  expect_failure({"config", "--config", "demoo"}, 2, "did you mean 'demo'?");
  expect_failure({"reconstruct"}, 2, "required");
  expect_failure({"doctor", "--device", "gpu"}, 2, "--device");
  expect_failure({"doctor", "--precision", "fp16"}, 2, "--precision");
  expect_failure({"complexity", "--size", "12"}, 2, "--size");
}

TEST(Errors, CudaWithoutCudaIsAUsageError) {
  const Outcome here = run({"doctor", "--json", "-"});
  if (nlohmann::json::parse(here.out)["libraries"]["cuda_devices"] != 0)
    GTEST_SKIP() << "this machine has a CUDA device";
  expect_failure({"doctor", "--device", "cuda"}, 2, "--device cuda");
}

TEST(Errors, BlindWeightsAreMeasuredAtALevel) {
  const TemporaryFolder folder;
  const std::string images = (folder / "images").string();
  run({"data", "synth", "--count", "1", "--size", "32x32", "--out", images});
  const std::string weights = write_tiny_weights(folder / "w.safetensors", 1, "denoise", "csc",
                                                 {"data.noise.sigma_8bit=0", "data.noise.sigma_8bit_max=55"});
  const std::vector<std::string> call{"evaluate", "--weights", weights, "--data", images, "--dataset", "folder"};
  expect_failure(call, 2, "from 0 to 55: give the level");
  std::vector<std::string> at_level = call;
  at_level.insert(at_level.end(), {"--sigma-8bit", "25"});
  const Outcome told = run(at_level);
  EXPECT_EQ(told.code, 0) << told.err;
  EXPECT_NE(told.out.find("25 grey levels of gaussian noise"), std::string::npos) << told.out;
}

TEST(Errors, ExportsThatCannotBe) {
  const TemporaryFolder folder;
  const std::string weights = write_tiny_weights(folder / "w.safetensors"), out = (folder / "m.onnx").string();
  expect_failure({"export", weights, "--format", "onn", "--out", out}, 2, "did you mean 'onnx'?");
  expect_failure({"export", weights, "--format", "torch", "--outputs", "code", "--out", out}, 2, "--outputs");
  expect_failure({"export", weights, "--type", "f15", "--out", out}, 2, "did you mean 'f16'?");
  expect_failure({"export", weights, "--format", "onnx", "--type", "f16", "--out", out}, 2, "--type is for files");
  expect_failure({"export", weights, "--format", "safetensors", "--out", out}, 2, "ending in .safetensors");
  expect_failure({"export", weights, "--format", "onnx", "--outputs", "cod", "--out", out}, 2, "did you mean 'code'?");
  expect_failure({"export", weights, "--format", "onnx", "--outputs", "log_variance", "--out", out}, 2, "has no log_v");
  expect_failure({"export", weights, "--format", "onnx", "--out", (folder / "none/m.onnx").string()}, 3, "none");
  EXPECT_FALSE(std::filesystem::exists(out));
  std::ofstream(out) << "precious";
  expect_failure({"export", weights, "--format", "onnx", "--out", out}, 2, "--overwrite");
  EXPECT_EQ(slurp(out), "precious");
}

TEST(Errors, FilesThatAreMissingOrDamaged) {
  const TemporaryFolder folder;
  const std::string weights = write_tiny_weights(folder / "w.safetensors"), out = (folder / "out").string();
  const std::string broken = (folder / "broken.png").string();
  std::ofstream(broken) << "\x89PNG\r\n\x1a\n and then nothing of the kind";
  expect_failure({"reconstruct", (folder / "none.png").string(), "--weights", weights, "--out", out}, 3, "none.png");
  expect_failure({"reconstruct", broken, "--weights", (folder / "none.safetensors").string(), "--out", out}, 3,
                 "none.safetensors");
  expect_failure({"reconstruct", broken, "--weights", weights, "--out", out, "--quiet"}, 4, "broken.png");
  EXPECT_FALSE(std::filesystem::exists(folder / "out/broken.png"));

  std::string bytes = slurp(weights);
  std::ofstream(folder / "short.safetensors", std::ios::binary) << bytes.substr(0, bytes.size() / 2);
  expect_failure({"inspect", (folder / "short.safetensors").string()}, 4, "short.safetensors");
  std::ofstream(folder / "foreign.pt", std::ios::binary) << "PK not really";
  expect_failure({"import", (folder / "foreign.pt").string(), "--out", (folder / "x.safetensors").string()}, 4,
                 "foreign.pt");
  std::ofstream(folder / "bad.toml") << "train = [unfinished";
  expect_failure({"config", "--config", (folder / "bad.toml").string()}, 2, "bad.toml");
}

TEST(Errors, OneBrokenImageAmongManyIsNamedAndTheOthersAreDone) {
  const TemporaryFolder folder;
  const std::string weights = write_tiny_weights(folder / "w.safetensors");
  ASSERT_EQ(
      run({"data", "synth", "--count", "2", "--size", "16x16", "--out", (folder / "in").string(), "--quiet"}).code, 0);
  std::ofstream(folder / "in/zzz.png") << "nothing";
  const Outcome outcome = run(
      {"reconstruct", (folder / "in").string(), "--weights", weights, "--out", (folder / "out").string(), "--quiet"});
  EXPECT_EQ(outcome.code, 4);
  EXPECT_EQ(outcome.error_lines(), 1) << outcome.err;
  EXPECT_NE(outcome.err.find("zzz.png"), std::string::npos);
  EXPECT_TRUE(std::filesystem::exists(folder / "out/speckle_00000.png"));
}

TEST(Errors, NothingIsOverwrittenUnasked) {
  const TemporaryFolder folder;
  const std::vector<std::string> synth{
      "data", "synth", "--count", "1", "--size", "8x8", "--out", (folder / "in").string(), "--quiet"};
  ASSERT_EQ(run(synth).code, 0);
  const std::string before = slurp(folder / "in/speckle_00000.png");
  expect_failure(synth, 2, "--overwrite");
  EXPECT_EQ(slurp(folder / "in/speckle_00000.png"), before);
}

TEST(Errors, EmptyValuesAndNumbersThatAreNone) {
  const TemporaryFolder folder;
  const std::string weights = write_tiny_weights(folder / "w.safetensors", 1, "denoise"),
                    out = (folder / "out").string(), images = (folder / "in").string();
  ASSERT_EQ(run({"data", "synth", "--count", "1", "--size", "16x16", "--out", images, "--quiet"}).code, 0);
  const std::vector<std::string> denoise{"denoise", images, "--weights", weights, "--out", out},
      evaluate{"evaluate", "--weights", weights, "--data", images, "--dataset", "folder"},
      noise{"data", "noise", images, "--out", out};
  const auto with = [](std::vector<std::string> arguments, const std::string& option, const std::string& value) {
    arguments.insert(arguments.end(), {option, value});
    return arguments;
  };
  for (const auto& call : {with({"evaluate", "--data", images}, "--weights", ""),
                           with({"benchmark"}, "--weights", ""),
                           with({"complexity"}, "--weights", ""),
                           with(denoise, "--threads", ""),
                           with(denoise, "--sigma-8bit", ""),
                           with(evaluate, "--json", ""),
                           with(noise, "--noise", ""),
                           with({"train"}, "--out", ""),
                           {"inspect", ""},
                           with({"export", ""}, "--out", out)})
    expect_failure(call, 2, "expected a value, got an empty one");
  for (const std::string value : {"-3", "nan", "inf", "1e999", "256", "12x"}) {
    for (const auto& call : {denoise, evaluate, noise})
      expect_failure(with(call, "--sigma-8bit", value), 2, "--sigma-8bit");
    expect_failure(with(denoise, "--add-noise", value), 2, "--add-noise");
  }
  for (const std::string value : {"-1", "nan", "inf", "1e999"}) {
    expect_failure(with(denoise, "--strength", value), 2, "--strength");
    expect_failure(with(evaluate, "--code-step", value), 2, "--code-step");
    expect_failure(with({"demo", "--out", out}, "--minutes", value), 2, "--minutes");
  }
  for (const std::string value : {"-1", "1e99", "99999999999999999999", "nan"})
    expect_failure(with(denoise, "--threads", value), 2, "--threads");
  EXPECT_FALSE(std::filesystem::exists(out));
}

TEST(Errors, AFolderDoesNotHideShippedWeights) {
  const TemporaryFolder folder;
  const std::string program = "cd " + quoted(folder.path().string()) + " && mkdir -p natural-denoise-grey nothing && " +
                              quoted(SSCVAE_PROGRAM) + " inspect ";
  const auto shell = [&](const std::string& name) {
    return WEXITSTATUS(std::system((program + name + " >/dev/null 2>" + quoted((folder / "err").string())).c_str()));
  };
  EXPECT_EQ(shell("nothing"), 3);
  EXPECT_NE(slurp(folder / "err").find("is a folder, expected a weights file"), std::string::npos);
  if (run({"list", "weights"}).out.find("natural-denoise-grey") == std::string::npos)
    GTEST_SKIP() << "weights do not come with this build";
  EXPECT_EQ(shell("natural-denoise-grey"), 0) << slurp(folder / "err");
}

TEST(Errors, ReferencesThatAreNotMeant) {
  const TemporaryFolder folder;
  const std::string weights = write_tiny_weights(folder / "w.safetensors", 1, "denoise"),
                    images = (folder / "in").string();
  ASSERT_EQ(
      run({"data", "synth", "--kind", "leaves", "--count", "2", "--size", "16x16", "--out", images, "--quiet"}).code,
      0);
  const std::string one = images + "/leaves_00000.png", other = (folder / "other.png").string();
  std::filesystem::copy_file(one, other);
  const auto call = [&](const std::string& input, const std::string& reference, const std::string& out) {
    return std::vector<std::string>{
        "denoise", input, "--weights", weights, "--reference", reference, "--out", (folder / out).string(), "--quiet"};
  };
  expect_failure(call(images, other, "a"), 2, "no image named 'leaves_00000'");
  std::filesystem::create_directory(folder / "clean");
  for (const char* name : {"clean/leaves_00000.png", "clean/leaves_00001.png", "clean/leaves_00001.jpg"})
    std::filesystem::copy_file(one, folder / name);
  expect_failure(call(images, (folder / "clean").string(), "a"), 2, "one name without extension");
  EXPECT_FALSE(std::filesystem::exists(folder / "a"));
  std::filesystem::remove(folder / "clean/leaves_00001.jpg");
  EXPECT_EQ(run(call(images, (folder / "clean").string(), "b")).code, 0);
  EXPECT_EQ(run(call(one, other, "c")).code, 0);  // one for one, whatever its name
}

TEST(Errors, AnUnknownInstructionSetInTheEnvironment) {
  const char* before = std::getenv("SSCVAE_ISA");
  const std::string held_to = before ? before : "";
  ::setenv("SSCVAE_ISA", "avx-2", 1);
  expect_failure({"doctor"}, 2, "SSCVAE_ISA: expected portable, neon, avx2");
  if (before) ::setenv("SSCVAE_ISA", held_to.c_str(), 1);
  else ::unsetenv("SSCVAE_ISA");
}

TEST(Errors, ImagesThatWeightsMakeNoNumbersOfAreNamed) {
  const TemporaryFolder folder;
  const std::string images = (folder / "images").string();
  run_json({"data", "synth", "--kind", "leaves", "--count", "2", "--size", "32x32", "--out", images});
  auto file = serialization::read_safetensors(write_tiny_weights(folder / "w.safetensors", 1));
  for (const auto& [name, tensor] : file.tensors)
    if (name == "_decoder.stem.weight" || name == "_decoder.head.weight") at::Tensor(tensor).mul_(1e30);
  serialization::write_safetensors(folder / "large.safetensors", file.tensors, file.metadata);
  const Outcome outcome = run({"evaluate", "--weights", (folder / "large.safetensors").string(), "--data", images,
                               "--dataset", "folder", "--part", "all"});
  EXPECT_EQ(outcome.code, 4) << outcome.err;
  for (const char* name : {"leaves_00000.png", "leaves_00001.png"})
    EXPECT_NE(outcome.err.find(name), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("not finite"), std::string::npos) << outcome.err;
}

TEST(Denoise, TheLevelThatIsToldCountsForEveryDenoiser) {
  const TemporaryFolder folder;
  const std::string images = (folder / "images").string();
  run_json({"data", "synth", "--kind", "leaves", "--count", "1", "--size", "64x64", "--out", images});
  const std::string denoiser = write_tiny_weights(folder / "d.safetensors", 1, "denoise"),
                    other = write_tiny_weights(folder / "r.safetensors", 1);
  const auto psnr = [&](const std::string& weights, const std::string& level) {
    const auto report = run_json({"denoise", images, "--weights", weights, "--sigma-8bit", level, "--reference", images,
                                  "--out", (folder / "out").string(), "--overwrite"});
    return std::pair(report["images"][0]["psnr_db"], report["images"][0]["contrast_factor"]);
  };
  EXPECT_EQ(psnr(denoiser, "0").first, "inf") << "no noise, no change";
  EXPECT_LT(psnr(denoiser, "25").first.get<double>(), 40) << "an untrained model's result, as told";
  EXPECT_EQ(psnr(other, "3").second, 1) << "weights that know no noise have no range of it";
}

}  // namespace
}  // namespace sscvae::testing
