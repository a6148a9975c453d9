#include "sscvae-train/training.h"
#include "sscvae/command.h"
#include "sscvae/nn/tensor_allocator.h"
#include "sscvae/workshop/benchmark_training.h"
#include "sscvae/workshop/demo.h"
#include "sscvae/workshop/libtorch.h"

namespace sscvae::cli {

const Program& this_program() {
  static const Program program{true,
                               &workshop::libtorch_backend(),
                               {{"train", add_train}, {"trace", add_trace}, {"tables", add_tables}},
                               {{"training", workshop::training_stage}, {"lista", workshop::lista_stage}},
                               workshop::libtorch_abilities,
                               workshop::demo};
  return program;
}

}  // namespace sscvae::cli

int main(int argc, char** argv) {
  sscvae::nn::use_tensor_heap();
  return sscvae::cli::run_program(argc, argv);
}
