#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "sscvae/array/array.h"
#include "sscvae/kernels/isa.h"

namespace sscvae::kernels {

/// One iteration of a convolutional sparse coder, float32 on the CPU.
struct UnfoldedIteration {
  Array analysis;             ///< A_t [K,C,k,k]
  Array synthesis;            ///< B_t [C,K,k,k]; not read of the first iteration
  Array floor, slope;         ///< thresholds floor + sigma slope, [K], >= 0
  Array own, down, pool, up;  ///< of grouped shrinkage: [K], [R,K], [R,1,w,w], [K,R], >= 0; else undefined
};

/// All iterations of a convolutional sparse coder (models/convolutional_coder.h) from blocks to code, without
/// gradients. A part of a row at a time goes through windows, filters, shrinkage and the windows that the next
/// iteration takes away from the image, so that the code is read and written once in each iteration, twice with groups.
class UnfoldedCoder {
 public:
  /// Makes an uninitialised float32 map [N,C,H,W] in channels-last order.
  using Allocate = std::function<Array(Sizes)>;

  /// Errors: InternalError for shapes that do not fit together.
  explicit UnfoldedCoder(const std::vector<UnfoldedIteration>& iterations, Isa isa = best_isa());
  ~UnfoldedCoder();
  UnfoldedCoder(UnfoldedCoder&&) noexcept;

  /// blocks [N,C,h,w], channels-last; sigma: the noise level of each image; factors of the thresholds [N,K,h,w] or
  /// undefined (with groups always). The code [N,K,h,w], its channels dense. Does not depend on the number of threads.
  Array run(const Array& blocks, const std::vector<float>& sigma, const Array& factors, const Allocate& allocate) const;

 private:
  struct Packed;
  class Run;
  std::unique_ptr<Packed> packed_;
};

}  // namespace sscvae::kernels
