#include "sscvae/serialization/foreign_files.h"

#include <algorithm>

namespace sscvae::serialization {

namespace {

constexpr uint64_t kLooked = 4096;  // bytes
/// The first pickle of an old checkpoint: a number that torch.load looks for.
constexpr std::string_view kOldTorchStart("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 14);
/// A module in such a file comes with its source as external data of this kind.
constexpr std::string_view kModuleMark("X\x06\0\0\0module", 11);
constexpr const char* kLoaded = "torch.load(FILE, map_location='cpu', weights_only=True)";
constexpr const char* kLoadedUnchecked = "torch.load(FILE, map_location='cpu', weights_only=False)";

std::string start_of(const ByteSource& source) { return source.read_text(0, std::min(source.size(), kLooked)); }

bool is_page(std::string_view start) {
  start.remove_prefix(std::min(start.size(), start.find_first_not_of(" \t\r\n")));
  std::string lower;
  for (const char c : start.substr(0, 14)) lower += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return lower.starts_with("<!doctype html") || lower.starts_with("<html");
}

bool is_safetensors(std::string_view start, uint64_t size) {
  uint64_t length = 0;
  if (start.size() < 9 || start[8] != '{') return false;
  for (size_t i = 8; i-- > 0;) length = length << 8 | static_cast<unsigned char>(start[i]);
  return length <= size - 8;
}

}  // namespace

FileKind kind_of_file(const ByteSource& source) {
  const std::string start = start_of(source);
  if (start.starts_with("PK")) return FileKind::kTorch;
  if (is_safetensors(start, source.size())) return FileKind::kSafetensors;
  if (start.starts_with(kOldTorchStart)) return FileKind::kOldTorch;
  if (start.size() > 262 && start.compare(257, 5, "ustar") == 0) return FileKind::kOldTorchTar;
  if (start.size() > 2 && start[0] == '\x80' && start[1] >= 2 && start[1] <= 5 && start[2] != 0)
    return FileKind::kPickle;
  if (start.starts_with("version https://git-lfs")) return FileKind::kPointer;
  if (is_page(start)) return FileKind::kPage;
  return FileKind::kUnknown;
}

std::string python_line(const ByteSource& source, std::string expression) {
  const bool plain = source.name().find_first_of("'\"\\$`!\n") == std::string::npos;
  const std::string name = plain ? "'" + source.name() + "'" : "'model.pt'";
  if (const size_t place = expression.find("FILE"); place != std::string::npos) expression.replace(place, 4, name);
  return "python -c \"import torch; torch.save(" + expression + ", 'state_dict.pt')\"";
}

void fail_whole_model(const ByteSource& source, const std::string& class_name) {
  const std::string what = class_name.empty() ? "" : " (" + quoted_name(class_name) + ")";
  source.fail("is a whole pickled model" + what +
              ", not a state dict; if you trust it and have its code, convert it with: " +
              python_line(source, std::string(kLoadedUnchecked) + ".state_dict()"));
}

void refuse_foreign_file(const ByteSource& source) {
  switch (kind_of_file(source)) {
    case FileKind::kOldTorch:
      if (start_of(source).find(kModuleMark) != std::string::npos) fail_whole_model(source, "");
      source.fail("is a checkpoint in the format before PyTorch 1.6; convert it with: " + python_line(source, kLoaded));
    case FileKind::kOldTorchTar:
      source.fail("is a tar archive, as checkpoints of the first PyTorch are; if you trust it, convert it with: " +
                  python_line(source, kLoadedUnchecked));
    case FileKind::kPickle:
      source.fail("is a pickle that torch.save did not write; if you trust it, convert it with: " +
                  python_line(source, "__import__('pickle').load(open(FILE, 'rb'))"));
    case FileKind::kPointer:
      source.fail("is a Git LFS pointer, not the file itself; 'git lfs pull' in its repository fetches that");
    case FileKind::kPage:
      source.fail("is a web page, not a weights file: the download went wrong");
    default:
      return;
  }
}

}  // namespace sscvae::serialization
