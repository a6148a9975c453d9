#include "sscvae/array/decompositions.h"

#include <Eigen/Eigenvalues>
#include <Eigen/QR>
#include <Eigen/SVD>
#include <limits>

#include "sscvae/array/elementwise.h"
#include "sscvae/array/reductions.h"

namespace sscvae {

namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

Matrix matrix_of(const Array& array) {
  const Array values = array.to(kFloat64).contiguous();
  return Eigen::Map<const Matrix>(values.data<double>(), values.size(0), values.size(1));
}

template <class Values>
Array array_of(const Values& values) {
  const Array array = Array::empty({static_cast<int64_t>(values.size())}, kFloat64);
  Eigen::Map<Eigen::VectorXd>(array.data<double>(), values.size()) = values;
  return array;
}

}  // namespace

Array eigenvalues(const Array& symmetric) {
  if (!all(isfinite(symmetric)))
    return Array::full({symmetric.size(0)}, std::numeric_limits<double>::quiet_NaN(), kFloat64);
  return array_of(Eigen::SelfAdjointEigenSolver<Matrix>(matrix_of(symmetric), Eigen::EigenvaluesOnly).eigenvalues());
}

Array singular_values(const Array& matrix) {
  return array_of(Eigen::BDCSVD<Matrix>(matrix_of(matrix)).singularValues());
}

Array triangular_factor(const Array& matrix) {
  const Eigen::HouseholderQR<Matrix> decomposition(matrix_of(matrix));
  const Matrix factor = decomposition.matrixQR().topRows(matrix.size(1)).triangularView<Eigen::Upper>();
  const Array result = Array::empty({factor.rows(), factor.cols()}, kFloat64);
  Eigen::Map<Matrix>(result.data<double>(), factor.rows(), factor.cols()) = factor;
  return result;
}

}  // namespace sscvae
