#include <CLI/CLI.hpp>
#include <cmath>
#include <functional>
#include <optional>

#include "sscvae/command.h"
#include "sscvae/core/error.h"
#include "sscvae/core/numbers.h"
#include "sscvae/core/text.h"

// CLI11 reads numbers with a decimal point as the locale of the process has it: here they are read without it.
namespace sscvae::cli {

namespace {

/// Keeps the number where `accept` is true for it; `expected` says what it accepts.
CLI::Option* add_checked(CLI::App& app, const std::string& name, double& number, const std::string& help,
                         const std::string& expected, const std::function<bool(double)>& accept) {
  const auto keep = [&number, name, expected, accept](const std::string& text) {
    const std::optional<double> value = parse_real(text);
    if (!value || !accept(*value)) throw UsageError(name + ": expected " + expected + ", got '" + text + "'");
    number = *value;
  };
  return app.add_option_function<std::string>(name, keep, help);
}

}  // namespace

void add_number_option(CLI::App& app, const std::string& name, const char* type, double& number,
                       const std::string& help) {
  add_checked(app, name, number, help, "a number", [](double value) { return std::isfinite(value); })
      ->type_name(type)
      ->default_str(to_text(number));
}

void add_strength_option(CLI::App& app, double& strength) {
  add_number_option(app, "--strength", "X", strength,
                    "sparser codes, more smoothing (> 1), or denser ones, less (< 1): every threshold times this");
}

void add_level_option(CLI::App& app, const std::string& name, double& level, double most, const std::string& help) {
  add_checked(app, name, level, help, "a number from 0 to " + to_text(most), [most](double value) {
    return value >= 0 && value <= most;
  })->type_name("S");
}

void add_tile_option(CLI::App& app, int64_t& tile, int64_t least) {
  const auto keep = [&tile, least](const std::string& text) {
    const std::optional<int64_t> value = text == "auto" ? -1 : parse_whole(text);
    if (!value || (text != "auto" && *value < least))
      throw UsageError("--tile: expected auto or a number of pixels >= " + std::to_string(least) + ", got '" + text +
                       "'");
    tile = *value;
  };
  const std::string never = least == 0 ? "; 0: never tile" : "";
  app.add_option_function<std::string>("--tile", keep,
                                       "side of the tiles of large images in pixels" + never + " (default: auto)")
      ->type_name("N|auto");
}

}  // namespace sscvae::cli
