#include "sscvae/serialization/torch_checkpoint.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "sscvae/core/atomic_file.h"
#include "sscvae/core/error.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/serialization/element_type.h"
#include "sscvae/serialization/pickle_writer.h"
#include "sscvae/serialization/safetensors.h"
#include "sscvae/serialization/zip_writer.h"
#include "support/hostile_input.h"
#include "support/paths.h"

namespace sscvae::serialization {
namespace {

using namespace std::string_literals;

StateDict varied() {
  StateDict state;
  for (const ElementType& type : element_types())
    state.add("t." + std::string(type.name),
              at::arange(6, at::kLong).remainder(2).reshape({2, 3}).to(scalar_type_of(type.type)));
  state.add("scalar", at::full({}, 2.5, at::kDouble));
  state.add("empty", at::zeros({2, 0, 3}));
  state.add("transposed", at::arange(6, at::kFloat).reshape({2, 3}).t());
  state.add("channels_last", at::arange(24, at::kFloat).reshape({1, 2, 3, 4}).permute({0, 3, 1, 2}));
  state.add("\xc3\xa4", at::arange(300, at::kInt));
  return state;
}

void expect_equal_state(const StateDict& actual, const StateDict& expected) {
  EXPECT_EQ(actual.names(), expected.names());
  for (const auto& [name, tensor] : expected) {
    ASSERT_TRUE(actual.find(name)) << name;
    EXPECT_EQ(actual.find(name)->type(), tensor.type()) << name;
    EXPECT_TRUE(at::equal(*actual.find(name), tensor)) << name;
  }
}

using Records = std::vector<std::pair<std::string, std::string>>;

/// An archive with any pickle in it, checksums right.
std::string archive_with(const std::string& pickle, const Records& records) {
  std::ostringstream out;
  ZipWriter archive(out);
  archive.add("archive/data.pkl", pickle);
  for (const auto& [name, content] : records) archive.add("archive/" + name, content);
  archive.finish();
  return out.str();
}

std::string refusal_of_checkpoint(const std::string& bytes) {
  try {
    for (const auto& [name, tensor] : parse_torch_checkpoint(bytes, "x")) tensor.clone();
  } catch (const FormatError& error) {
    return error.what();
  }
  return "no error";
}

/// A checkpoint with one float tensor "t" over a storage of six elements.
std::string message_of_view(int64_t offset, const std::vector<int64_t>& sizes, const std::vector<int64_t>& strides,
                            uint64_t elements = 6, size_t record_bytes = 24) {
  const std::string pickle =
      pickle_of({{"t", {find_element_type_named("F32"), "0", elements, offset, sizes, strides}}});
  return refusal_of_checkpoint(archive_with(pickle, {{"data/0", std::string(record_bytes, '\0')}}));
}

std::string small_file() {
  const testing::TemporaryFolder folder;
  StateDict state;
  state.add("a", at::arange(6, at::kFloat).reshape({2, 3}).t());
  state.add("b", at::full({}, 7, at::kLong));
  write_torch_checkpoint(folder / "f.pt", state);
  return read_file(folder / "f.pt");
}

TEST(TorchCheckpoint, RoundTripKeepsOrderTypesAndStrides) {
  const testing::TemporaryFolder folder;
  const StateDict state = varied();
  write_torch_checkpoint(folder / "f.pt", state);
  const StateDict read = read_torch_checkpoint(folder / "f.pt");
  expect_equal_state(read, state);
  for (const auto& [name, tensor] : state) EXPECT_EQ(read.find(name)->strides(), tensor.strides()) << name;
  expect_equal_state(parse_torch_checkpoint(read_file(folder / "f.pt"), "memory"), state);
}

TEST(TorchCheckpoint, NotDenseTensorsAreWrittenContiguously) {
  const testing::TemporaryFolder folder;
  StateDict state;
  state.add("gaps", at::arange(10, at::kFloat).slice(0, 0, 10, 2));
  state.add("expanded", at::full({1}, 3.0, at::kFloat).expand({4}));
  state.add("part", at::arange(10, at::kFloat).slice(0, 3, 5));
  write_torch_checkpoint(folder / "f.pt", state);
  expect_equal_state(read_torch_checkpoint(folder / "f.pt"), state);
}

TEST(TorchCheckpoint, EqualInputGivesEqualBytes) {
  const testing::TemporaryFolder folder;
  write_torch_checkpoint(folder / "a.pt", varied());
  write_torch_checkpoint(folder / "b.pt", varied());
  EXPECT_EQ(read_file(folder / "a.pt"), read_file(folder / "b.pt"));
}

TEST(TorchCheckpoint, WhatCannotBeWrittenIsAFormatError) {
  const testing::TemporaryFolder folder;
  StateDict state;
  state.add("placeholder", Array::placeholder({1}));
  EXPECT_THROW(write_torch_checkpoint(folder / "f.pt", state), FormatError);
  EXPECT_FALSE(std::filesystem::exists(folder / "f.pt"));
}

std::string text_in_pickle(const std::string& text) { return "X"s + static_cast<char>(text.size()) + "\0\0\0"s + text; }

/// A dict with a tensor of that name, as a piece of a pickle.
std::string dict_of_tensor(const std::string& name) {
  const std::string whole = pickle_of({{name, {find_element_type_named("F32"), "0", 6, 0, {6}, {1}}}});
  return whole.substr(2, whole.size() - 3);  // without protocol and stop
}

std::vector<std::string> names_in(const std::string& pickle) {
  return parse_torch_checkpoint(archive_with(pickle, {{"data/0", std::string(24, '\0')}}), "x").names();
}

using Names = std::vector<std::string>;

TEST(TorchCheckpoint, WrappedStateDicts) {
  for (const char* key : {"params_ema", "ema", "state_dict", "model_state_dict", "model", "params", "net", "generator"})
    EXPECT_EQ(names_in("}(X\5\0\0\0epochK\3"s + text_in_pickle(key) + dict_of_tensor("t") + "u."), Names{"t"}) << key;
  EXPECT_EQ(names_in("}"s + text_in_pickle("net") + "}" + text_in_pickle("state_dict") + dict_of_tensor("t") + "ss."),
            Names{"t"});
}

TEST(TorchCheckpoint, OfSeveralStateDictsTheAveragedOneIsTakenWithANote) {
  const std::string both = "}("s + text_in_pickle("params") + dict_of_tensor("raw") + text_in_pickle("params_ema") +
                           dict_of_tensor("averaged") + "u.";
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(names_in(both), Names{"averaged"});
  EXPECT_NE(::testing::internal::GetCapturedStderr().find("are taken from 'params_ema', not from 'params'"),
            std::string::npos);
  const std::string number =
      "}("s + text_in_pickle("ema") + "K\1" + text_in_pickle("model") + dict_of_tensor("t") + "u.";
  EXPECT_EQ(names_in(number), Names{"t"});
}

TEST(TorchCheckpoint, WhatIsNoTensorIsSkipped) {
  const std::string tensor = dict_of_tensor("t");
  const std::string open = tensor.substr(0, tensor.size() - 1);  // before the items are set
  const std::string beside = text_in_pickle("epoch") + "K\3" + text_in_pickle("note") + "N" + text_in_pickle("args") +
                             "cargparse\nNamespace\n)\x81}b"s + text_in_pickle("path") +
                             "cpathlib\nPosixPath\nX\1\0\0\0a\x85R"s + text_in_pickle("betas") + "K\1K\2\x86" +
                             text_in_pickle("config") + "}" + text_in_pickle("rate") + "K\1s";
  EXPECT_EQ(names_in(open + beside + "u."), Names{"t"});
  EXPECT_NE(refusal_of_checkpoint(archive_with(open + text_in_pickle("more") + dict_of_tensor("u") + "u.",
                                               {{"data/0", std::string(24, '\0')}}))
                .find("its entry 'more' is not a tensor"),
            std::string::npos);
}

TEST(TorchCheckpoint, SharedStoragesAndOffsets) {
  const ElementType* f32 = find_element_type_named("F32");
  std::string values(24, '\0');
  for (int i = 0; i < 6; ++i) {
    const float value = static_cast<float>(i);
    std::memcpy(&values[4 * static_cast<size_t>(i)], &value, 4);
  }
  const std::string pickle = pickle_of({{"all", {f32, "0", 6, 0, {6}, {1}}}, {"odd", {f32, "0", 6, 1, {3}, {2}}}});
  const StateDict state = parse_torch_checkpoint(archive_with(pickle, {{"data/0", values}}), "x");
  EXPECT_TRUE(at::equal(state.at("all"), at::arange(6, at::kFloat)));
  EXPECT_TRUE(at::equal(state.at("odd"), at::arange(1, 6, 2, at::kFloat)));
  EXPECT_EQ(state.at("odd").owner(), state.at("all").owner());
}

TEST(TorchCheckpoint, ReferenceFilesAreReadAsTheyWereWritten) {
  size_t files = 0;
  for (const auto& folder : std::filesystem::directory_iterator(testing::parity_folder() / "models")) {
    if (!folder.is_directory()) continue;
    const StateDict state = read_torch_checkpoint(folder.path() / "state.pt");
    if (const auto path = folder.path() / "state.safetensors"; std::filesystem::exists(path)) {
      const StateDict expected = read_safetensors(path).tensors;
      EXPECT_EQ(state.size(), expected.size()) << folder.path();
      for (const auto& [name, tensor] : expected) EXPECT_TRUE(at::equal(state.at(name), tensor)) << name;
    }
    const nlohmann::ordered_json rules = nlohmann::ordered_json::parse(read_file(folder.path() / "expected.json"));
    std::vector<std::string> names;
    for (const auto& [name, facts] : rules.at("state").items()) {
      names.push_back(name);
      EXPECT_EQ(state.at(name).strides().vec(), facts.at("stride").get<std::vector<int64_t>>()) << name;
    }
    EXPECT_EQ(state.names(), names) << folder.path();
    ++files;
  }
  EXPECT_GE(files, 3u);
}

TEST(TorchCheckpoint, TensorsSavedOnAGpuComeToTheCpu) {
  const StateDict subset = read_torch_checkpoint(testing::parity_folder() / "models" / "cuda_tagged_subset.pt");
  const StateDict all = read_torch_checkpoint(testing::parity_folder() / "models" / "sscvae_gray" / "state.pt");
  EXPECT_GT(subset.size(), 0u);
  for (const auto& [name, tensor] : subset) {
    EXPECT_TRUE(at::equal(tensor, all.at(name))) << name;
  }
}

TEST(TorchCheckpointHostile, ForeignFiles) {
  const testing::TemporaryFolder folder;
  EXPECT_THROW(read_torch_checkpoint(folder / "absent"), IoError);
  EXPECT_THROW(read_torch_checkpoint(folder.path()), IoError);
  EXPECT_EQ(refusal_of_checkpoint(""), "'x' is not a torch checkpoint: it does not start as a zip archive does");
  EXPECT_NE(refusal_of_checkpoint("\x80\2\x8a\nl\xfc\x9c\x46\xf9 j\xa8P\x19.\x80\2M\xe9\3."s)
                .find("convert it with: python -c"),
            std::string::npos);
  EXPECT_NE(refusal_of_checkpoint(archive_with("}.", {{"constants.pkl", ""}}))
                .find("TorchScript program, not a state dict; convert it with: python -c"),
            std::string::npos);
  EXPECT_NE(refusal_of_checkpoint(archive_with("}.", {{"byteorder", "big"}})).find("big-endian"), std::string::npos);
  std::ostringstream other;
  ZipWriter archive(other);
  archive.add("picture.txt", "0");
  archive.finish();
  EXPECT_EQ(refusal_of_checkpoint(other.str()), "'x' is a zip archive, but not a torch checkpoint: it has no data.pkl");
}

TEST(TorchCheckpointHostile, DictsThatAreNoStateDicts) {
  const auto message = [](const std::string& pickle) { return refusal_of_checkpoint(archive_with(pickle, {})); };
  EXPECT_EQ(message("}."), "no error");
  EXPECT_NE(message("]."s).find("is not a state dict"), std::string::npos);
  const std::string tensor = dict_of_tensor("t").substr(dict_of_tensor("t").find("(X") + 7);
  EXPECT_NE(message("}K\1"s + tensor.substr(0, tensor.size() - 1) + "s.").find("a key of it is not a text"),
            std::string::npos);
  EXPECT_EQ(message("}X\1\0\0\0aK\2s."s), "'x' is not a state dict: it holds no tensors, but 'a'");
  EXPECT_NE(message("}q\0X\5\0\0\0modelh\0s."s).find("its entry 'model' is not a tensor"), std::string::npos);
  EXPECT_NE(message("\x80\2cos\nsystem\nX\2\0\0\0ls\x85R."s).find("'os.system'"), std::string::npos);
  const NamedDescription twice = {"t", {find_element_type_named("F32"), "0", 0, 0, {0}, {1}}};
  EXPECT_EQ(message(pickle_of({twice, twice})), "'x' has two tensors named 't'");
}

TEST(TorchCheckpointHostile, ViewsStayInsideTheirStorage) {
  const testing::MemoryLimit limit(256);
  const std::string outside = "'x' has tensor 't' outside of its storage";
  EXPECT_EQ(message_of_view(0, {2, 3}, {3, 1}), "no error");
  EXPECT_EQ(message_of_view(2, {2, 2}, {2, 1}), "no error");
  EXPECT_EQ(message_of_view(0, {0, INT64_MAX / 16}, {INT64_MAX, INT64_MAX}), "no error");
  EXPECT_EQ(message_of_view(1, {2, 3}, {3, 1}), outside);
  EXPECT_EQ(message_of_view(-1, {2}, {1}), outside);
  EXPECT_EQ(message_of_view(0, {-2}, {1}), outside);
  EXPECT_EQ(message_of_view(5, {2}, {-1}), outside);
  EXPECT_EQ(message_of_view(0, {7}, {0}), outside);  // more elements than the storage: copies would grow
  EXPECT_EQ(message_of_view(0, {int64_t{1} << 40}, {0}), outside);
  EXPECT_EQ(message_of_view(0, {int64_t{1} << 32, int64_t{1} << 32}, {0, 0}), outside);
  EXPECT_EQ(message_of_view(0, {INT64_MAX, INT64_MAX, 0}, {1, 1, 1}), outside);
  EXPECT_EQ(message_of_view(1, {2, 2}, {INT64_MAX, INT64_MAX}), outside);
  EXPECT_EQ(message_of_view(INT64_MAX, {2}, {INT64_MAX}), outside);
}

TEST(TorchCheckpointHostile, StoragesFitTheirRecords) {
  const testing::MemoryLimit limit(256);
  EXPECT_NE(message_of_view(0, {6}, {1}, 6, 23).find("with 6 elements in an entry of 23 bytes"), std::string::npos);
  EXPECT_NE(message_of_view(0, {6}, {1}, uint64_t{1} << 62).find("in an entry of 24 bytes"), std::string::npos);
  EXPECT_NE(message_of_view(0, {6}, {1}, 7).find("in an entry of 24 bytes"), std::string::npos);
  const ElementType *f32 = find_element_type_named("F32"), *i32 = find_element_type_named("I32");
  EXPECT_NE(refusal_of_checkpoint(archive_with(pickle_of({{"t", {f32, "1", 6, 0, {6}, {1}}}}), {{"data/0", ""}}))
                .find("has no entry 'archive/data/1'"),
            std::string::npos);
  const std::string both = pickle_of({{"t", {f32, "0", 6, 0, {6}, {1}}}, {"u", {i32, "0", 6, 0, {6}, {1}}}});
  EXPECT_EQ(refusal_of_checkpoint(archive_with(both, {{"data/0", std::string(24, '\0')}})),
            "'x' has two descriptions of the storage of tensor 'u'");
}

TEST(TorchCheckpointHostile, EveryTruncationIsRefused) {
  const std::string bytes = small_file();
  const testing::MemoryLimit limit(256);
  testing::expect_truncations_refused([](const std::string& b) { parse_torch_checkpoint(b, "x"); }, bytes);
}

TEST(TorchCheckpointHostile, EveryFlipIsRefusedOrHarmless) {
  const std::string bytes = small_file();
  const testing::MemoryLimit limit(256);
  const auto read = [](const std::string& damaged) {
    for (const auto& [name, tensor] : parse_torch_checkpoint(damaged, "x")) tensor.clone();
  };
  EXPECT_GT(testing::refused_after_flips(read, bytes), 5000u);
}

TEST(TorchCheckpointHostile, EveryFlipOfThePickleBehindARightChecksum) {
  const ElementType* f32 = find_element_type_named("F32");
  const std::string pickle = pickle_of({{"a", {f32, "0", 6, 0, {2, 3}, {1, 2}}}, {"b", {f32, "1", 1, 0, {}, {}}}});
  const Records records = {{"data/0", std::string(24, '\0')}, {"data/1", std::string(4, '\0')}};
  const testing::MemoryLimit limit(256);
  const auto read = [&](const std::string& damaged) {
    for (const auto& [name, tensor] : parse_torch_checkpoint(archive_with(damaged, records), "x")) tensor.clone();
  };
  EXPECT_GT(testing::refused_after_flips(read, pickle), 1000u);
}

}  // namespace
}  // namespace sscvae::serialization
