#include "sscvae/tasks/benchmark.h"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <numeric>

#include "sscvae/array/parallel.h"
#include "sscvae/core/cpu_features.h"
#include "sscvae/core/error.h"
#include "sscvae/core/process_memory.h"
#include "sscvae/core/text.h"
#include "sscvae/core/version.h"
#include "sscvae/serialization/safetensors.h"
#include "sscvae/tasks/arithmetic_limit.h"
#include "sscvae/tasks/benchmark_stages.h"
#include "sscvae/tasks/interrupt.h"

namespace sscvae::tasks {

namespace {

using Clock = std::chrono::steady_clock;
constexpr double kMebibyte = 1 << 20;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

void refuse(bool given, const char* option, const std::string& stage) {
  if (given) throw UsageError(std::string(option) + ": not an option of --stage " + stage);
}

/// Options that the stage would ignore are mistakes.
void check_options(const BenchmarkOptions& options) {
  const std::vector<std::string> stages{"inference", "training", "lista", "loading"};
  const std::string& stage = options.stage;
  if (std::find(stages.begin(), stages.end(), stage) == stages.end())
    throw UsageError("--stage: expected " + join(stages, ", ") + ", got '" + stage + "'" + suggestion(stage, stages));
  if (options.repeats < 1) throw UsageError("--repeats: expected >= 1, got " + std::to_string(options.repeats));
  if (options.warmup < 0) throw UsageError("--warmup: expected >= 0, got " + std::to_string(options.warmup));
  const bool lista = stage == "lista", loading = stage == "loading";
  const runtime::ModelSource& source = options.source;
  refuse(lista && !(source.weights.empty() && source.config.empty() && source.model.empty() && source.set.empty()),
         "--weights, --config, --model, --set", stage);
  refuse(lista && options.size, "--size", stage);
  refuse(lista && options.batch, "--batch", stage);
  refuse(!lista && (options.positions || options.atom_dim || options.atoms || options.iterations),
         "--positions, --atom-dim, --atoms, --iterations", stage);
  refuse(!loading && !options.data.empty(), "--data", stage);
  refuse(loading && !options.input.empty(), "--input", stage);
  refuse((loading || stage == "training") && !options.out.empty(), "--out", stage);
  refuse(loading && options.layers, "--layers", stage);
  refuse((loading || stage == "training") && options.engine != "fast", "--engine", stage);
  refuse(loading && options.compute.precision != "auto", "--precision", stage);
  check_writable(options.out, options.overwrite);
}

Stage make_stage(const BenchmarkOptions& options, const std::map<std::string, StageMaker>& more) {
  const runtime::Compute compute = runtime::resolve_compute(options.compute);
  if (options.layers && !compute.on_cpu()) throw UsageError("--layers: times are taken on the processor only");
  if (options.stage == "loading") return loading_stage(options, compute);
  if (options.stage == "inference") return inference_stage(options, compute);
  const auto found = more.find(options.stage);
  if (found == more.end()) throw UsageError("--stage " + options.stage + " needs the training half of the program");
  return found->second(options, compute);
}

/// What was found out about one pass.
struct Measured {
  std::vector<double> seconds;
  Observed observed;
  double median = 0, least = 0, mean = 0;
};

void summarise(Measured& measured) {
  std::vector<double> sorted = measured.seconds;
  std::sort(sorted.begin(), sorted.end());
  const size_t count = sorted.size();
  measured.median = (sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
  measured.least = sorted.front();
  measured.mean = std::accumulate(sorted.begin(), sorted.end(), 0.0) / static_cast<double>(count);
}

/// Warm-up, timed runs, and one more that is watched instead of timed.
Measured measure(const TimedPass& pass, const BenchmarkOptions& options, const std::function<void()>& finish) {
  const auto run = [&] {
    stop_if_interrupted();
    pass.run();
    if (finish) finish();
  };
  Measured measured;
  for (int64_t i = 0; i < options.warmup; ++i) run();
  for (int64_t i = 0; i < options.repeats; ++i) {
    const auto begin = Clock::now();
    run();
    measured.seconds.push_back(seconds_since(begin));
  }
  summarise(measured);
  stop_if_interrupted();
  measured.observed = pass.watch();
  return measured;
}

double gflops(int64_t macs, double seconds) { return seconds > 0 ? 2e-9 * static_cast<double>(macs) / seconds : 0; }

Json pass_json(const TimedPass& pass, const Measured& measured, const ArithmeticLimit& limit) {
  Json json{{"name", pass.name},
            {"seconds", measured.seconds},
            {"median_seconds", measured.median},
            {"min_seconds", measured.least},
            {"mean_seconds", measured.mean},
            {"item", pass.item},
            {"items", pass.items},
            {"items_per_second", static_cast<double>(pass.items) / measured.median}};
  if (measured.observed.macs > 0) {
    json["macs"] = measured.observed.macs;
    json["gflops"] = gflops(measured.observed.macs, measured.median);
    json["share_of_limit"] = gflops(measured.observed.macs, measured.median) / limit.gflops;
  }
  if (measured.observed.peak_tensor_bytes > 0) json["peak_tensor_bytes"] = measured.observed.peak_tensor_bytes;
  return json;
}

/// Means over `repeats` runs of one pass, for which the profile slows it a little; what is left of the wall time is the
/// row "(between operations)".
Json layers_json(const TimedPass& pass, int64_t repeats, const ArithmeticLimit& limit) {
  const auto begin = Clock::now();
  const std::vector<OperationTime> times = pass.profile(repeats);
  const double wall = seconds_since(begin);
  Json rows = Json::array();
  double between = wall;
  const auto add = [&](const OperationTime& time) {
    Json row{{"pass", pass.name},
             {"layer", time.layer},
             {"operation", time.operation},
             {"calls", static_cast<double>(time.calls) / static_cast<double>(repeats)},
             {"seconds", time.seconds / static_cast<double>(repeats)},
             {"share", time.seconds / wall}};
    if (time.macs > 0) {
      row["macs"] = time.macs / repeats;
      row["gflops"] = gflops(time.macs, time.seconds);
      row["share_of_limit"] = gflops(time.macs, time.seconds) / limit.gflops;
    }
    rows.push_back(std::move(row));
    between -= time.seconds;
  };
  for (const OperationTime& time : times) add(time);
  add({"", "(between operations)", repeats, between, 0});
  return rows;
}

Json machine_json(const Json& library) {
  const CpuFeatures& cpu = cpu_features();
  Json features = Json::array();
  for (const char* name : {"avx2", "fma", "avx512f", "avx512_bf16", "amx_bf16"})
    if (cpu.has(name)) features.push_back(name);
  Json json{{"cpu", cpu.model}, {"features", features}, {"threads", num_threads()}, {"sscvae", version()}};
  json.update(library);
  return json;
}

std::string percent(const Json& object, const char* key) {
  return object.contains(key) ? format("%.1f", 100 * object[key].get<double>()) : "-";
}

std::string passes_table(const Json& passes) {
  std::vector<std::vector<std::string>> rows{
      {"pass", "median ms", "min ms", "mean ms", "items/s", "item", "GFLOP/s", "% of limit", "tensors MiB"}};
  for (const Json& pass : passes) {
    const bool counted = pass.contains("gflops");
    rows.push_back({pass["name"].get<std::string>(), format("%.2f", 1e3 * pass["median_seconds"].get<double>()),
                    format("%.2f", 1e3 * pass["min_seconds"].get<double>()),
                    format("%.2f", 1e3 * pass["mean_seconds"].get<double>()),
                    format("%.4g", pass["items_per_second"].get<double>()), pass["item"].get<std::string>(),
                    counted ? format("%.1f", pass["gflops"].get<double>()) : "-", percent(pass, "share_of_limit"),
                    pass.contains("peak_tensor_bytes")
                        ? format("%.1f", pass["peak_tensor_bytes"].get<double>() / kMebibyte)
                        : "-"});
  }
  return text_table(rows);
}

std::string layers_table(const Json& layers) {
  std::vector<std::vector<std::string>> rows{
      {"pass", "layer", "operation", "calls", "ms", "% of pass", "GFLOP/s", "% of limit"}};
  for (const Json& row : layers) {
    const std::string layer = row["layer"];
    rows.push_back({row["pass"].get<std::string>(), layer.empty() ? "-" : layer, row["operation"].get<std::string>(),
                    format("%.4g", row["calls"].get<double>()), format("%.3f", 1e3 * row["seconds"].get<double>()),
                    percent(row, "share"), row.contains("gflops") ? format("%.1f", row["gflops"].get<double>()) : "-",
                    percent(row, "share_of_limit")});
  }
  return text_table(rows);
}

std::string text_of(const Stage& stage, const Json& json) {
  const Json& machine = json["machine"];
  std::string text = stage.text + "\n\n" + passes_table(json["passes"]) + "\n";
  if (json.contains("layers")) text += layers_table(json["layers"]) + "\n";
  for (const auto& [key, value] : json["results"].items()) text += key + ": " + value.dump() + "\n";
  text += "computed on: " + json["compute"].get<std::string>() + "\n";
  if (json.contains("limit"))
    text += format("arithmetic limit: %.1f GFLOP/s (%s, measured here)\n", json["limit"]["gflops"].get<double>(),
                   json["limit"]["how"].get<std::string>().c_str());
  if (const double peak = json["peak_resident_bytes"].get<double>(); peak > 0)
    text += format("peak memory of the process: %.1f MiB\n", peak / kMebibyte);
  std::vector<std::string> features = machine["features"];
  text += format("machine: %s (%s)", machine["cpu"].get<std::string>().c_str(), join(features, ", ").c_str());
  if (machine.contains("libtorch"))
    text += format(", LibTorch %s (%s)", machine["libtorch"].get<std::string>().c_str(),
                   machine["libtorch_path"].get<std::string>().c_str());
  return text;
}

}  // namespace

Report benchmark(const BenchmarkOptions& options, const std::map<std::string, StageMaker>& more) {
  check_options(options);
  const Stage stage = make_stage(options, more);
  const runtime::Compute& compute = stage.compute;
  std::vector<Measured> measured;
  for (const TimedPass& pass : stage.passes) measured.push_back(measure(pass, options, stage.finish));
  if (!options.out.empty()) serialization::write_safetensors(options.out, stage.outputs());
  Json json{{"stage", options.stage},
            {"subject", stage.facts},
            {"compute", compute.text()},
            {"precision", compute.bf16   ? "bf16"
                          : compute.tf32 ? "tf32"
                                         : "fp32"},
            {"repeats", options.repeats},
            {"warmup", options.warmup},
            {"peak_resident_bytes", peak_resident_bytes()},
            {"machine", machine_json(stage.library)},
            {"passes", Json::array()},
            {"results", stage.results ? stage.results() : Json::object()}};
  ArithmeticLimit limit;
  if (stage.limit) {
    limit = stage.limit();
    json["limit"] = {{"gflops", limit.gflops}, {"how", limit.how}};
  }
  for (size_t i = 0; i < measured.size(); ++i) json["passes"].push_back(pass_json(stage.passes[i], measured[i], limit));
  if (options.layers) {
    json["layers"] = Json::array();
    for (const TimedPass& pass : stage.passes)
      for (Json& row : layers_json(pass, options.repeats, limit)) json["layers"].push_back(std::move(row));
  }
  return make_report(text_of(stage, json), json);
}

}  // namespace sscvae::tasks
