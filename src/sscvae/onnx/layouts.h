#pragma once

#include "sscvae/array/array.h"
#include "sscvae/onnx/node_writer.h"

namespace sscvae::onnx {

/// A value in the layouts that it has been made in. What else is needed is derived once, when it is asked for, so that
/// a network is written with the transpositions that it needs and no others.
class Layouts {
 public:
  static Layouts of_maps(std::string name) { return Layouts(&Layouts::maps_, std::move(name)); }
  static Layouts of_rows(std::string name) { return Layouts(&Layouts::rows_, std::move(name)); }
  /// Of SpaceToDepth: `block` places in a block first, then `channels` of the image.
  static Layouts of_blocks(std::string name, int64_t block, int64_t channels);
  /// Float [1,C,1,1], the same for every image and position.
  static Layouts of_constant(const Array& value);

  /// [N,C,H,W]
  const std::string& maps(NodeWriter& writer);
  /// [N,H,W,C]
  const std::string& rows(NodeWriter& writer);
  /// Whether rows are there, and maps would have to be made.
  bool prefers_rows() const { return maps_.empty() && !rows_.empty(); }

  /// The weight of a convolution [C',C,k,k] for input(), where that saves making maps.
  Array fitted(const Array& weight) const;
  const std::string& input(NodeWriter& writer) { return is_blocks() ? blocks_ : maps(writer); }

 private:
  Layouts() = default;
  Layouts(std::string Layouts::*layout, std::string name) { this->*layout = std::move(name); }
  bool is_blocks() const { return maps_.empty() && !blocks_.empty(); }

  std::string maps_, rows_, blocks_;
  int64_t block_ = 1, channels_ = 1;
  Array constant_;
};

}  // namespace sscvae::onnx
