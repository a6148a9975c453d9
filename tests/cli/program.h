#pragma once

#include <sys/wait.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "sscvae/experiments/experiment.h"
#include "sscvae/runtime/weights_file.h"
#include "sscvae/serialization/safetensors.h"
#include "support/paths.h"

/// Runs the real program.
namespace sscvae::testing {

struct Outcome {
  int code = -1;
  std::string out, err;
  /// How many lines of standard error start with "sscvae: error: ".
  int error_lines() const {
    int count = 0;
    std::istringstream lines(err);
    for (std::string line; std::getline(lines, line);) count += line.rfind("sscvae: error: ", 0) == 0;
    return count;
  }
};

inline std::string slurp(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

inline std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

inline Outcome run(const std::vector<std::string>& arguments) {
  const TemporaryFolder folder;
  std::string command = quoted(SSCVAE_PROGRAM);
  for (const std::string& argument : arguments) command += " " + quoted(argument);
  command += " >" + quoted((folder / "out").string()) + " 2>" + quoted((folder / "err").string()) + " </dev/null";
  const int status = std::system(command.c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), slurp(folder / "out"),
          slurp(folder / "err")};
}

/// The results of a command that must succeed.
inline nlohmann::json run_json(std::vector<std::string> arguments) {
  arguments.insert(arguments.end(), {"--json", "-", "--quiet"});
  const Outcome outcome = run(arguments);
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  return outcome.code == 0 ? nlohmann::json::parse(outcome.out) : nlohmann::json();
}

/// The names below "Subcommands:" of a help text.
inline std::vector<std::string> subcommands_of(const std::string& help) {
  std::vector<std::string> names;
  std::istringstream lines(help);
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.find("ubcommands:") != std::string::npos || line.find("UBCOMMANDS:") != std::string::npos) inside = true;
    else if (inside && line.size() > 2 && line.starts_with("  ") && line[2] != ' ')
      names.push_back(line.substr(2, line.find(' ', 2) - 2));
  }
  names.erase(std::remove(names.begin(), names.end(), "sscvae"), names.end());  // of the example below
  return names;
}

/// Options of an ssc-vae that trains and runs in no time.
inline std::vector<std::string> tiny_options() {
  return {"model.lite.width=8", "model.lite.num_blocks=1", "model.sparse_coder.num_atoms=16",
          "model.sparse_coder.atom_dim=8", "model.sparse_coder.num_iterations=3"};
}

/// Untrained weights of such a model.
inline std::string write_tiny_weights(const std::filesystem::path& path, int channels = 1,
                                      const std::string& task = "reconstruct", const std::string& name = "ssc-vae",
                                      const std::vector<std::string>& more = {}) {
  std::vector<std::string> set = tiny_options();
  set.insert(set.end(), {"model.quantizer.num_codes=16", "model.quantizer.code_dim=8", "model.vae.latent_dim=8"});
  set.push_back("model.in_channels=" + std::to_string(channels));
  set.push_back("task=\"" + task + "\"");
  set.push_back("model.name=\"" + name + "\"");
  set.insert(set.end(), more.begin(), more.end());
  const experiments::Experiment experiment =
      experiments::resolve_experiment("", experiments::assignments_with_effect(set));
  serialization::write_safetensors(path, runtime::Model(experiment.options.model, 1).state(),
                                   {{runtime::kConfigKey, experiment.toml()}});
  return path.string();
}

}  // namespace sscvae::testing
