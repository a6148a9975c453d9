#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "interop/python.h"
#include "sscvae/core/error.h"
#include "sscvae/core/text.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/serialization/element_type.h"
#include "sscvae/serialization/safetensors.h"
#include "sscvae/serialization/torch_checkpoint.h"

namespace sscvae::serialization {
namespace {

/// What Python calls the element types, in the order of element_types().
std::string torch_name(DataType type) {
  const std::vector<std::string> names = {"float64", "float32", "float16", "bfloat16", "int64",
                                          "int32",   "int16",   "int8",    "uint8",    "bool"};
  return "torch." + names.at(static_cast<size_t>(find_element_type(type) - element_types().data()));
}

std::string hexadecimal(const at::Tensor& tensor) {
  const at::Tensor contiguous = tensor.contiguous();
  const unsigned char* bytes = static_cast<const unsigned char*>(contiguous.const_data_ptr());
  std::string text;
  for (size_t i = 0; i < contiguous.nbytes(); ++i) text += format("%02x", bytes[i]);
  return text;
}

/// The list that checkpoints.py calls facts.
nlohmann::json facts_of(const StateDict& state) {
  nlohmann::json facts = nlohmann::json::array();
  for (const auto& [name, tensor] : state)
    facts.push_back(
        {name, torch_name(tensor.type()), tensor.sizes().vec(), tensor.strides().vec(), hexadecimal(tensor)});
  return facts;
}

StateDict varied() {
  StateDict state;
  for (const ElementType& type : element_types())
    state.add("t." + std::string(type.name),
              at::arange(6, at::kLong).remainder(2).reshape({2, 3}).to(scalar_type_of(type.type)));
  state.add("scalar", at::full({}, 2.5, at::kDouble));
  state.add("empty", at::zeros({2, 0, 3}));
  state.add("transposed", at::arange(6, at::kFloat).reshape({2, 3}).t());
  state.add("channels_last", at::arange(24, at::kFloat).reshape({1, 2, 3, 4}).permute({0, 3, 1, 2}));
  state.add("\xc3\xa4 \xf0\x9f\x98\x80", at::arange(70000, at::kInt));
  return state;
}

void expect_torch_reads(const std::vector<StateDict>& states) {
  const testing::TemporaryFolder folder;
  std::vector<std::string> arguments = {"check"};
  for (const StateDict& state : states) {
    const std::string name = (folder / std::to_string(arguments.size())).string();
    write_torch_checkpoint(name + ".pt", state);
    write_atomically(name + ".json", facts_of(state).dump());
    arguments.push_back(name);
  }
  const testing::PythonResult result = testing::run_script("checkpoints.py", arguments);
  EXPECT_EQ(result.code, 0) << result.output;
}

TEST(TorchInterop, TorchReadsWhatWeWrite) {
  SSCVAE_SKIP_WITHOUT_PYTHON("torch");
  expect_torch_reads({varied(), {}});
}

TEST(TorchInterop, TorchReadsReferenceFilesThatWentThroughUs) {
  SSCVAE_SKIP_WITHOUT_PYTHON("torch");
  std::vector<StateDict> states;
  for (const char* name : {"sscvae_gray", "scvae_gray", "vqvae_gray"})
    states.push_back(read_torch_checkpoint(testing::parity_folder() / "models" / name / "state.pt"));
  expect_torch_reads(states);
}

TEST(TorchInterop, WeReadWhatTorchWrites) {
  SSCVAE_SKIP_WITHOUT_PYTHON("torch");
  const testing::TemporaryFolder folder;
  const testing::PythonResult result = testing::run_script("checkpoints.py", {"write", folder.path().string()});
  ASSERT_EQ(result.code, 0) << result.output;
  for (const char* name :
       {"module", "plain_dict", "views", "types", "shapes", "parameters", "many", "wrapped", "beside", "below_params",
        "below_params_ema", "below_net", "below_model_state_dict", "below_generator", "below_ema"})
    EXPECT_EQ(facts_of(read_torch_checkpoint(folder / (std::string(name) + ".pt"))),
              nlohmann::json::parse(read_file(folder / (std::string(name) + ".json"))))
        << name;
  const std::pair<const char*, const char*> refused[] = {
      {"module", "whole pickled model ('torch.nn.modules.container.Seq"},
      {"old_module", "whole pickled model"},
      {"legacy", "before PyTorch 1.6"},
      {"pickle", "a pickle that torch.save did not write"},
      {"script", "TorchScript"},
      {"type", "asks for 'torch.ComplexFloatStorage'"}};
  for (const auto& [name, reason] : refused) {
    try {
      read_torch_checkpoint(folder / ("refused_" + std::string(name) + ".pt"));
      ADD_FAILURE() << name;
    } catch (const FormatError& error) {
      EXPECT_NE(std::string(error.what()).find(reason), std::string::npos) << error.what();
    }
  }
}

TEST(SafetensorsInterop, TheFormatsOwnLibraryReadsWhatWeWrite) {
  SSCVAE_SKIP_WITHOUT_PYTHON("safetensors");
  const testing::TemporaryFolder folder;
  const StateDict state = varied();
  write_safetensors(folder / "f.safetensors", state, {{"k", "v"}});
  nlohmann::json expected;
  for (const auto& [name, tensor] : state) expected[name] = hexadecimal(tensor);
  write_atomically(folder / "facts.json", expected.dump());
  const testing::PythonResult result = testing::run_python(
      {"-c",
       "import json, safetensors, sys\n"
       "found = {n: bytes(t[\"data\"]).hex() for n, t in safetensors.deserialize(open(sys.argv[1], \"rb\").read())}\n"
       "assert found == json.load(open(sys.argv[2])), found\n",
       (folder / "f.safetensors").string(), (folder / "facts.json").string()});
  EXPECT_EQ(result.code, 0) << result.output;
}

}  // namespace
}  // namespace sscvae::serialization
