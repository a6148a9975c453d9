#include "sscvae/serialization/pickle_reader.h"

#include <gtest/gtest.h>

#include <cmath>

#include "sscvae/core/error.h"
#include "sscvae/serialization/pickle_writer.h"
#include "support/hostile_input.h"

namespace sscvae::serialization {
namespace {

using namespace std::string_literals;

std::string refusal_of_pickle(const std::string& bytes) {
  try {
    const MemorySource source("", "x");
    const Pickle pickle(bytes, source);
  } catch (const FormatError& error) {
    return error.what();
  }
  return "no error";
}

/// The single value that a pickle leaves, passed to `check`.
template <class Check>
void with_root(const std::string& bytes, const Check& check) {
  const MemorySource source("", "x");
  const Pickle pickle(bytes, source);
  check(pickle.root());
}

int64_t number_of(const std::string& bytes) {
  int64_t number = 0;
  with_root("\x80\2"s + bytes + ".", [&](const PickleValue& root) { number = *root.get<int64_t>(); });
  return number;
}

const std::string kStorage =
    "(X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0"
    "0X\3\0\0\0cpuK\6tQ"s;
const std::string kRebuild = "ctorch._utils\n_rebuild_tensor_v2\n"s;

TEST(Pickle, Numbers) {
  EXPECT_EQ(number_of("K\xff"s), 255);
  EXPECT_EQ(number_of("M\1\2"s), 513);
  EXPECT_EQ(number_of("J\xfe\xff\xff\xff"s), -2);
  EXPECT_EQ(number_of("\x8a\0"s), 0);
  EXPECT_EQ(number_of("\x8a\1\xff"s), -1);
  EXPECT_EQ(number_of("\x8a\3\0\0\1"s), 65536);
  EXPECT_EQ(number_of("\x8a\x8\xff\xff\xff\xff\xff\xff\xff\x7f"s), INT64_MAX);
  EXPECT_EQ(number_of("\x8a\x8\0\0\0\0\0\0\0\x80"s), INT64_MIN);
  with_root("G\x3f\xf8\0\0\0\0\0\0."s, [](const PickleValue& root) { EXPECT_EQ(*root.get<double>(), 1.5); });
}

TEST(Pickle, Containers) {
  with_root("}(X\1\0\0\0aK\1X\1\0\0\0b]K\2au."s, [](const PickleValue& root) {
    const PickleDict& dict = *root.get<PickleDict>();
    ASSERT_EQ(dict.size(), 2u);
    EXPECT_EQ(*dict[0].first->get<std::string>(), "a");
    EXPECT_EQ(*dict[0].second->get<int64_t>(), 1);
    EXPECT_EQ(*dict[1].second->get<PickleList>()->at(0)->get<int64_t>(), 2);
  });
  with_root("NK\1\x88\x87."s, [](const PickleValue& root) {
    const PickleList& tuple = *root.get<PickleList>();
    ASSERT_EQ(tuple.size(), 3u);
    EXPECT_TRUE(tuple[0]->get<PickleValue::None>());
    EXPECT_EQ(*tuple[2]->get<bool>(), true);
  });
}

TEST(Pickle, AttributesOfADictAreDropped) {
  with_root("ccollections\nOrderedDict\n)R}X\t\0\0\0_metadataK\1sb."s,
            [](const PickleValue& root) { EXPECT_TRUE(root.get<PickleDict>()->empty()); });
}

TEST(Pickle, Tensor) {
  const std::string bytes = kRebuild + "("s + kStorage + "K\1K\2K\3\x86K\1K\2\x86\x89NtR."s;
  with_root(bytes, [](const PickleValue& root) {
    const TensorDescription& tensor = *root.get<TensorDescription>();
    EXPECT_EQ(tensor.type->name, "F32");
    EXPECT_EQ(tensor.key, "0");
    EXPECT_EQ(tensor.storage_elements, 6u);
    EXPECT_EQ(tensor.offset, 1);
    EXPECT_EQ(tensor.sizes, (std::vector<int64_t>{2, 3}));
    EXPECT_EQ(tensor.strides, (std::vector<int64_t>{1, 2}));
  });
  const std::string parameter =
      "ctorch._utils\n_rebuild_parameter\n("s + bytes.substr(0, bytes.size() - 1) + "\x88NtR."s;
  with_root(parameter, [](const PickleValue& root) { EXPECT_TRUE(root.get<TensorDescription>()); });
}

TEST(Pickle, WriterAndReaderAgree) {
  const ElementType* type = find_element_type_named("BF16");
  const std::vector<NamedDescription> written = {{"a.b", {type, "0", 6, 0, {2, 3}, {1, 2}}},
                                                 {"\xc3\xa4", {type, "1", 1, 0, {}, {}}},
                                                 {"large", {type, "2", 5'000'000'000, 0, {5'000'000'000}, {1}}},
                                                 {"300", {type, "3", 300, 0, {300}, {1}}}};
  with_root(pickle_of(written), [&](const PickleValue& root) {
    const PickleDict& dict = *root.get<PickleDict>();
    ASSERT_EQ(dict.size(), written.size());
    for (size_t i = 0; i < written.size(); ++i) {
      const TensorDescription& tensor = *dict[i].second->get<TensorDescription>();
      EXPECT_EQ(*dict[i].first->get<std::string>(), written[i].name);
      EXPECT_EQ(tensor.type, written[i].tensor.type);
      EXPECT_EQ(tensor.key, written[i].tensor.key);
      EXPECT_EQ(tensor.storage_elements, written[i].tensor.storage_elements);
      EXPECT_EQ(tensor.sizes, written[i].tensor.sizes);
      EXPECT_EQ(tensor.strides, written[i].tensor.strides);
    }
  });
  EXPECT_THROW(pickle_of({{"\xff", {type, "0", 0, 0, {0}, {1}}}}), FormatError);
}

TEST(PickleHostile, NamesOutsideTheListAreRefused) {
  EXPECT_EQ(refusal_of_pickle("\x80\2cos\nsystem\nX\2\0\0\0ls\x85R."s),
            "'x' asks for 'os.system', which is not among the names that a state dict may use");
  for (const char* name :
       {"posix\nsystem\n", "builtins\neval\n", "__builtin__\ngetattr\n", "torch\nUntypedStorage\n", "torch\nload\n",
        "torch.hub\nload\n", "argparse\nArgumentParser\n", "pathlib\nPath\n", "torch\nfloat128\n"})
    EXPECT_NE(refusal_of_pickle("c"s + name + ".").find("asks for"), std::string::npos) << name;
  EXPECT_NE(refusal_of_pickle("c"s + std::string(100000, 'a')), "no error");
  EXPECT_NE(refusal_of_pickle("cos"s), "no error");
}

/// What Python 3.12 and numpy write with protocol 2.
TEST(Pickle, HarmlessObjectsKeepTheirNamesOnly) {
  const std::pair<const char*, std::string> objects[] = {
      {"argparse.Namespace", "cargparse\nNamespace\nq\0)q\1\x81q\2}q\3X\1\0\0\0aK\1sb."s},
      {"pathlib.PosixPath", "cpathlib\nPosixPath\n(X\1\0\0\0aX\1\0\0\0btR."s},
      {"torch.device", "ctorch\ndevice\nX\4\0\0\0cudaK\0\x86R."s},
      {"__builtin__.set", "c__builtin__\nset\n](K\1K\2e\x85R."s},
      {"numpy.core.multiarray.scalar",
       "cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n(X\2\0\0\0f8\x89\x88tR(K\3X\1\0\0\0<"
       "NNNJ\xff\xff\xff\xffJ\xff\xff"
       "\xff\xffK\0tbc_codecs\nencode\n(X\1\0\0\0aX\6\0\0\0latin1tRtR."s}};
  for (const auto& [name, bytes] : objects)
    with_root(bytes, [name = name](const PickleValue& root) {
      ASSERT_TRUE(root.get<PickleValue::Object>()) << name;
      EXPECT_EQ(root.get<PickleValue::Object>()->name, name);
    });
  with_root("ccollections\ndefaultdict\nc__builtin__\ndict\n\x85RX\1\0\0\0aK\1s."s,
            [](const PickleValue& root) { EXPECT_EQ(root.get<PickleDict>()->size(), 1u); });
}

TEST(PickleHostile, WholeModelsAreNamedWithTheLineThatConvertsThem) {
  const std::string line =
      "; if you trust it and have its code, convert it with: python -c \"import torch; torch.save(torch.load('x', "
      "map_location='cpu', weights_only=False).state_dict(), 'state_dict.pt')\"";
  EXPECT_EQ(refusal_of_pickle("\x80\2c__main__\nNet\nq\0)q\1\x81q\2}q\3b."s),
            "'x' is a whole pickled model ('__main__.Net'), not a state dict" + line);
  EXPECT_EQ(refusal_of_pickle("\x80\2c__main__\nNet\n)\x81}b."s),
            "'x' is a whole pickled model ('__main__.Net'), not a state dict" + line);
  EXPECT_NE(refusal_of_pickle("\x80\2}X\1\0\0\0ac__main__\nNet\n)\x81s."s).find("asks for '__main__.Net'"),
            std::string::npos);
}

TEST(PickleHostile, UnknownInstructionsAreRefused) {
  const std::string known =
      "\x80.()]}N\x88\x89KMJ\x8aGXcqrhjt\x85\x86\x87\x81"
      "aesuQRb"s;
  for (int opcode = 0; opcode < 256; ++opcode) {
    const std::string bytes = {'\x80', '\2', static_cast<char>(opcode)};
    if (known.find(static_cast<char>(opcode)) != std::string::npos) continue;
    EXPECT_NE(refusal_of_pickle(bytes).find("instruction"), std::string::npos) << opcode;
  }
  EXPECT_EQ(refusal_of_pickle("\x80\4N."s), "'x' has pickle protocol 4; torch.save writes 2 unless told otherwise");
}

TEST(PickleHostile, MissingOperandsAreRefused) {
  for (const char opcode :
       ".qrt\x85\x86\x87\x81"
       "aesuQRb"s) {
    const std::string bare = {opcode, 0, 0, 0, 0};
    EXPECT_NE(refusal_of_pickle(bare), "no error") << opcode;
    EXPECT_NE(refusal_of_pickle("NN(" + bare), opcode == 't' ? "" : "no error") << opcode;
    EXPECT_NE(refusal_of_pickle("N" + bare),
              opcode == 'q' || opcode == 'r' || opcode == '.' || opcode == '\x85' ? "" : "no error");
  }
  EXPECT_NE(refusal_of_pickle("h\0."s), "no error");
  EXPECT_NE(refusal_of_pickle("j\xff\xff\xff\xff."s), "no error");
}

TEST(PickleHostile, HugeSizesAreRefusedWithoutReservingThem) {
  const testing::MemoryLimit limit(256);
  EXPECT_EQ(refusal_of_pickle("X\xff\xff\xff\xff"
                              "abc."s),
            "'x' has a damaged pickle: it ends too early");
  EXPECT_EQ(refusal_of_pickle("\x8a\xff"
                              "abc."s),
            "'x' has a whole number above 64 bits in its pickle");
  EXPECT_NE(refusal_of_pickle("\x8b\xff\xff\xff\x7f"
                              "abc."s),
            "no error");
  EXPECT_NE(refusal_of_pickle("T\xff\xff\xff\x7f"
                              "abc."s),
            "no error");
}

TEST(PickleHostile, NestingAndCyclesNeitherRecurseNorLeak) {
  const testing::MemoryLimit limit(1024);
  EXPECT_EQ(refusal_of_pickle("N"s + std::string(1000000, '\x85') + "."), "no error");
  EXPECT_EQ(refusal_of_pickle(std::string(1000000, ']') + std::string(999999, 'a') + "."), "no error");
  EXPECT_NE(refusal_of_pickle(std::string(1000000, '(')), "no error");
  EXPECT_EQ(refusal_of_pickle("]q\0h\0a."s), "no error");
  EXPECT_EQ(refusal_of_pickle("}q\0X\1\0\0\0ah\0s."s), "no error");
}

TEST(PickleHostile, MemoBombsStayInProportion) {
  const testing::MemoryLimit limit(1024);
  // A list of ten times the list before: 10^50 elements if anybody walked through it.
  std::string bytes = "]q\0"s;
  for (char i = 0; i < 50; ++i) {
    bytes += "](";
    for (int k = 0; k < 10; ++k) bytes += {'h', i};
    bytes += {'e', 'q', static_cast<char>(i + 1)};
  }
  EXPECT_EQ(refusal_of_pickle(bytes + "."), "no error");
  // A large text that tensors would copy.
  std::string key = "X\0\0\0\1"s + std::string(1 << 24, 'k') + "q\1"s;
  bytes = key + kRebuild + "q\2((X\7\0\0\0storagectorch\nFloatStorage\nh\1NK\0tQK\0))\x89Ntq\3"s;
  for (int i = 0; i < 1000; ++i) bytes += "h\2h\3R"s;
  EXPECT_EQ(refusal_of_pickle(bytes + "."), "'x' has a pickle whose values take more than 512 MiB");
  // Five bytes for a tensor of 8 dimensions.
  bytes = kRebuild + "q\2("s + kStorage + "K\0("s;
  for (int i = 0; i < 8; ++i) bytes += "K\1"s;
  bytes += "tq\4h\4\x89Ntq\3"s;
  for (int i = 0; i < 6000000; ++i) bytes += "h\2h\3R"s;
  EXPECT_EQ(refusal_of_pickle(bytes + "."), "'x' has a pickle whose values take more than 512 MiB");
}

TEST(PickleHostile, DamagedTensors) {
  const auto tensor = [](const std::string& rest) {
    return refusal_of_pickle(kRebuild + "("s + kStorage + rest + "."s);
  };
  EXPECT_EQ(tensor("K\0)))NtR"s), "no error");
  EXPECT_NE(tensor("K\0)))tR"s).find("with 5 arguments"), std::string::npos);
  EXPECT_NE(tensor("N)))NtR"s).find("a number belongs"), std::string::npos);
  EXPECT_NE(tensor("K\0K\1\x85)\x89NtR"s).find("more sizes than strides"), std::string::npos);
  EXPECT_NE(tensor("K\0X\0\0\0\0)\x89NtR"s).find("a tuple belongs"), std::string::npos);
  EXPECT_NE(refusal_of_pickle(kRebuild + "(NK\0))\x89NtR."s).find("a storage belongs"), std::string::npos);
  EXPECT_NE(refusal_of_pickle("(X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0"
                              "0NJ\xff\xff\xff\xfftQ."s)
                .find("negative size"),
            std::string::npos);
  EXPECT_NE(refusal_of_pickle("(X\7\0\0\0storageccollections\nOrderedDict\nX\1\0\0\0"
                              "0NK\0tQ."s)
                .find("no element type"),
            std::string::npos);
  EXPECT_NE(refusal_of_pickle("NNR."s), "no error");
}

TEST(PickleHostile, EveryTruncationAndFlip) {
  const testing::MemoryLimit limit(256);
  const ElementType* type = find_element_type_named("F32");
  const std::string bytes =
      pickle_of({{"first", {type, "0", 6, 0, {2, 3}, {1, 2}}}, {"second", {type, "1", 300, 0, {300}, {1}}}});
  const auto read = [](const std::string& damaged) {
    const MemorySource source("", "x");
    const Pickle pickle(damaged, source);
  };
  testing::expect_truncations_refused(read, bytes);
  EXPECT_GT(testing::refused_after_flips(read, bytes), 1000u);
}

}  // namespace
}  // namespace sscvae::serialization
