#include "sscvae/command.h"

namespace sscvae::cli {

const Program& this_program() {
  static const Program program;
  return program;
}

}  // namespace sscvae::cli

int main(int argc, char** argv) { return sscvae::cli::run_program(argc, argv); }
