#pragma once

#include <memory>

#include "sscvae/array/array.h"
#include "sscvae/kernels/lista_kernel.h"
#include "sscvae/kernels/lista_rows.h"

/// One tile of positions on its way through the iterations and back.
namespace sscvae::kernels {

/// Zero-filled float32 memory.
class Buffer {
 public:
  explicit Buffer(int64_t count = 0);
  float* data() const { return data_; }
  explicit operator bool() const { return data_ != nullptr; }

 private:
  Array memory_;
  float* data_ = nullptr;
};

/// Sizes of a problem and of its tiles. Columns are padded with zeros, so that no loop has a remainder.
struct ListaPlan {
  int64_t positions, dim, atoms, num_iterations;
  int64_t padded_dim, padded_atoms;  ///< multiples of the widest panel
  int64_t dim_stride, atom_stride;   ///< of rows of features and of codes in a tile
  int64_t tile_rows;                 ///< positions of a full tile
  int64_t row_multiple;              ///< tiles are filled up with zero rows to a multiple of it
  int64_t first_code;                ///< index of the first code that is not zero throughout: 0 (projected) or 1
  float inverse_lipschitz;
  Precision precision;
  bool factored;  ///< products with D^T and D instead of S (see is_factored)
  const ListaLoops* simd;

  explicit ListaPlan(const ListaProblem& problem);
  int64_t num_tiles() const { return (positions + tile_rows - 1) / tile_rows; }
  /// Rows that a matrix of `rows` rows has when it is read or written in blocks.
  static int64_t padded_rows(int64_t rows) { return rows + 32; }
  Buffer code_buffer() const { return Buffer(padded_rows(tile_rows) * atom_stride); }
  Buffer feature_buffer() const { return Buffer(padded_rows(tile_rows) * dim_stride); }
};

/// Panels of a row-major matrix [depth, columns], for ListaLoops: panel after panel, each [depth, panel_width], zeros
/// beyond `columns`.
Buffer pack_panels(const ListaPlan& plan, const float* matrix, int64_t stride, int64_t depth, int64_t columns);

/// result = A panels, with A [rows, depth] as in Product; `stride` is that of the result.
void multiply_panels(const ListaPlan& plan, Left left, const float* a, int64_t a_stride, const Buffer& panels,
                     int64_t rows, int64_t depth, int64_t columns, float* result, int64_t stride);

/// The right factors of all products, packed once for all tiles.
struct ListaWeights {
  bool for_gradients;
  Buffer rows;          ///< D itself, rows of atom_stride
  Buffer dictionary;    ///< panels of D [d,K]
  Buffer transpose;     ///< panels of D^T [K,d]; for gradients or where factored
  Buffer correction;    ///< panels of -D / L [d,K]; where factored
  Buffer gram;          ///< G = D^T D / L [K,K], rows of atom_stride; not where factored
  Buffer inhibition;    ///< panels of S = I - G; kFloat32 only, not where factored
  Array bfloat16_gram;  ///< G as packed by pack_bfloat16; kBfloat16 only
  ListaWeights(const ListaPlan& plan, const Array& matrix, bool for_gradients);

 private:
  void pack_gram(const ListaPlan& plan);
  void pack_correction(const ListaPlan& plan);
  void pack_transpose(const ListaPlan& plan);
};

class ListaTile {
 public:
  ListaTile(const ListaPlan& plan, const ListaWeights& weights);
  virtual ~ListaTile() = default;
  ListaTile(const ListaTile&) = delete;
  ListaTile& operator=(const ListaTile&) = delete;

  /// Writes the code of the tile's positions into `code` [P,K].
  void forward(const ListaInputs& inputs, TileRange tile, float* code);
  /// Of a tile that was made for gradients.
  void backward(const ListaInputs& inputs, TileRange tile, const ListaGradientRows& gradients, const ListaSums& sums);

 protected:
  /// Where z(t) stands as float32 after it was computed, until the next step.
  virtual float* code_at(int64_t t) = 0;
  /// z(t) was written to code_at(t) from outside.
  virtual void code_is_ready(int64_t t) {}
  /// z(t) -> z(t+1).
  virtual void step(int64_t t) = 0;
  /// The gradient of v(T), the argument of the last shrinkage, was written to outer() from outside.
  virtual void outer_is_ready() {}
  /// `sum` += what step t adds to ListaSums::inhibition; the gradient of v(t+1) is the present outer(). May be late,
  /// until finish_weight_gradient.
  virtual void add_weight_gradient(int64_t t, float* sum) = 0;
  virtual void finish_weight_gradient(float* sum) {}
  /// Gradient of v(t+1) -> gradient of v(t); adds to the latter's sum and to threshold_gradient() if that is wanted.
  virtual void step_back(int64_t t, float* drive_gradient) = 0;

  int64_t rows() const { return rows_; }
  float* outer() const { return outer_.data(); }
  float* threshold_gradient() const { return wants_threshold_ ? threshold_gradient_.data() : nullptr; }

  const ListaPlan& plan_;
  const ListaWeights& weights_;
  Buffer features_, drive_, threshold_;  ///< x, y and theta of the tile
  Buffer outer_;

 private:
  void load_rows(const float* from, TileRange tile, int64_t columns, float* to, int64_t stride) const;
  void load_threshold(const ListaInputs& inputs, TileRange tile);
  void iterate(const ListaInputs& inputs, TileRange tile, int64_t last);
  void pass_steps(const ListaGradientRows& gradients, TileRange tile, const ListaSums& sums);
  void pass_correlations(const ListaGradientRows& gradients, TileRange tile, const ListaSums& sums);
  void pass_threshold(const ListaGradientRows& gradients, TileRange tile, const ListaSums& sums) const;
  double drive_dot(TileRange tile) const;

  int64_t rows_ = 0;
  bool wants_threshold_ = false;
  Buffer scratch_, drive_gradient_, direct_gradient_, threshold_gradient_;
};

/// A tile of the plan's precision; where the weights are for gradients, with room for the codes of all steps.
std::unique_ptr<ListaTile> make_tile(const ListaPlan& plan, const ListaWeights& weights);
std::unique_ptr<ListaTile> make_float32_tile(const ListaPlan& plan, const ListaWeights& weights);
std::unique_ptr<ListaTile> make_bfloat16_tile(const ListaPlan& plan, const ListaWeights& weights);

}  // namespace sscvae::kernels
