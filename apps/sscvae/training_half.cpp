#include "sscvae/training_half.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "sscvae/core/error.h"
#include "sscvae/core/text.h"

namespace sscvae::cli {

namespace fs = std::filesystem;

namespace {

constexpr char kProgram[] = "sscvae-train";

/// Values of options, by how they begin, that only the training half knows.
struct Wish {
  const char *option, *value;
};
constexpr Wish kWishes[] = {{"--device", "cuda"}, {"--mode", "train"}, {"--stage", "training"}, {"--stage", "lista"}};

/// Why the call needs the training half; "" if it does not.
std::string reason_of(const std::vector<std::string>& arguments, const std::vector<std::string>& commands) {
  const std::string& command = arguments.front();
  if (std::find(commands.begin(), commands.end(), command) != commands.end()) return "'" + command + "'";
  for (size_t i = 1; i < arguments.size(); ++i)
    for (const Wish& wish : kWishes) {
      const std::string option = wish.option, joined = option + "=";
      const bool apart = arguments[i] == option && i + 1 < arguments.size() && arguments[i + 1].starts_with(wish.value);
      if (apart || arguments[i].starts_with(joined + wish.value)) return option + " " + wish.value;
    }
  return "";
}

bool can_run(const fs::path& program) { return access(program.c_str(), X_OK) == 0; }

/// The path of the program, "" if it is nowhere.
std::string find_program() {
  std::error_code error;
  const fs::path own = fs::read_symlink("/proc/self/exe", error);
  if (const fs::path beside = own.parent_path() / kProgram; !error && can_run(beside)) return beside;
  const char* path = std::getenv("PATH");
  for (const std::string& folder : split(path ? path : "", ':'))
    if (const fs::path there = fs::path(folder) / kProgram; !folder.empty() && can_run(there)) return there;
  return "";
}

}  // namespace

void hand_over_to_training_half(int argc, char** argv, const std::vector<std::string>& commands) {
  if (argc < 2) return;
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const std::string reason = reason_of(arguments, commands);
  const bool gains = arguments.front() == "doctor" || arguments.front() == "demo";
  if (reason.empty() && !gains) return;
  const std::string program = find_program();
  if (program.empty() && reason.empty()) return;
  if (program.empty())
    throw UsageError(reason + " needs the training half of the program, " + kProgram + ", which is not installed here");
  execv(program.c_str(), argv);
  throw IoError("'" + program + "' cannot be started");
}

}  // namespace sscvae::cli
