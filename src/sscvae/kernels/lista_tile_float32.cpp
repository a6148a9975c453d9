#include <utility>
#include <vector>

#include "sscvae/kernels/lista_tile.h"

namespace sscvae::kernels {

namespace {

/// Below this share of columns that some row of a block uses, lists are faster than whole rows (measured:
/// docs/performance.md).
constexpr double kActiveShare = 0.85;

class Float32Tile : public ListaTile {
 public:
  Float32Tile(const ListaPlan& plan, const ListaWeights& weights, bool for_gradients)
      : ListaTile(plan, weights), keep_codes_(for_gradients) {
    const int64_t count = for_gradients ? plan.num_iterations : 2;
    for (int64_t t = 0; t < count; ++t) codes_.push_back(plan.code_buffer());
    if (for_gradients) next_outer_ = plan.code_buffer();
  }

 protected:
  float* code_at(int64_t t) override { return codes_[static_cast<size_t>(keep_codes_ ? t : t % 2)].data(); }

  void step(int64_t t) override {
    plan_.simd->shrink_step(inhibited(code_at(t)), {drive_.data(), threshold_.data(), code_at(t + 1)},
                            plan_.atom_stride);
  }

  void add_weight_gradient(int64_t t, float* sum) override {
    const int64_t width = plan_.simd->panel_width;
    plan_.simd->multiply({Left::kTransposed, code_at(t), plan_.atom_stride, outer(), width, plan_.atom_stride,
                          plan_.atoms, rows(), plan_.padded_atoms / width},
                         sum, plan_.atom_stride, true);
  }

  void step_back(int64_t t, float* drive_gradient) override {
    plan_.simd->gradient_step(
        inhibited(outer()), {code_at(t), next_outer_.data(), drive_gradient, threshold_gradient()}, plan_.atom_stride);
    std::swap(outer_, next_outer_);
  }

 private:
  /// rows S; S is symmetric, so that it serves both directions. Where the rows are sparse, over their non-zeros only.
  Product inhibited(const float* matrix) {
    const int64_t width = plan_.simd->panel_width,
                  blocks = (rows() + plan_.simd->row_block - 1) / plan_.simd->row_block;
    Product product{Left::kPlain, matrix, plan_.atom_stride, weights_.inhibition.data(), plan_.atoms * width,
                    width,        rows(), plan_.atoms,       plan_.padded_atoms / width};
    active_.resize(static_cast<size_t>(blocks * plan_.atoms));
    active_counts_.resize(static_cast<size_t>(blocks));
    const int64_t total =
        plan_.simd->find_active(matrix, plan_.atom_stride, rows(), plan_.atoms, active_.data(), active_counts_.data());
    if (static_cast<double>(total) < kActiveShare * static_cast<double>(blocks * plan_.atoms)) {
      product.active = active_.data();
      product.active_counts = active_counts_.data();
    }
    return product;
  }

  const bool keep_codes_;
  std::vector<Buffer> codes_;
  Buffer next_outer_;
  std::vector<int32_t> active_, active_counts_;
};

}  // namespace

std::unique_ptr<ListaTile> make_float32_tile(const ListaPlan& plan, const ListaWeights& weights, bool for_gradients) {
  return std::make_unique<Float32Tile>(plan, weights, for_gradients);
}

}  // namespace sscvae::kernels
