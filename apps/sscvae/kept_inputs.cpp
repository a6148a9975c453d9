#include "sscvae/kept_inputs.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "sscvae/core/error.h"
#include "sscvae/core/output_files.h"
#include "sscvae/image/image.h"

namespace sscvae::cli {

namespace fs = std::filesystem;

namespace {

constexpr const char* kOutputOptions[] = {"--json", "--out", "--per-image", "--atoms", "--diagram"};

bool names_output(const std::string& option) {
  return std::find(std::begin(kOutputOptions), std::end(kOutputOptions), option) != std::end(kOutputOptions);
}

/// The folder that a pattern searches; any other path as it is.
fs::path searched(const std::string& value) {
  fs::path path(value);
  while (path.string().find_first_of("*?") != std::string::npos) path = path.parent_path();
  return path.empty() ? "." : path;
}

bool is_below(const fs::path& file, const fs::path& folder) {
  return std::mismatch(folder.begin(), folder.end(), file.begin(), file.end()).first == folder.end();
}

bool takes_place(const fs::path& output, const std::string& input) {
  std::error_code error;
  if (fs::equivalent(output, input, error)) return true;
  const fs::path folder = fs::canonical(searched(input), error);
  return !error && fs::is_directory(folder, error) && image::has_image_extension(output) &&
         is_below(fs::canonical(output, error), folder);
}

/// The values of all options that are not outputs; of key=value the value, too.
std::vector<std::string> inputs_of(const CLI::App& command) {
  std::vector<std::string> inputs;
  for (const CLI::Option* option : command.get_options()) {
    if (names_output(option->get_name()) || option->get_items_expected_max() == 0) continue;
    for (const std::string& value : option->results()) {
      inputs.push_back(value);
      if (const size_t equals = value.find('='); equals != std::string::npos)
        inputs.push_back(value.substr(equals + 1));
    }
  }
  return inputs;
}

}  // namespace

void keep_inputs(const CLI::App& command) {
  const std::vector<std::string> inputs = inputs_of(command);
  for (const CLI::Option* option : command.get_options()) {
    if (!names_output(option->get_name())) continue;
    for (const std::string& output : option->results()) {
      std::error_code error;
      if (descriptor_of(output) || !fs::is_regular_file(output, error)) continue;
      for (const std::string& input : inputs)
        if (!input.empty() && takes_place(output, input))
          throw UsageError(option->get_name() + ": '" + output + "' is an input of this call: choose another file");
    }
  }
}

}  // namespace sscvae::cli
