#include "sscvae/kernels/unfolded_coder.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "sscvae/array/array.h"
#include "sscvae/array/parallel.h"
#include "sscvae/array/selection.h"
#include "sscvae/core/error.h"
#include "sscvae/kernels/group_shrink.h"
#include "sscvae/kernels/noise_shrink.h"
#include "sscvae/kernels/patches.h"
#include "sscvae/kernels/pointwise.h"
#include "sscvae/kernels/pool_loops.h"

namespace sscvae::kernels {

namespace {

constexpr int64_t kWhole = 16;  // channels of products come in multiples of this

int64_t rounded_up(int64_t count) { return (count + kWhole - 1) / kWhole * kWhole; }

/// A vector, or the rows and columns of a matrix, with zeros up to the wanted sizes.
Array padded(const Array& x, const Sizes& sizes) {
  Array result = Array::zeros(sizes);
  Array inner = result;
  for (int64_t axis = 0; axis < x.dim(); ++axis) inner = inner.narrow(axis, 0, x.size(axis));
  inner.copy_(x);
  return result;
}

Pointwise product(const Array& matrix, int64_t outs, int64_t ins, Isa isa) {
  return {padded(matrix, {outs, ins}).unsqueeze(2).unsqueeze(3), {}, isa};
}

/// [K,C,k,k] -> [K,k k C], a window's numbers in the order of kernels/patches.h.
Array window_rows(const Array& filters) { return filters.permute({0, 2, 3, 1}).reshape({filters.size(0), -1}); }

}  // namespace

struct UnfoldedCoder::Packed {
  struct Iteration {
    Pointwise analysis;
    std::optional<Pointwise> synthesis, down, up;
    Array floor, slope, own, pool;
  };
  Isa isa;
  int64_t channels, atoms, side, window = 0, rank = 0;  // atoms and rank as they are in memory: rounded up
  int64_t real_atoms;
  std::vector<Iteration> iterations;
};

UnfoldedCoder::UnfoldedCoder(const std::vector<UnfoldedIteration>& iterations, Isa isa)
    : packed_(std::make_unique<Packed>()) {
  SSCVAE_ASSERT(!iterations.empty());
  Packed& p = *packed_;
  const Array& first = iterations[0].analysis;
  p.isa = isa;
  p.real_atoms = first.size(0);
  p.atoms = rounded_up(p.real_atoms);
  p.channels = first.size(1);
  p.side = first.size(2);
  const int64_t numbers = p.side * p.side * p.channels;
  for (const UnfoldedIteration& given : iterations) {
    SSCVAE_ASSERT(given.analysis.sizes() == first.sizes());
    Packed::Iteration packed{product(window_rows(given.analysis), p.atoms, rounded_up(numbers), isa),
                             {},
                             {},
                             {},
                             padded(given.floor, {p.atoms}),
                             padded(given.slope, {p.atoms}),
                             {},
                             {}};
    if (!p.iterations.empty()) {
      const Array atoms_first = flip(given.synthesis.transpose(0, 1), {2, 3});
      SSCVAE_ASSERT(atoms_first.sizes() == first.sizes());
      packed.synthesis.emplace(product(window_rows(atoms_first).t(), numbers, p.atoms, isa));
    }
    if (given.own.defined()) {
      p.rank = rounded_up(given.down.size(0));
      p.window = given.pool.size(2);
      packed.down.emplace(product(given.down, p.rank, p.atoms, isa));
      packed.up.emplace(product(given.up, p.atoms, p.rank, isa));
      packed.own = padded(given.own, {p.atoms});
      packed.pool = padded(given.pool.select(1, 0).permute({1, 2, 0}), {p.window, p.window, p.rank});
    }
    p.iterations.push_back(std::move(packed));
  }
}

UnfoldedCoder::~UnfoldedCoder() = default;
UnfoldedCoder::UnfoldedCoder(UnfoldedCoder&&) noexcept = default;

/// One call of run().
class UnfoldedCoder::Run {
 public:
  Run(const Packed& packed, const Array& blocks, const std::vector<float>& sigma, const Array& factors,
      const Allocate& allocate)
      : p_(packed),
        grid_{blocks.size(0), blocks.size(2), blocks.size(3), p_.channels, p_.side},
        sigma_(sigma),
        blocks_(blocks),
        factors_(factors) {
    const auto map = [&](int64_t channels) { return allocate({grid_.images, channels, grid_.height, grid_.width}); };
    code_ = map(p_.atoms);
    if (p_.iterations.size() > 1) {
      residual_ = map(p_.channels);
      windows_ = map(grid_.numbers());
    }
    if (p_.rank > 0) energies_ = map(p_.rank);
    if (factors.defined() && p_.atoms != p_.real_atoms) {
      factors_ = map(p_.atoms);
      factors_.narrow(1, 0, p_.real_atoms).copy_(factors);
      factors_.narrow(1, p_.real_atoms, p_.atoms - p_.real_atoms).zero_();
    }
  }

  Array code() {
    for (size_t t = 0; t < p_.iterations.size(); ++t) {
      if (t > 0) subtract_windows();
      if (p_.rank == 0) {
        for_parts([&](Part& part) { code_part(t, part); });
      } else {
        for_parts([&](Part& part) { step_part(t, part); });
        for_parts([&](Part& part) { group_part(t, part); });
      }
    }
    return code_.narrow(1, 0, p_.real_atoms);
  }

 private:
  /// Some pixels of one row and the memory of a thread.
  struct Part {
    int64_t image, y, first, last, position;  // `position` of its first pixel among all
    float *windows, *step, *other, *scratch;
    int64_t count() const { return last - first; }
  };

  template <typename Work>
  void for_parts(const Work& work) const {
    const Packed::Iteration& any = p_.iterations[0];
    const int64_t most = any.analysis.rows_at_once(), window_stride = rounded_up(grid_.numbers());
    int64_t scratch = any.analysis.scratch_floats();
    for (const Packed::Iteration& t : p_.iterations)
      for (const auto* product : {&t.synthesis, &t.down, &t.up})
        if (*product) scratch = std::max(scratch, (*product)->scratch_floats());
    parallel_for(0, grid_.images * grid_.height, 1, [&](int64_t begin, int64_t end) {
      const Array memory = Array::zeros({most * (window_stride + 2 * p_.atoms) + scratch});
      Part part{};
      part.windows = memory.data<float>();
      part.step = part.windows + most * window_stride;
      part.other = part.step + most * p_.atoms;
      part.scratch = part.other + most * p_.atoms;
      for (int64_t line = begin; line < end; ++line)
        for (int64_t first = 0; first < grid_.width; first += most) {
          part.image = line / grid_.height;
          part.y = line % grid_.height;
          part.first = first;
          part.last = std::min(first + most, grid_.width);
          part.position = line * grid_.width + first;
          work(part);
        }
    });
  }

  float* at(const Array& map, const Part& part) const { return map.data<float>() + part.position * map.size(1); }

  /// The image less what the code draws.
  void subtract_windows() {
    parallel_for(0, grid_.images * grid_.height, 4, [&](int64_t begin, int64_t end) {
      const int64_t length = grid_.width * p_.channels;
      for (int64_t line = begin; line < end; ++line) {
        float* row = residual_.data<float>() + line * length;
        const float* image = blocks_.data<float>() + line * length;
        sum_windows(grid_, windows_.data<float>() + line / grid_.height * grid_.height * grid_.width * grid_.numbers(),
                    line % grid_.height, row);
        for (int64_t i = 0; i < length; ++i) row[i] = image[i] - row[i];
      }
    });
  }

  /// step = previous code + A_t * residual.
  void find_step(size_t t, Part& part, float* step) const {
    const Array& seen = t == 0 ? blocks_ : residual_;
    const float* image = seen.data<float>() + part.image * grid_.height * grid_.width * p_.channels;
    gather_windows(grid_, image, part.y, part.first, part.last, part.windows, rounded_up(grid_.numbers()));
    p_.iterations[t].analysis.run_rows(part.windows, t == 0 ? nullptr : at(code_, part), part.count(), step,
                                       part.scratch);
  }

  /// Keeps the part's code and what the next iteration takes away for it.
  void finish(size_t t, const Part& part, const float* code) const {
    std::memcpy(at(code_, part), code, static_cast<size_t>(part.count() * p_.atoms) * sizeof(float));
    if (t + 1 < p_.iterations.size())
      p_.iterations[t + 1].synthesis->run_rows(code, nullptr, part.count(), at(windows_, part), part.scratch);
  }

  void code_part(size_t t, Part& part) const {
    const Packed::Iteration& i = p_.iterations[t];
    find_step(t, part, part.step);
    const NoiseShrink shrink{part.step,
                             nullptr,
                             factors_.defined() ? at(factors_, part) : nullptr,
                             i.floor.data<float>(),
                             i.slope.data<float>(),
                             sigma_[static_cast<size_t>(part.image)],
                             p_.atoms};
    noise_shrink(shrink, part.other, part.count(), p_.isa);
    finish(t, part, part.other);
  }

  /// Steps in the place of codes, and their energies mixed.
  void step_part(size_t t, Part& part) const {
    float* step = at(code_, part);
    find_step(t, part, step);
    for (int64_t i = 0; i < part.count() * p_.atoms; ++i) part.other[i] = step[i] * step[i];
    p_.iterations[t].down->run_rows(part.other, nullptr, part.count(), at(energies_, part), part.scratch);
  }

  void group_part(size_t t, Part& part) const {
    const Packed::Iteration& i = p_.iterations[t];
    const int64_t image = part.image * grid_.height * grid_.width * p_.rank;
    const PoolRow pool{
        energies_.data<float>() + image, i.pool.data<float>(), grid_.height, grid_.width, p_.rank, p_.window, part.y};
    pool_loops(p_.isa).pool_row(pool, part.first, part.last, part.step);
    i.up->run_rows(part.step, nullptr, part.count(), part.other, part.scratch);
    const GroupShrink shrink{at(code_, part),
                             part.other,
                             i.own.data<float>(),
                             i.floor.data<float>(),
                             i.slope.data<float>(),
                             sigma_[static_cast<size_t>(part.image)],
                             p_.atoms};
    group_shrink(shrink, part.step, part.count(), p_.isa);
    finish(t, part, part.step);
  }

  const Packed& p_;
  const PatchGrid grid_;
  const std::vector<float>& sigma_;
  Array blocks_, factors_, code_, residual_, windows_, energies_;
};

Array UnfoldedCoder::run(const Array& blocks, const std::vector<float>& sigma, const Array& factors,
                         const Allocate& allocate) const {
  SSCVAE_ASSERT(blocks.is_contiguous(Layout::kChannelsLast) && blocks.size(1) == packed_->channels &&
                sigma.size() == static_cast<size_t>(blocks.size(0)) && (packed_->rank == 0 || !factors.defined()));
  return Run(*packed_, blocks, sigma, factors, allocate).code();
}

}  // namespace sscvae::kernels
