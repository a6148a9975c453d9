#include "sscvae/tasks/doctor.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "sscvae/array/parallel.h"
#include "sscvae/core/cpu_features.h"
#include "sscvae/core/numbers.h"
#include "sscvae/core/shipped_files.h"
#include "sscvae/core/text.h"
#include "sscvae/core/version.h"
#include "sscvae/experiments/presets.h"
#include "sscvae/image/image.h"
#include "sscvae/kernels/bfloat16_unit.h"
#include "sscvae/tasks/arithmetic_limit.h"

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

Json processor_json() {
  const CpuFeatures& cpu = cpu_features();
  Json features = Json::array();
  for (const char* name : {"sse4_2", "avx", "avx2", "fma", "avx512f", "avx512_bf16", "amx_bf16", "amx_int8"})
    if (cpu.has(name)) features.push_back(name);
  Json json{{"model", cpu.model},
            {"features", features},
            {"hardware_threads", std::thread::hardware_concurrency()},
            {"fast_bf16", cpu.has_fast_bf16()},
            {"fp32_gflops", measure_arithmetic_limit(false).gflops}};
  if (kernels::has_bfloat16_kernels()) json["bf16_gflops"] = measure_arithmetic_limit(true).gflops;
  if (!cpu.held_to.empty()) json["held_to"] = cpu.held_to + " (SSCVAE_ISA)";
  return json;
}

Json libraries_json(const Json& more) {
  Json libraries{{"sscvae", version()},
                 {"compiler", __VERSION__},
                 {"json", format("%d.%d.%d", NLOHMANN_JSON_VERSION_MAJOR, NLOHMANN_JSON_VERSION_MINOR,
                                 NLOHMANN_JSON_VERSION_PATCH)}};
  libraries.update(more);
  image::Image probe;
  probe.width = probe.height = 1;
  probe.bytes = {128};
  const image::Image back = image::decode_image(image::encode_png(probe), "self-test");
  libraries["png_round_trip"] = back.bytes == probe.bytes;
  return libraries;
}

Json problems_of(const Json& report) {
  Json problems = Json::array();
  if (report["libraries"].value("openmp", true) == false)
    problems.push_back("LibTorch without OpenMP: training has one thread only");
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

Report doctor(const runtime::ComputeOptions& options, const Json& libraries) {
  const runtime::Compute compute = runtime::resolve_compute(options);
  Json json;
  json["will_use"] = compute.text();
  json["threads"] = num_threads();
  json["processor"] = processor_json();
  json["libraries"] = libraries_json(libraries);
  json["memory"] = {{"total_gib", memory_line("MemTotal")}, {"available_gib", memory_line("MemAvailable")}};
  if (const double limit = container_limit(); limit > 0) json["memory"]["container_limit_gib"] = limit;
  json["disk"] = {{"folder", std::filesystem::current_path().string()}, {"free_gib", free_disk(".")}};
  json["presets"] = experiments::list_presets().size();
  json["weights_folders"] = shipped_folders();
  json["problems"] = problems_of(json);
  return make_report(text_of(json, ""), json);
}

}  // namespace sscvae::tasks
