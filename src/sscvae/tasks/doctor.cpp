#include "sscvae/tasks/doctor.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <c10/core/InferenceMode.h>
#include <torch/headeronly/version.h>
#include <torch/types.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "sscvae/core/cpu_features.h"
#include "sscvae/core/numbers.h"
#include "sscvae/core/shipped_files.h"
#include "sscvae/core/text.h"
#include "sscvae/core/version.h"
#include "sscvae/image/image.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/nn/lista_matrix.h"
#include "sscvae/train/presets.h"

namespace sscvae::tasks {

namespace {

constexpr double kGigabyte = 1 << 30;
constexpr double kLittleMemory = 2, kLittleDisk = 1;  // GiB

double read_number(const std::string& path) {
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);
  return parse_real(trim(line)).value_or(-1);
}

/// A line of /proc/meminfo in GiB, -1 if unknown.
double memory_line(const std::string& name) {
  std::ifstream in("/proc/meminfo");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with(name + ":")) {
      const std::string number = split(trim(std::string_view(line).substr(name.size() + 1)), ' ')[0];
      const std::optional<double> kibibytes = parse_real(number);
      return kibibytes ? *kibibytes * 1024 / kGigabyte : -1;
    }
  return -1;
}

/// The limit that containers set, in GiB, -1 if none.
double container_limit() {
  for (const char* path : {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"})
    if (const double bytes = read_number(path); bytes > 0 && bytes < 1e15) return bytes / kGigabyte;
  return -1;
}

double free_disk(const std::string& folder) {
  std::error_code error;
  const auto space = std::filesystem::space(folder, error);
  return error ? -1 : static_cast<double>(space.available) / kGigabyte;
}

/// Rate of the fastest of some small products: a smoke test of the maths library. `benchmark` measures large ones.
double product_gflops(at::ScalarType dtype) {
  const c10::InferenceMode no_gradients;
  const at::Tensor a = at::ones({512, 512}, dtype), b = at::ones({512, 512}, dtype);
  double best = std::numeric_limits<double>::infinity();
  for (int i = 0; i < 20; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    at::mm(a, b);
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  return 2.0 * 512 * 512 * 512 / best / 1e9;
}

Json processor_json() {
  const CpuFeatures& cpu = cpu_features();
  Json features = Json::array();
  for (const char* name : {"sse4_2", "avx", "avx2", "fma", "avx512f", "avx512_bf16", "amx_bf16", "amx_int8"})
    if (cpu.has(name)) features.push_back(name);
  Json json{{"model", cpu.model},
            {"features", features},
            {"hardware_threads", std::thread::hardware_concurrency()},
            {"libtorch_path", at::get_cpu_capability()},
            {"fast_bf16", cpu.has_fast_bf16()},
            {"fp32_gflops", product_gflops(at::kFloat)},
            {"bf16_gflops", product_gflops(at::kBFloat16)}};
  if (!cpu.held_to.empty()) json["held_to"] = cpu.held_to + " (SSCVAE_ISA)";
  return json;
}

Json libraries_json() {
  Json libraries{{"sscvae", version()},
                 {"libtorch", TORCH_VERSION},
                 {"compiler", __VERSION__},
                 {"mkl", at::hasMKL()},
                 {"onednn", at::hasMKLDNN()},
                 {"openmp", at::hasOpenMP()},
                 {"cuda", at::hasCUDA()},
                 {"cuda_devices", at::hasCUDA() ? at::detail::getCUDAHooks().deviceCount() : 0},
                 {"cuda_kernels", nn::lista_runs_on(c10::kCUDA)},
                 {"json", format("%d.%d.%d", NLOHMANN_JSON_VERSION_MAJOR, NLOHMANN_JSON_VERSION_MINOR,
                                 NLOHMANN_JSON_VERSION_PATCH)}};
  image::Image probe;
  probe.width = probe.height = 1;
  probe.bytes = {128};
  const image::Image back = image::decode_image(image::encode_png(probe), "self-test");
  libraries["png_round_trip"] = back.bytes == probe.bytes;
  return libraries;
}

Json problems_of(const Json& report) {
  Json problems = Json::array();
  if (report["libraries"]["openmp"] == false) problems.push_back("LibTorch without OpenMP: one thread only");
  if (report["libraries"]["png_round_trip"] == false)
    problems.push_back("PNG self-test failed: the image libraries do not work");
  if (report["processor"]["hardware_threads"].get<int>() > 1 && report["threads"].get<int>() == 1)
    problems.push_back("one thread is used although the processor has more (OMP_NUM_THREADS, --threads)");
  const double memory = report["memory"]["available_gib"].get<double>(),
               disk = report["disk"]["free_gib"].get<double>();
  if (memory >= 0 && memory < kLittleMemory) problems.push_back(format("little memory: %.1f GiB available", memory));
  if (disk >= 0 && disk < kLittleDisk)
    problems.push_back(format("little space in the current folder: %.1f GiB free", disk));
  if (report["presets"].get<size_t>() == 0) problems.push_back("no presets are built in");
  return problems;
}

std::string text_of(const Json& node, const std::string& indent) {
  std::string text;
  for (const auto& [key, value] : node.items()) {
    if (value.is_object()) text += indent + key + "\n" + text_of(value, indent + "  ");
    else if (value.is_number_float()) text += indent + key + ": " + format("%.4g", value.get<double>()) + "\n";
    else if (value.is_array()) {
      std::vector<std::string> items;
      for (const auto& item : value) items.push_back(item.is_string() ? item.get<std::string>() : item.dump());
      text += indent + key + ": " + (items.empty() ? "none" : join(items, ", ")) + "\n";
    } else {
      text += indent + key + ": " + (value.is_string() ? value.get<std::string>() : value.dump()) + "\n";
    }
  }
  return text;
}

}  // namespace

Report doctor(const ComputeOptions& options) {
  const Compute compute = resolve_compute(options);
  Json json;
  json["will_use"] = compute.text();
  json["threads"] = at::get_num_threads();
  json["processor"] = processor_json();
  json["libraries"] = libraries_json();
  json["memory"] = {{"total_gib", memory_line("MemTotal")}, {"available_gib", memory_line("MemAvailable")}};
  if (const double limit = container_limit(); limit > 0) json["memory"]["container_limit_gib"] = limit;
  json["disk"] = {{"folder", std::filesystem::current_path().string()}, {"free_gib", free_disk(".")}};
  json["presets"] = train::list_presets().size();
  json["weights_folders"] = shipped_folders();
  json["problems"] = problems_of(json);
  return make_report(text_of(json, ""), json);
}

}  // namespace sscvae::tasks
