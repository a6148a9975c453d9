#include <CLI/CLI.hpp>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include "sscvae/command.h"
#include "sscvae/core/error.h"
#include "sscvae/core/log.h"
#include "sscvae/core/printable.h"
#include "sscvae/core/text.h"
#include "sscvae/core/version.h"
#include "sscvae/kept_inputs.h"
#include "sscvae/tasks/interrupt.h"
#include "sscvae/training_half.h"

namespace sscvae::cli {

namespace {

constexpr Command kCommands[] = {
    {"train", "train a model", "sscvae train --config ultrasound-lite --set data.root=images --out runs/first",
     nullptr},
    {"evaluate", "metrics over a dataset under a named protocol",
     "sscvae evaluate --weights runs/first/checkpoints/best.safetensors --data images --json results.json",
     add_evaluate},
    {"calibrate", "teach weights what usual images look like, so that others are noticed",
     "sscvae calibrate --weights runs/first/checkpoints/best.safetensors --out W.safetensors", add_calibrate},
    {"reconstruct", "image -> sparse code -> image",
     "sscvae reconstruct photo.png scans/ --weights W.safetensors --out results", add_reconstruct},
    {"denoise", "remove noise from images",
     "sscvae denoise noisy/ --weights W.safetensors --sigma-8bit auto --strength 1.2 --out clean", add_denoise},
    {"verify-tiling", "what cutting a large image into tiles changes in its result",
     "sscvae verify-tiling scan.png --weights W.safetensors --tile 512", add_verify_tiling},
    {"compare", "metrics between two images, folders, sets of images or evaluations",
     "sscvae compare originals/ results/ --metrics psnr,ssim --json -", add_compare},
    {"trace", "every intermediate, loss and gradient of one pass, by name",
     "sscvae trace --weights W.safetensors --input X.safetensors --gradients --mode train --out T.safetensors",
     nullptr},
    {"inspect", "what a weights file is, and pictures of what it learned",
     "sscvae inspect W.safetensors --atoms atoms.png --codes photo.png --out maps", add_inspect},
    {"complexity", "parameters, multiply-adds and memory, by layer",
     "sscvae complexity --config ultrasound-reference --size 256x256", add_complexity},
    {"benchmark", "this machine's speed: inference, training, sparse coder, loading",
     "sscvae benchmark --config ultrasound-reference --size 256x256 --precision bf16 --layers", add_benchmark},
    {"import", "an authors' checkpoint becomes a weights file",
     "sscvae import model.pt --config sscvae_recon.json --out W.safetensors", add_import},
    {"export", "a model for other programs: weights for Python, or ONNX; weights of half the size",
     "sscvae export W.safetensors --format torch --out W.pt", add_export},
    {"config", "the resolved configuration", "sscvae config --config ultrasound-lite --set train.epochs=5 --explain",
     add_config},
    {"list", "what models, datasets, metrics, ... there are", "sscvae list models", add_list},
    {"data", "make, split and look at images", "sscvae data synth --kind mixed --count 20 --out images", add_data},
    {"tables", "the paper's tables and figures from data on disk, within a budget",
     "sscvae tables --ultrasound USenhance --bsds500 BSDS500 --budget 60m --out tables", nullptr},
    {"doctor", "what this machine offers, what will be used, what is wrong", "sscvae doctor", add_doctor},
    {"demo", "two minutes from made-up images to a trained model and a report", "sscvae demo --out demo-output",
     add_demo},
};

std::vector<std::string> command_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* sub : app.get_subcommands({})) names.push_back(sub->get_name());
  return names;
}

/// The innermost command that was named.
const CLI::App& named_command(const CLI::App& app) {
  const CLI::App* current = &app;
  while (!current->get_subcommands().empty()) current = current->get_subcommands().front();
  return *current;
}

std::string full_name(const CLI::App& app) {
  return app.get_parent() ? full_name(*app.get_parent()) + " " + app.get_name() : app.get_name();
}

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

/// One line for what CLI11 found wrong, with the nearest name of what was probably meant.
std::string usage_line(const CLI::App& root, const CLI::ParseError& error) {
  const CLI::App& command = named_command(root);
  const std::string where = full_name(command), help = "; see '" + where + " --help'";
  const std::vector<std::string> left = root.remaining(true);
  const std::vector<std::string> subcommands = command_names(command);
  if (!left.empty() && left.front().starts_with("-")) {
    const std::string option = left.front().substr(0, left.front().find('='));
    return "unknown option '" + option + "' of '" + where + "'" + suggestion(option, option_names(command)) + help;
  }
  if (!left.empty() && !subcommands.empty())
    return "unknown command '" + left.front() + "'" + suggestion(left.front(), subcommands) + "; commands of '" +
           where + "': " + join(subcommands, ", ");
  if (!left.empty()) return "unexpected argument '" + left.front() + "' of '" + where + "'" + help;
  if (!subcommands.empty()) return "'" + where + "' needs a command: " + join(subcommands, ", ");
  std::string line = error.what();
  for (char& c : line)
    if (c == '\n') c = ' ';
  return where + ": " + line + help;
}

/// "sscvae denoize --help": there is nothing that this help could be about.
bool names_unknown_command(const CLI::App& root) {
  const std::vector<std::string> left = root.remaining(true);
  return !left.empty() && !left.front().starts_with("-") && !command_names(named_command(root)).empty();
}

std::string refuse_empty(const std::string& value) {
  return value.empty() ? "expected a value, got an empty one (is a variable of the shell unset?)" : "";
}

/// CLI11 takes the largest number for one that is larger.
std::string refuse_overflow(const std::string& value) {
  int64_t number = 0;
  const bool fits =
      std::from_chars(value.data(), value.data() + value.size(), number).ec != std::errc::result_out_of_range;
  return fits ? "" : "expected a smaller number, got '" + value + "'";
}

/// Values that no option accepts: an empty one, which usually means an unset shell variable, and counts that overflow.
void refuse_impossible_values(CLI::App& app) {
  for (CLI::Option* option : app.get_options()) {
    if (option->get_items_expected_max() == 0) continue;
    const std::string type = option->get_type_name();
    if (type.size() == 1 && std::string("NRWPDKT").find(type) != std::string::npos)
      option->check(CLI::Validator(refuse_overflow, "", "overflow"));
    option->check(CLI::Validator(refuse_empty, "", "empty"));
  }
}

/// Without the "..." behind comma-separated lists, whose type shows that there may be several ("M1,M2").
class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_option_opts(const CLI::Option* option) const override {
    std::string text = CLI::Formatter::make_option_opts(option);
    const std::string repeated = " ...";
    const size_t place = text.find(repeated);
    if (option->get_delimiter() != '\0' && place != std::string::npos) text.erase(place, repeated.size());
    return text;
  }
};

void build(CLI::App& app) {
  app.formatter(std::make_shared<HelpFormatter>());
  app.set_version_flag("--version", "sscvae " + version());
  app.require_subcommand(1);
  app.fallthrough(false);
  for (const Command& command : kCommands) {
    CLI::App* sub = app.add_subcommand(command.name, command.summary);
    sub->footer("Example:\n  " + std::string(command.example));
    if (command.add) command.add(*sub);
    else if (const auto found = this_program().training.find(command.name); found != this_program().training.end())
      found->second(*sub);
  }
  for (CLI::App* sub : app.get_subcommands({})) {
    std::vector<CLI::App*> leaves = sub->get_subcommands({});
    if (leaves.empty()) leaves = {sub};
    for (CLI::App* leaf : leaves) {
      refuse_impossible_values(*leaf);
      leaf->parse_complete_callback([leaf] { keep_inputs(*leaf); });
      leaf->add_flag_callback(
          "--quiet", [] { set_verbosity(Verbosity::kQuiet); }, "no progress and no notes");
    }
  }
  app.footer("'sscvae COMMAND --help' tells more about a command.\nExample:\n  sscvae demo --out demo-output");
}

int fail(ExitCode code, const std::string& line) {
  std::fprintf(stderr, "sscvae: error: %s\n", printable(line).c_str());
  return static_cast<int>(code);
}

std::vector<std::string> commands_of_training() {
  std::vector<std::string> names;
  for (const Command& command : kCommands)
    if (!command.add) names.push_back(command.name);
  return names;
}

}  // namespace

int run_program(int argc, char** argv) {
  CLI::App app("Sparse-coded autoencoders of images: train, evaluate, reconstruct, denoise.", "sscvae");
  try {
    if (!this_program().trains) hand_over_to_training_half(argc, argv, commands_of_training());
    build(app);
    tasks::watch_interrupts();
    app.parse(argc, argv);
    return static_cast<int>(ExitCode::kOk);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0 && !names_unknown_command(app)) return app.exit(error);  // help and version
    return fail(ExitCode::kUsage, usage_line(app, error));
  } catch (const tasks::Interrupted&) {
    fail(ExitCode::kInternal, tasks::kInterruptedLine);
    return 128 + SIGINT;
  } catch (const std::exception& error) {
    const Failure failure = describe_failure(error);
    return fail(failure.code, failure.line);
  } catch (...) {
    return fail(ExitCode::kInternal, "internal error of an unknown kind");
  }
}

}  // namespace sscvae::cli
