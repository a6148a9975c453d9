#ifdef SSCVAE_X86

#include <utility>
#include <vector>

#include "sscvae/array/array.h"
#include "sscvae/kernels/bfloat16_products.h"
#include "sscvae/kernels/bfloat16_unit.h"
#include "sscvae/kernels/lista_bfloat16.h"
#include "sscvae/kernels/lista_tile.h"

namespace sscvae::kernels {

namespace {

constexpr int64_t kStepGroup = 4;  // steps whose weight gradients are added in one product: fewer passes over the sum

/// Below this share of pairs of columns that some row of a block uses, lists are faster than whole rows (measured:
/// docs/performance.md). Against tiles it was not measured: there, whole rows always.
double active_share() { return best_bfloat16_unit() == Bfloat16Unit::kAvx512 ? 0.85 : 0; }

/// Zero-filled bfloat16 memory.
class HalfBuffer {
 public:
  explicit HalfBuffer(int64_t count = 0) {
    if (count == 0) return;
    memory_ = Array::zeros({count}, kBFloat16);
    data_ = memory_.data<BFloat16>();
  }
  BFloat16* data() const { return data_; }

 private:
  Array memory_;
  BFloat16* data_ = nullptr;
};

class Bfloat16Tile : public ListaTile {
 public:
  Bfloat16Tile(const ListaPlan& plan, const ListaWeights& weights)
      : ListaTile(plan, weights),
        atoms_(plan.padded_atoms),
        width_(bfloat16_panel_width(plan.padded_atoms)),
        slots_(weights.for_gradients ? plan.num_iterations : 2),
        code_(plan.code_buffer()),
        product_(plan.tile_rows * width_),
        codes_(slots_ * plan.tile_rows * atoms_) {
    products_.configure();  // of this thread, which also runs the tile
    if (!weights.for_gradients) return;
    rounded_outer_ = HalfBuffer(plan.tile_rows * atoms_);
    next_rounded_outer_ = HalfBuffer(plan.tile_rows * atoms_);
    left_ = HalfBuffer(atoms_ * capacity());
    right_ = HalfBuffer(atoms_ * capacity());
  }
  ~Bfloat16Tile() override { products_.release(); }

 protected:
  float* code_at(int64_t t) override { return code_.data(); }

  void code_is_ready(int64_t t) override {
    round_to_bfloat16(code_.data(), plan_.atom_stride, rows(), atoms_, half_code(t));
  }

  void step(int64_t t) override {
    find_active(half_code(t));
    for (int64_t first = 0; first < atoms_; first += width_)
      shrink_panel(multiply_gram(half_code(t), first), drive_.data() + first, threshold_.data() + first,
                   code_.data() + first, half_code(t + 1) + first);
  }

  void outer_is_ready() override {
    round_to_bfloat16(outer(), plan_.atom_stride, rows(), atoms_, rounded_outer_.data());
  }

  void add_weight_gradient(int64_t t, float* sum) override {
    if (filled_ + rows() > capacity()) finish_weight_gradient(sum);
    transpose_bfloat16(half_code(t), rows(), atoms_, left_.data() + filled_, capacity());
    interleave_bfloat16(rounded_outer_.data(), rows(), atoms_, right_.data() + filled_ * width_, capacity() * width_);
    filled_ += rows();
  }

  void finish_weight_gradient(float* sum) override {
    for (int64_t first = 0; filled_ > 0 && first < atoms_; first += width_)
      products_.multiply_matrices(
          {words(left_.data()), words(right_.data() + first * capacity()), atoms_, width_, filled_, capacity(), width_},
          sum + first, plan_.atom_stride, true);
    filled_ = 0;
  }

  void step_back(int64_t t, float* drive_gradient) override {
    find_active(rounded_outer_.data());
    for (int64_t first = 0; first < atoms_; first += width_)
      gradient_panel(multiply_gram(rounded_outer_.data(), first), half_code(t) + first, outer() + first,
                     drive_gradient + first, threshold_gradient() ? threshold_gradient() + first : nullptr,
                     next_rounded_outer_.data() + first);
    std::swap(rounded_outer_, next_rounded_outer_);
  }

 private:
  int64_t capacity() const { return kStepGroup * plan_.tile_rows; }
  BFloat16* half_code(int64_t t) { return codes_.data() + t % slots_ * plan_.tile_rows * atoms_; }

  /// Before multiply_gram: which columns of the matrix it may leave out.
  void find_active(const BFloat16* matrix) {
    if (active_share() <= 0) return;
    const int64_t blocks = rows() / 8, pairs = atoms_ / 2;
    active_.resize(static_cast<size_t>(blocks * pairs));
    active_counts_.resize(static_cast<size_t>(blocks));
    const int64_t total = find_active_pairs(matrix, rows(), atoms_, active_.data(), active_counts_.data());
    is_sparse_ = static_cast<double>(total) < active_share() * static_cast<double>(blocks * pairs);
  }

  /// Columns [first, first + width) of rows G; G is symmetric, so that it serves both directions.
  Bfloat16Panel multiply_gram(const BFloat16* matrix, int64_t first) {
    const BFloat16* panel = weights_.bfloat16_gram.data<BFloat16>() + first * atoms_;
    if (is_sparse_)
      multiply_active_pairs(matrix, rows(), atoms_, panel, width_, active_.data(), active_counts_.data(),
                            product_.data());
    else
      products_.multiply_matrices({words(matrix), words(panel), rows(), width_, atoms_, atoms_, width_},
                                  product_.data(), width_, false);
    return {product_.data(), rows(), width_, plan_.atom_stride, atoms_};
  }

  static const uint16_t* words(const BFloat16* values) { return &values->bits; }

  const bfloat16::Products& products_ = bfloat16::products(best_bfloat16_unit());
  const int64_t atoms_, width_, slots_;
  int64_t filled_ = 0;
  bool is_sparse_ = false;
  std::vector<int32_t> active_, active_counts_;
  Buffer code_, product_;
  HalfBuffer codes_;                               // z(t), one slot for each t that is remembered
  HalfBuffer rounded_outer_, next_rounded_outer_;  // gradient of v
  HalfBuffer left_, right_;                        // z(t)^T and gradients of v(t+1) of up to kStepGroup steps
};

}  // namespace

std::unique_ptr<ListaTile> make_bfloat16_tile(const ListaPlan& plan, const ListaWeights& weights) {
  return std::make_unique<Bfloat16Tile>(plan, weights);
}

}  // namespace sscvae::kernels

#endif
