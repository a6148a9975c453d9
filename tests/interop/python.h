#pragma once

#include <sys/wait.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "sscvae/core/atomic_file.h"
#include "support/paths.h"

/// Other programs' libraries as judges of our files, through Python scripts beside this header.
namespace sscvae::testing {

struct PythonResult {
  int code;
  std::string output;  ///< both streams
};

inline PythonResult run_python(const std::vector<std::string>& arguments) {
  const TemporaryFolder folder;
  std::string command = "'" + python_with_torch().string() + "'";
  for (const std::string& argument : arguments) command += " '" + argument + "'";
  const int status = std::system((command + " > '" + (folder / "output").string() + "' 2>&1").c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_file(folder / "output")};
}

inline PythonResult run_script(const std::string& name, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), (source_folder() / "tests" / "interop" / name).string());
  return run_python(arguments);
}

inline bool python_has(const std::string& module) {
  return !python_with_torch().empty() &&
         run_python({"-c", "import importlib.util as u, sys; sys.exit(u.find_spec(sys.argv[1]) is None)", module})
                 .code == 0;
}

}  // namespace sscvae::testing

#define SSCVAE_SKIP_WITHOUT_PYTHON(module) \
  if (!::sscvae::testing::python_has(module)) GTEST_SKIP() << "no Python with the package " << (module)
