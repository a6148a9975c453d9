#include <utility>
#include <vector>

#include "sscvae/kernels/lista_tile.h"

namespace sscvae::kernels {

namespace {

/// Below this share of columns that some row of a block uses, lists are faster than whole rows (measured:
/// docs/performance.md).
constexpr double kActiveShare = 0.85;

/// Codes of a tile in float32, and products with what is sparse.
class Float32Tile : public ListaTile {
 public:
  Float32Tile(const ListaPlan& plan, const ListaWeights& weights)
      : ListaTile(plan, weights), keep_codes_(weights.for_gradients) {
    const int64_t count = keep_codes_ ? plan.num_iterations : 2;
    for (int64_t t = 0; t < count; ++t) codes_.push_back(plan.code_buffer());
    if (keep_codes_) next_outer_ = plan.code_buffer();
  }

 protected:
  float* code_at(int64_t t) override { return codes_[static_cast<size_t>(keep_codes_ ? t : t % 2)].data(); }

  /// rows B for rows [., K] like codes and panels of B; where the rows are sparse, over their non-zeros only.
  Product product(const float* matrix, const Buffer& panels, int64_t columns) {
    const int64_t width = plan_.simd->panel_width,
                  blocks = (rows() + plan_.simd->row_block - 1) / plan_.simd->row_block;
    Product product{Left::kPlain, matrix, plan_.atom_stride, panels.data(),  plan_.atoms * width,
                    width,        rows(), plan_.atoms,       columns / width};
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

  /// sum += a^T b with a [rows, count] and b [rows, K] like codes; rows of `sum` are those of codes, too.
  void add_outer_product(const float* a, int64_t a_stride, int64_t count, const float* b, float* sum) {
    const int64_t width = plan_.simd->panel_width;
    plan_.simd->multiply(
        {Left::kTransposed, a, a_stride, b, width, plan_.atom_stride, count, rows(), plan_.padded_atoms / width}, sum,
        plan_.atom_stride, true);
  }

  const bool keep_codes_;
  std::vector<Buffer> codes_;
  Buffer next_outer_;

 private:
  std::vector<int32_t> active_, active_counts_;
};

/// v(t+1) = z(t) S + y.
class GramTile : public Float32Tile {
 public:
  using Float32Tile::Float32Tile;

 protected:
  void step(int64_t t) override {
    plan_.simd->shrink_step(inhibited(code_at(t)), {drive_.data(), threshold_.data(), code_at(t + 1)},
                            plan_.atom_stride);
  }

  void add_weight_gradient(int64_t t, float* sum) override {
    add_outer_product(code_at(t), plan_.atom_stride, plan_.atoms, outer(), sum);
  }

  void step_back(int64_t t, float* drive_gradient) override {
    plan_.simd->gradient_step(
        inhibited(outer()), {code_at(t), next_outer_.data(), drive_gradient, threshold_gradient()}, plan_.atom_stride);
    std::swap(outer_, next_outer_);
  }

 private:
  /// rows S; S is symmetric, so that it serves both directions.
  Product inhibited(const float* matrix) { return product(matrix, weights_.inhibition, plan_.padded_atoms); }
};

/// v(t+1) = z(t) - (z(t) D^T - x) D / L, and backwards g - (g D^T) D / L: for many more atoms than features.
class FactoredTile : public Float32Tile {
 public:
  FactoredTile(const ListaPlan& plan, const ListaWeights& weights)
      : Float32Tile(plan, weights), residual_(plan.feature_buffer()) {
    const int64_t count = keep_codes_ ? plan.num_iterations : 1;
    for (int64_t t = 0; t < count; ++t) syntheses_.push_back(plan.feature_buffer());
    if (keep_codes_) analysed_ = plan.feature_buffer();
  }

 protected:
  void step(int64_t t) override {
    synthesize(code_at(t), synthesis_at(t));
    plan_.simd->scale(-1.0F, features_.data(), synthesis_at(t), residual_.data(), rows() * plan_.dim_stride);
    plan_.simd->shrink_step(corrected(residual_.data()), {code_at(t), threshold_.data(), code_at(t + 1)},
                            plan_.atom_stride);
  }

  void outer_is_ready() override { synthesize(outer(), analysed_.data()); }

  /// D (z^T g + g^T z) for z = z(t) and the gradient g of v(t+1).
  void add_weight_gradient(int64_t t, float* sum) override {
    if (t == plan_.num_iterations - 1) synthesize(code_at(t), synthesis_at(t));  // the step that is not taken again
    add_outer_product(synthesis_at(t), plan_.dim_stride, plan_.dim, outer(), sum);
    add_outer_product(analysed_.data(), plan_.dim_stride, plan_.dim, code_at(t), sum);
  }

  void step_back(int64_t t, float* drive_gradient) override {
    plan_.simd->gradient_step(corrected(analysed_.data()),
                              {code_at(t), next_outer_.data(), drive_gradient, threshold_gradient(), outer()},
                              plan_.atom_stride);
    std::swap(outer_, next_outer_);
    if (t > plan_.first_code) synthesize(outer(), analysed_.data());
  }

 private:
  /// z(t) D^T, kept for gradients.
  float* synthesis_at(int64_t t) { return syntheses_[static_cast<size_t>(keep_codes_ ? t : 0)].data(); }

  /// rows D^T [., d].
  void synthesize(const float* matrix, float* result) {
    plan_.simd->multiply(product(matrix, weights_.transpose, plan_.padded_dim), result, plan_.dim_stride, false);
  }

  /// -rows D / L for rows like features.
  Product corrected(const float* matrix) const {
    const int64_t width = plan_.simd->panel_width;
    return {Left::kPlain, matrix, plan_.dim_stride, weights_.correction.data(), plan_.dim * width,
            width,        rows(), plan_.dim,        plan_.padded_atoms / width};
  }

  std::vector<Buffer> syntheses_;
  Buffer residual_;
  Buffer analysed_;  // outer() D^T
};

}  // namespace

std::unique_ptr<ListaTile> make_float32_tile(const ListaPlan& plan, const ListaWeights& weights) {
  if (plan.factored) return std::make_unique<FactoredTile>(plan, weights);
  return std::make_unique<GramTile>(plan, weights);
}

}  // namespace sscvae::kernels
