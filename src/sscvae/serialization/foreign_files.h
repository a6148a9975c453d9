#pragma once

#include <string>

#include "sscvae/serialization/byte_source.h"

/// What a file is, by its content: names of weights files say little (model.pt, model.bin, model.ckpt).
namespace sscvae::serialization {

enum class FileKind {
  kSafetensors,  ///< the length of a header, then '{'
  kTorch,        ///< a zip archive
  kOldTorch,     ///< what torch.save wrote before PyTorch 1.6: several pickles one after the other
  kOldTorchTar,  ///< and before that, a tar archive
  kPickle,       ///< of Python, without torch.save
  kPointer,      ///< the stand-in of Git LFS for a file that was not downloaded
  kPage,         ///< HTML: a page that says why there is no download
  kUnknown
};

FileKind kind_of_file(const ByteSource& source);

/// Throws FormatError with what the file is and, where there is a way, how to come from it to weights that can be read:
/// the line of Python, the command of Git. Returns for safetensors, zip archives and unknown files.
void refuse_foreign_file(const ByteSource& source);

/// Throws FormatError: a pickle of a model of that class instead of its weights, with the line of Python that makes
/// a state dict of it.
[[noreturn]] void fail_whole_model(const ByteSource& source, const std::string& class_name);

/// python -c "import torch; torch.save(<expression>, 'state_dict.pt')", in which FILE stands for the source's name.
std::string python_line(const ByteSource& source, std::string expression);

}  // namespace sscvae::serialization
