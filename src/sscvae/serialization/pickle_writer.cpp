#include "sscvae/serialization/pickle_writer.h"

#include "sscvae/core/error.h"

namespace sscvae::serialization {

namespace {

class PickleWriter {
 public:
  std::string write(const std::vector<NamedDescription>& tensors) {
    bytes_ = "\x80\x02";
    global("collections", "OrderedDict");
    bytes_ += ")R";
    if (!tensors.empty()) {
      bytes_ += '(';
      for (const auto& [name, tensor] : tensors) {
        text(name);
        write(tensor);
      }
      bytes_ += 'u';
    }
    return bytes_ + '.';
  }

 private:
  void write(const TensorDescription& tensor) {
    global("torch._utils", "_rebuild_tensor_v2");
    bytes_ += "((";
    text("storage");
    global("torch", tensor.type->storage);
    text(tensor.key);
    text("cpu");
    number(static_cast<int64_t>(tensor.storage_elements));
    bytes_ += "tQ";
    number(tensor.offset);
    tuple(tensor.sizes);
    tuple(tensor.strides);
    bytes_ += '\x89';                      // requires_grad=False
    global("collections", "OrderedDict");  // no hooks
    bytes_ += ")RtR";
  }

  void global(std::string_view module, std::string_view name) {
    bytes_ += 'c';
    bytes_.append(module).append("\n").append(name).append("\n");
  }

  void text(std::string_view value) {
    bytes_ += 'X';
    little_endian(value.size(), 4);
    bytes_ += value;
  }

  void number(int64_t value) {
    if (value >= 0 && value < 256) {
      bytes_ += 'K';
      little_endian(static_cast<uint64_t>(value), 1);
    } else if (value >= INT32_MIN && value <= INT32_MAX) {
      bytes_ += 'J';
      little_endian(static_cast<uint64_t>(value), 4);
    } else {
      bytes_ += "\x8a\x08";
      little_endian(static_cast<uint64_t>(value), 8);
    }
  }

  void tuple(const std::vector<int64_t>& values) {
    if (values.empty()) {
      bytes_ += ')';
      return;
    }
    bytes_ += '(';
    for (const int64_t value : values) number(value);
    bytes_ += 't';
  }

  void little_endian(uint64_t value, int size) {
    for (int i = 0; i < size; ++i) bytes_ += static_cast<char>(value >> (8 * i));
  }

  std::string bytes_;
};

}  // namespace

std::string pickle_of(const std::vector<NamedDescription>& tensors) {
  for (const NamedDescription& entry : tensors)
    if (!is_utf8(entry.name) || entry.name.size() > 0xffff)
      throw FormatError("cannot write tensor " + quoted_name(entry.name) +
                        " to a torch checkpoint: its name is not UTF-8 or too long");
  return PickleWriter().write(tensors);
}

}  // namespace sscvae::serialization
