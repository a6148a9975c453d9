#include <ATen/CPUGeneratorImpl.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/linalg_matrix_norm.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <torch/types.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "sscvae/array/shape.h"
#include "sscvae/core/error.h"
#include "sscvae/core/random.h"
#include "sscvae/core/text.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/nn/lista.h"
#include "sscvae/nn/lista_fused.h"
#include "sscvae/serialization/safetensors.h"
#include "sscvae/workshop/benchmark_training.h"
#include "sscvae/workshop/libtorch.h"

namespace sscvae::workshop {

namespace {

constexpr double kLargestThreshold = 0.2;  // with features of variance 1 a quarter to a half of the code stays
constexpr uint64_t kSeed = 1;

/// Positions P, atoms K of length d: features [P,d], dictionary [d,K], lipschitz [], threshold and cotangent [P,K].
struct ListaInputs {
  at::Tensor features, dictionary, lipschitz, threshold, cotangent;
  at::Tensor code;  // of the last pass

  std::vector<std::pair<const char*, at::Tensor*>> trained() {
    return {{"features", &features}, {"dictionary", &dictionary}, {"lipschitz", &lipschitz}, {"threshold", &threshold}};
  }
};

int64_t checked(const char* name, const std::optional<int64_t>& value, int64_t otherwise) {
  const int64_t number = value.value_or(otherwise);
  if (number < 1 || number > (int64_t{1} << 24))
    throw UsageError(std::string(name) + ": expected 1 to 2^24, got " + std::to_string(number));
  return number;
}

/// Features as of a normalised encoder; atoms of about unit length; L the largest eigenvalue of D^T D; thresholds
/// spread evenly over an interval.
ListaInputs random_inputs(const tasks::BenchmarkOptions& options) {
  const int64_t positions = checked("--positions", options.positions, 16384),
                length = checked("--atom-dim", options.atom_dim, 256), atoms = checked("--atoms", options.atoms, 512);
  const auto generator = [](const char* name) { return at::detail::createCPUGenerator(derive_seed(kSeed, name)); };
  ListaInputs inputs;
  inputs.features = at::randn({positions, length}, generator("features"));
  inputs.dictionary = at::randn({length, atoms}, generator("dictionary")) / std::sqrt(static_cast<double>(length));
  inputs.lipschitz = at::linalg_matrix_norm(inputs.dictionary, 2).square();
  inputs.threshold = at::rand({positions, atoms}, generator("threshold")) * kLargestThreshold;
  inputs.cotangent = at::randn({positions, atoms}, generator("cotangent"));
  return inputs;
}

ListaInputs read_inputs(const tasks::BenchmarkOptions& options) {
  if (options.positions || options.atom_dim || options.atoms)
    throw UsageError("--input brings the sizes: no --positions, --atom-dim and --atoms then");
  const serialization::StateDict tensors = serialization::read_safetensors(options.input).tensors;
  const auto read = [&](const char* name) { return as_tensor(tensors.at(name, options.input)).to(at::kFloat); };
  ListaInputs inputs{read("features"),  read("dictionary"), read("lipschitz").reshape({}),
                     read("threshold"), read("cotangent"),  {}};
  check_shape(inputs.features, "features", "P,d", {-1, -1});
  check_shape(inputs.dictionary, "dictionary", "d,K", {inputs.features.size(1), -1});
  const int64_t positions = inputs.features.size(0), atoms = inputs.dictionary.size(1);
  check_shape(inputs.threshold, "threshold", "P,K", {positions, atoms});
  check_shape(inputs.cotangent, "cotangent", "P,K", {positions, atoms});
  return inputs;
}

constexpr networks::InitialCode kStart = networks::InitialCode::kProjected;

/// How the iterations are run.
struct Iterations {
  int64_t count;
  bool fused;
  kernels::Precision precision;
};

void forward(ListaInputs& inputs, const Iterations& how) {
  inputs.code =
      how.fused ? nn::lista_fused(inputs.features, inputs.dictionary, inputs.lipschitz, inputs.threshold, how.count,
                                  kStart, how.precision)
                : nn::lista(inputs.features, inputs.dictionary, inputs.lipschitz, inputs.threshold, how.count, kStart);
}

void forward_and_backward(ListaInputs& inputs, const Iterations& how) {
  for (const auto& [name, tensor] : inputs.trained()) tensor->mutable_grad() = at::Tensor();
  forward(inputs, how);
  inputs.code.backward(inputs.cotangent);
}

serialization::StateDict outputs_of(ListaInputs& inputs) {
  serialization::StateDict outputs;
  outputs.add("code", inputs.code.detach().cpu());
  for (const auto& [name, tensor] : inputs.trained())
    outputs.add("gradient." + std::string(name), tensor->grad().cpu());
  return outputs;
}

}  // namespace

tasks::Stage lista_stage(const tasks::BenchmarkOptions& options, const runtime::Compute& compute) {
  const int64_t iterations = checked("--iterations", options.iterations, 16);
  runtime::RunnerSettings settings;
  settings.engine = options.engine;
  Iterations how{iterations, runtime::has_engine(settings, compute), kernels::Precision::kFloat32};
  if (compute.bf16) how.precision = kernels::Precision::kBfloat16;
  if (compute.bf16 && !(how.fused && kernels::supports(how.precision)))
    throw UsageError("--precision bf16: only the fast engine on a processor with AVX512_BF16 or AMX iterates so");
  const c10::Device device = device_of(compute);
  const auto inputs =
      std::make_shared<ListaInputs>(options.input.empty() ? random_inputs(options) : read_inputs(options));
  inputs->cotangent = inputs->cotangent.to(device);
  for (const auto& [name, tensor] : inputs->trained()) *tensor = tensor->to(device).detach().requires_grad_(true);
  const int64_t positions = inputs->features.size(0), length = inputs->features.size(1),
                atoms = inputs->dictionary.size(1);
  tasks::Stage stage = libtorch_stage(compute);
  stage.facts = {{"positions", positions}, {"atom_dim", length}, {"atoms", atoms}, {"iterations", iterations}};
  stage.text =
      format("%lld positions x (%lld -> %lld), %lld iterations", static_cast<long long>(positions),
             static_cast<long long>(length), static_cast<long long>(atoms), static_cast<long long>(iterations));
  const auto without_gradients = [=] {
    const at::NoGradGuard no_gradients;
    forward(*inputs, how);
  };
  const int64_t macs =
      how.fused ? nn::lista_fused_macs(inputs->features, inputs->dictionary, iterations, kStart, how.precision) : 0;
  const auto with_gradients = [=] { forward_and_backward(*inputs, how); };
  stage.passes = {libtorch_pass("forward", without_gradients, "positions", positions, compute, {}, macs),
                  libtorch_pass("forward+backward", with_gradients, "positions", positions, compute, {}, 3 * macs)};
  stage.results = [=] {
    return tasks::Json{{"nonzero_share", inputs->code.ne(0).to(at::kDouble).mean().item<double>()}};
  };
  stage.outputs = [=] { return outputs_of(*inputs); };
  return stage;
}

}  // namespace sscvae::workshop
