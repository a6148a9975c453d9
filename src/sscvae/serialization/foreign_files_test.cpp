#include "sscvae/serialization/foreign_files.h"

#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "sscvae/core/atomic_file.h"
#include "sscvae/core/error.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/serialization/safetensors.h"
#include "sscvae/serialization/tensor_file.h"
#include "sscvae/serialization/torch_checkpoint.h"
#include "support/paths.h"

namespace sscvae::serialization {
namespace {

using namespace std::string_literals;

const std::string kOldCheckpoint = "\x80\2\x8a\nl\xfc\x9c\x46\xf9 j\xa8P\x19.\x80\2M\xe9\3."s;
const std::string kPointerText = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 7\n";

std::string tar_archive() {
  std::string bytes(512, '\0');
  return bytes.replace(257, 5, "ustar");
}

std::string refusal_of_foreign(const std::string& bytes, const std::string& name = "x") {
  try {
    refuse_foreign_file(MemorySource(bytes, name));
  } catch (const FormatError& error) {
    return error.what();
  }
  return "no error";
}

TEST(ForeignFiles, KindsAreKnownByContent) {
  const auto kind = [](const std::string& bytes) { return kind_of_file(MemorySource(bytes, "x")); };
  EXPECT_EQ(kind("\2\0\0\0\0\0\0\0{}"s), FileKind::kSafetensors);
  EXPECT_EQ(kind("\3\0\0\0\0\0\0\0{}"s), FileKind::kUnknown);
  EXPECT_EQ(kind("PK\3\4"s), FileKind::kTorch);
  EXPECT_EQ(kind(kOldCheckpoint), FileKind::kOldTorch);
  EXPECT_EQ(kind(tar_archive()), FileKind::kOldTorchTar);
  EXPECT_EQ(kind("\x80\4\x95\0"s), FileKind::kPickle);
  EXPECT_EQ(kind("\x80\2\0\0\0\0\0\0"s), FileKind::kUnknown);  // the length of a header
  EXPECT_EQ(kind(kPointerText), FileKind::kPointer);
  EXPECT_EQ(kind(" \n<!DOCTYPE HTML>"), FileKind::kPage);
  EXPECT_EQ(kind("<html>"), FileKind::kPage);
  EXPECT_EQ(kind(""), FileKind::kUnknown);
}

TEST(ForeignFiles, AreRefusedWithWhatToDo) {
  const std::string python = "convert it with: python -c \"import torch; torch.save(";
  EXPECT_EQ(refusal_of_foreign(kOldCheckpoint, "dir/old.bin"),
            "'dir/old.bin' is a checkpoint in the format before PyTorch 1.6; " + python +
                "torch.load('dir/old.bin', map_location='cpu', weights_only=True), 'state_dict.pt')\"");
  EXPECT_EQ(refusal_of_foreign(kOldCheckpoint + "X\6\0\0\0module"s),
            "'x' is a whole pickled model, not a state dict; if you trust it and have its code, " + python +
                "torch.load('x', map_location='cpu', weights_only=False).state_dict(), 'state_dict.pt')\"");
  EXPECT_NE(refusal_of_foreign(tar_archive()).find(python), std::string::npos);
  EXPECT_NE(refusal_of_foreign("\x80\4\x95\0"s).find(python), std::string::npos);
  EXPECT_EQ(refusal_of_foreign(kPointerText),
            "'x' is a Git LFS pointer, not the file itself; 'git lfs pull' in its repository fetches that");
  EXPECT_NE(refusal_of_foreign("<html>").find("web page"), std::string::npos);
  for (const std::string& harmless : {""s, "abc"s, "PK\3\4"s, "\2\0\0\0\0\0\0\0{}"s})
    EXPECT_EQ(refusal_of_foreign(harmless), "no error");
}

TEST(ForeignFiles, LinesOfPythonQuoteNoStrangeNames) {
  const MemorySource plain("", "FILE.pt"), strange("", "a'; import os\n\".pt");
  EXPECT_EQ(python_line(plain, "f(FILE)"), "python -c \"import torch; torch.save(f('FILE.pt'), 'state_dict.pt')\"");
  EXPECT_EQ(python_line(strange, "f(FILE)"), "python -c \"import torch; torch.save(f('model.pt'), 'state_dict.pt')\"");
}

TEST(TensorFile, IsReadByItsContentWhateverItsName) {
  const testing::TemporaryFolder folder;
  StateDict state;
  state.add("a", at::zeros({2}));
  write_safetensors(folder / "a.pt", state, {{"key", "value"}});
  write_torch_checkpoint(folder / "b.safetensors", state);
  EXPECT_EQ(read_tensor_file(folder / "a.pt").metadata.at("key"), "value");
  EXPECT_EQ(read_tensor_file(folder / "b.safetensors").tensors.names(), state.names());
  for (const char* name : {"c.bin", "c.pt", "c.safetensors"}) {
    write_atomically(folder / name, kOldCheckpoint);
    EXPECT_THROW(read_tensor_file(folder / name), FormatError);
    write_atomically(folder / name, "something else");
    try {
      read_tensor_file(folder / name);
      ADD_FAILURE() << name;
    } catch (const FormatError& error) {
      const bool by_name = std::string(error.what()).find("not a torch checkpoint") != std::string::npos;
      EXPECT_EQ(by_name, name == "c.pt"s) << error.what();
    }
  }
  write_atomically(folder / "d.safetensors", kPointerText);
  EXPECT_THROW(read_safetensors(folder / "d.safetensors"), FormatError);
  EXPECT_THROW(read_safetensors(folder / "b.safetensors"), FormatError);
  EXPECT_THROW(read_torch_checkpoint(folder / "a.pt"), FormatError);
}

}  // namespace
}  // namespace sscvae::serialization
