#pragma once

#include <map>

#include "sscvae/train/optimizer.h"

namespace sscvae::train {

struct MuonOptions {
  double learning_rate_ratio = 1;  ///< of the orthogonal steps' learning rate to that of Adam
  double momentum = 0.95;
  double weight_decay = 0;  ///< decoupled
  bool bf16 = false;        ///< orthogonalise in bfloat16
  /// Dictionaries of filters (models::Autoencoder::atom_axis) by name: the axis that counts atoms. They step
  /// orthogonally, too, as matrices with a row for each atom, without weight decay and with a ratio of their own.
  std::map<std::string, int64_t> atom_axes = {};
  double dictionary_ratio = 0;
};

/// An orthogonal matrix near one [m,n]: its singular values, whatever they were, move to between 0.65 and 1.2, its
/// singular vectors stay. Five steps X <- a X + (b A + c A^2) X, A = X X^T, of a Newton-Schulz iteration.
/// Source: Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks" (the coefficients too).
at::Tensor orthogonalize(const at::Tensor& matrix);
/// The same for each of [B,m,n], in as many operations as for one.
at::Tensor orthogonalize_each(const at::Tensor& matrices);

/// Whether a parameter is stepped orthogonally: the filters of a convolution (a state-dict name that ends in ".weight",
/// four dimensions) that are no row or column, at least 4 x 4 as a matrix of outputs by inputs.
bool is_orthogonal(const NamedParameter& parameter);

/// Convolution filters, as matrices of outputs by inputs (dictionaries: of atoms by the numbers of one), take steps
/// whose singular values are all about 1; everything else goes by Adam. For step t and gradient g of filters p:
///   b <- momentum b + (1 - momentum) g;   u = momentum b + (1 - momentum) g
///   p <- p (1 - lr weight_decay) - lr sqrt(max(1, m / n)) orthogonalize(u),   lr = learning_rate_ratio x Adam's
/// Source: Jordan et al. 2024.
class Muon : public Optimizer {
 public:
  Muon(std::vector<NamedParameter> parameters, MuonOptions options, AdamOptions adam);

  void step(double learning_rate) override;
  /// The filters' part of a step, all of one shape at once: what devices take, where each operation costs the same
  /// however small its matrices are. Equal to one by one up to rounding.
  void step_together(double learning_rate);
  /// "momentum.<parameter>" (b) of filters, and Adam's moments of the others.
  models::NamedTensors moments() const override;
  void load_state(const serialization::StateDict& state, int64_t steps, const std::string& source) override;

 private:
  /// Filters and how they step.
  struct Orthogonal {
    NamedParameter parameter;
    int64_t row_axis;  ///< 0 or 1
    double ratio, weight_decay;
  };
  bool takes(const NamedParameter& parameter) const;
  std::vector<NamedParameter> others() const;

  MuonOptions options_;
  std::vector<Orthogonal> filters_;
  std::vector<at::Tensor> momenta_;
  Adam adam_;
};

}  // namespace sscvae::train
