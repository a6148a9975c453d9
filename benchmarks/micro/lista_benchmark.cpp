// Times the iterations of the sparse coder on P = 16384 positions, d = 256, K = 512, T = 16, thresholds for each
// position: PyTorch's operations one by one ("eager"), the project's plain version, and the tiled kernel, interleaved,
// the best of several rounds. Ratios are against "eager". Memory is what the main thread asks for: all of it with
// OMP_NUM_THREADS=1, all but the tiles of the other threads otherwise.
//   sscvae_lista_benchmark [rounds] [positions]
#include <ATen/Parallel.h>
#include <c10/core/Allocator.h>
#include <c10/core/InferenceMode.h>
#include <c10/util/ThreadLocalDebugInfo.h>
#include <torch/types.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <limits>

#include "sscvae/core/cpu_features.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/nn/dictionary.h"
#include "sscvae/nn/lista.h"
#include "sscvae/nn/lista_fused.h"

namespace {

using namespace sscvae;

double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

class MemoryMeter : public c10::MemoryReportingInfoBase {
 public:
  void reportMemoryUsage(void*, int64_t size, size_t, size_t, c10::Device) override {
    current_ += size;
    peak_ = std::max(peak_, current_);
  }
  bool memoryProfilingEnabled() const override { return true; }
  double peak_mebibytes() const { return static_cast<double>(peak_) / 1048576.0; }

 private:
  int64_t current_ = 0, peak_ = 0;
};

struct Problem {
  at::Tensor features, dictionary, lipschitz, threshold, code_gradient;
  explicit Problem(int64_t positions) {
    torch::manual_seed(0);
    features = torch::randn({positions, 256});
    dictionary = nn::normalize_atoms(torch::randn({256, 512}));
    lipschitz = nn::largest_eigenvalue(dictionary) * 1.02;
    threshold = torch::rand({positions, 512}) * 0.1;
    code_gradient = torch::randn({positions, 512});
  }
};

using Solver = std::function<at::Tensor(const Problem&)>;
constexpr int64_t kSteps = 16;

Solver fused(kernels::Precision precision) {
  return [precision](const Problem& p) {
    return nn::lista_fused(p.features, p.dictionary, p.lipschitz, p.threshold, kSteps, networks::InitialCode::kZero,
                           precision);
  };
}

/// As one writes it in PyTorch: autograd keeps what every single operation needs.
at::Tensor eager(const Problem& p) {
  const auto shrink = [&](const at::Tensor& v) { return at::sign(v) * at::relu(at::abs(v) - p.threshold); };
  const at::Tensor drive = at::mm(p.features, p.dictionary) / p.lipschitz;
  const at::Tensor inhibition = at::eye(512) - at::mm(p.dictionary.t(), p.dictionary) / p.lipschitz;
  at::Tensor code = shrink(drive);
  for (int64_t t = 1; t < kSteps; ++t) code = shrink(at::mm(code, inhibition) + drive);
  return code;
}

/// The project's own plain operations, which keep only codes.
at::Tensor plain(const Problem& p) {
  return nn::lista(p.features, p.dictionary, p.lipschitz, p.threshold, kSteps, networks::InitialCode::kZero);
}

struct Case {
  const char* name;
  Solver solve;
  double wall = std::numeric_limits<double>::infinity(), cpu = wall, mebibytes = 0;
  at::Tensor code = {};
};

void run(const Case& item, const Problem& problem, bool backward, at::Tensor& code) {
  if (!backward) {
    const c10::InferenceMode guard;
    code = item.solve(problem);
    return;
  }
  Problem leaves = problem;
  for (at::Tensor* leaf : {&leaves.features, &leaves.dictionary, &leaves.lipschitz, &leaves.threshold})
    *leaf = leaf->detach().requires_grad_();
  const at::Tensor result = item.solve(leaves);
  result.backward(problem.code_gradient);
  code = result.detach();
}

void measure(Case& item, const Problem& problem, bool backward) {
  item.code = at::Tensor();  // before the meter runs: it must not see the memory of another round go
  const auto memory = std::make_shared<MemoryMeter>();
  const c10::DebugInfoGuard guard(c10::DebugInfoKind::PROFILER_STATE, memory);
  const double cpu = cpu_seconds();
  const auto start = std::chrono::steady_clock::now();
  run(item, problem, backward, item.code);
  item.wall = std::min(item.wall, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  item.cpu = std::min(item.cpu, cpu_seconds() - cpu);
  item.mebibytes = memory->peak_mebibytes();
}

void compare(const Problem& problem, bool backward, int rounds) {
  std::vector<Case> cases{
      {"eager float32", eager}, {"plain float32", plain}, {"fused float32", fused(kernels::Precision::kFloat32)}};
  if (kernels::supports(kernels::Precision::kBfloat16))
    cases.push_back({"fused bfloat16", fused(kernels::Precision::kBfloat16)});
  for (int round = 0; round < rounds; ++round)
    for (Case& item : cases) measure(item, problem, backward);
  std::printf("%s\n", backward ? "forward and backward" : "forward");
  for (const Case& item : cases) {
    const double error = ((item.code - cases[0].code).norm() / cases[0].code.norm()).item<double>();
    std::printf("  %-15s wall %7.4f s (%5.2fx)  CPU %7.4f s (%5.2fx)  allocated %7.1f MiB  error %.1e\n", item.name,
                item.wall, cases[0].wall / item.wall, item.cpu, cases[0].cpu / item.cpu, item.mebibytes, error);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 5;
  const Problem problem(argc > 2 ? std::atoll(argv[2]) : 16384);
  const double non_zero = (plain(problem) != 0).to(at::kDouble).mean().item<double>();
  std::printf("%s, %d threads, P=%lld d=256 K=512 T=%lld, %.0f %% of the code not zero\n", cpu_features().model.c_str(),
              at::get_num_threads(), static_cast<long long>(problem.features.size(0)), static_cast<long long>(kSteps),
              100 * non_zero);
  compare(problem, false, rounds);
  compare(problem, true, rounds);
}
